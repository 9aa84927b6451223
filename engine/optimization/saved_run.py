"""A Run from its folder: checked, and continued as if nothing had happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError, FormwrightError, ParameterError
from engine.core.leaves import State
from engine.optimization.checkpoint_io import parts_of
from engine.optimization.history import Branch
from engine.optimization.loss_curve import LossCurve
from engine.optimization.run import Run
from engine.protocol import edits as edit_kinds
from engine.protocol import snapshot as seen
from engine.protocol.recording import RecordedEdit, read_recording
from engine.protocol.run_folder import EDITS, MANIFEST, damaged, read_manifest
from engine.protocol.study import Study

_MISFITS = (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError, AssertionError, ParameterError)
"""What restoring raises when a state is not of this study."""


@dataclass(frozen=True)
class SavedRun:
    """A Run folder that has been read, but for the large arrays.

    study : as the Run was started
    iteration, iterations, branch : of the latest state
    checkpoints : each with whether it had been verified
    journal : the Edits that had acted on the state
    later : the Edits that acted after it was saved
    """

    folder: Path
    study: Study
    state_file: Path
    iteration: int
    iterations: int
    branch: str
    position: dict[str, Any]
    checkpoints: list[tuple[seen.CheckpointInfo, bool]]
    forks: dict[str, int | None]
    following: int
    journal: list[RecordedEdit]
    later: list[RecordedEdit]


def read_saved_run(folder: Path) -> SavedRun:
    """Read a Run folder; raises `FileError` where it is none, is damaged, or was written by a newer version."""
    manifest = read_manifest(folder)
    try:
        count = int(manifest["edits"])
        recorded = list(read_recording(folder / EDITS, cut_off=True).edits)
        saved = SavedRun(
            folder,
            Study.parse(manifest["study"], owner="study"),
            folder / Path(str(manifest["state"])).name,
            int(manifest["iteration"]),
            int(manifest["iterations"]),
            str(manifest["branch"]),
            {name: _whole(manifest["position"][name]) for name in _POSITION},
            [_checkpoint(entry) for entry in manifest["checkpoints"]],
            {str(branch["name"]): _whole(branch["fork"]) for branch in manifest["branches"]},
            int(manifest["next"]),
            recorded[:count],
            recorded[count:],
        )
    except FileError:
        raise
    except _MISFITS as error:
        raise damaged(folder, f"{MANIFEST} is not as it was written ({error})") from error
    if len(saved.journal) < count:
        raise damaged(folder, f"{EDITS} has {len(saved.journal)} Edits of {count}")
    _check_tree(saved)
    return saved


def saved_study(folder: Path) -> Study:
    """The Study that a saved Run belongs to, as it was started; raises `FileError`."""
    return read_saved_run(folder).study


def resume_run(run: Run, saved: SavedRun) -> list[seen.Event]:
    """Let a fresh Run of the same Study go on from a folder, and send it the Edits that acted after it was saved.

    Its History is what it was: every Checkpoint can be looked at and gone back to. A Checkpoint that cannot be read is
    left out, and where the latest state cannot be, the Run goes back to the last Checkpoint that can. Returns what a
    window has to be told of it, what is lost included. Raises `FileError` where nothing can be gone on from.
    """
    notes: list[seen.Event] = []
    content: State | None = None
    try:
        content = _latest_content(run, saved)
    except FileError as error:
        trouble = error
    lost = _bring_history(run, saved, content)
    if lost:
        notes.append(_told_lost(lost, len(saved.checkpoints)))
    stand_in = run.history.lose(lost)
    checkpoint = saved.position["checkpoint"]
    saved = replace(saved, position={**saved.position, "checkpoint": stand_in.get(checkpoint, checkpoint)})
    try:
        if content is None:
            raise trouble
        _take_state(run, saved, content)
    except FileError as error:
        notes.append(_fall_back(run, saved, error))
    for entry in saved.later:
        edit = entry.parsed()
        if not entry.by_engine and not isinstance(edit, (edit_kinds.Stop, edit_kinds.Resume)):
            run.send(edit)
    run.apply_edits()
    return [*notes, *_told(run)]


def _latest_content(run: Run, saved: SavedRun) -> State:
    """The latest state and the losses; raises `FileError`."""
    store = run.history.store
    store.adopt_arrays(parts_of(saved.state_file), saved.folder)
    return store.read_file(saved.state_file)


def _bring_history(run: Run, saved: SavedRun, content: State | None) -> dict[int, FileError]:
    """Give a Run the tree of a folder; returns the Checkpoints whose files are missing or damaged.

    content : with the losses; without it only those of the Run's own Checkpoints are known
    """
    lost: dict[int, FileError] = {}
    checkpoints: list[tuple[seen.CheckpointInfo, bool]] = []
    for info, verified in saved.checkpoints:
        thumbnail = None
        try:
            thumbnail = run.history.store.adopt(info.id, saved.folder)
        except FileError as error:
            lost[info.id] = error
        checkpoints.append((replace(info, thumbnail=thumbnail), verified))
    curves = {name: LossCurve() for name in saved.forks}
    for info, verified in saved.checkpoints:
        if verified:
            curves[info.branch].record(info.iteration, info.losses)
    if content is not None:
        with contextlib.suppress(*_MISFITS):
            losses: Any = content["losses"]
            curves |= {
                n: LossCurve.of_arrays(losses[n]["iterations"], losses[n]["values"]) for n in curves.keys() & losses
            }
    branches = {name: Branch(fork, curves[name]) for name, fork in saved.forks.items()}
    run.history.restore(checkpoints, branches, following=saved.following)
    return lost


def _take_state(run: Run, saved: SavedRun, content: State) -> None:
    """Continue from the latest state; raises `FileError` when it is none of this study."""
    try:
        state: Any = content["run"]
        if state["branch"] not in run.history.branches:
            raise damaged(saved.folder, f"there is no branch {state['branch']!r}")
        _check(saved.state_file, state)
        run.resume(state, saved.position, saved.journal)
    except FileError:
        raise
    except _MISFITS as error:
        text = error.message if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
        raise damaged(saved.folder, f"its state does not fit the study ({text})") from error


def _fall_back(run: Run, saved: SavedRun, why: FileError) -> seen.Event:
    """Go back to the last Checkpoint that can be read, on a branch of its own, as a person would; raises `why` where
    there is none."""
    history = run.history
    line = history.ancestors(saved.position["checkpoint"])
    others = sorted({info.id for info in history.infos()} - set(line), reverse=True)
    for number in [*line, *others]:
        try:
            state = history.state(number)
            _check(history.store.path(number), state)
            run.resume(state, saved.position, saved.journal)
            run.iteration, run.iterations, run.branch = saved.iteration, saved.iterations, saved.branch
            run.rewind(number, lost=True)
        except (FileError, *_MISFITS):
            continue
        return seen.ProblemRaised(
            f"The last state of the saved run, at iteration {saved.iteration}, cannot be read: {why.message}",
            f"The run goes on from its checkpoint at iteration {run.iteration}.",
        )
    raise why


def _told_lost(lost: Mapping[int, FileError], count: int) -> seen.Event:
    first = next(iter(lost.values()))
    return seen.ProblemRaised(
        f"{len(lost)} of the {count} checkpoints of the saved run cannot be read: {first.message}",
        "All others can be looked at and gone back to. Another copy of the file may still hold what is missing.",
    )


_POSITION = ("steps", "checkpoint", "captured_at", "failures", "failed_at")


def _checkpoint(entry: dict[str, Any]) -> tuple[seen.CheckpointInfo, bool]:
    losses = {str(name): float(value) for name, value in entry["losses"].items()}
    info = seen.CheckpointInfo(
        int(entry["id"]), _whole(entry["parent"]), str(entry["branch"]), int(entry["iteration"]), losses, None,
        str(entry["label"]), int(entry["memory"]), True, int(entry["edits"]),
    )  # fmt: skip
    return info, bool(entry["verified"])


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _check_tree(saved: SavedRun) -> None:
    known: set[int] = set()
    for info, _ in saved.checkpoints:
        if info.id in known or info.id >= saved.following or info.branch not in saved.forks:
            raise damaged(saved.folder, f"Checkpoint {info.id} has no place in the tree")
        if info.parent is not None and info.parent not in known:
            raise damaged(saved.folder, f"the parent of Checkpoint {info.id} is missing")
        known.add(info.id)
    for number in (saved.position["checkpoint"], *saved.forks.values()):
        if number is not None and number not in known:
            raise damaged(saved.folder, f"Checkpoint {number} is missing")


def _curve(saved: dict[str, Any] | None) -> LossCurve:
    return LossCurve() if saved is None else LossCurve.of_arrays(saved["iterations"], saved["values"])


def _check(path: Path, state: State) -> None:
    """Refuse a state that holds numbers that are not finite."""
    for name in ("problem", "moments"):  # what does not descend has no moments
        for place, array in _arrays(state.get(name), name):
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                raise FileError(
                    path, f"{place} holds numbers that are not finite.", remedy="Go back to an older copy of the Run."
                )


def _arrays(value: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _arrays(item, f"{name}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _arrays(item, f"{name}.{index}")


def _told(run: Run) -> list[seen.Event]:
    """Every Checkpoint, and the losses of every branch with what it descends from; the present branch last."""
    events: list[seen.Event] = [seen.CheckpointMade(run.number, info) for info in run.history.infos()]
    for branch in sorted(run.history.branches, key=lambda name: name == run.branch):
        iterations, values = run.history.whole_curve(branch).arrays()
        if len(iterations):
            columns = {name: [float(value) for value in column] for name, column in values.items()}
            events.append(seen.LossesRecorded(run.number, branch, [int(i) for i in iterations], columns))
    return events
