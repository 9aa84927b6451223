"""A Run from its folder: checked, and continued as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError, FormwrightError, ParameterError
from engine.optimization.checkpoint_io import parts_of
from engine.optimization.history import Branch
from engine.optimization.loss_curve import LossCurve
from engine.optimization.run import Run
from engine.protocol import edits as edit_kinds
from engine.protocol import snapshot as seen
from engine.protocol.recording import RecordedEdit, read_recording
from engine.protocol.run_folder import EDITS, MANIFEST, damaged, read_manifest, thumbnail_path
from engine.protocol.study import Study

_MISFITS = (KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError, AssertionError, ParameterError)
"""What restoring raises when a state is not of this study."""


@dataclass(frozen=True)
class SavedRun:
    """A Run folder that has been read, but for the large arrays.

    study : as the Run was started
    checkpoints : each with whether it had been verified
    journal : the Edits that had acted on the state
    later : the Edits that acted after it was saved
    """

    folder: Path
    study: Study
    state_file: Path
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

    Its History is what it was: every Checkpoint can be looked at and gone back to. Returns what a window has to be told
    of it. Raises `FileError` where something is missing or damaged.
    """
    folder, store = saved.folder, run.history.store
    arrays: set[str] = set()
    for info, _ in saved.checkpoints:
        arrays |= parts_of(folder / store.path(info.id).name)
    arrays |= parts_of(saved.state_file)
    names = [store.path(info.id).name for info, _ in saved.checkpoints]
    names += [store.array_path(name).name for name in arrays]
    pictures = [thumbnail_path(folder, info.id) for info, _ in saved.checkpoints]
    store.bring(folder, [*names, *(path.name for path in pictures if path.exists())])
    checkpoints = [(replace(info, thumbnail=store.adopt(info.id)), verified) for info, verified in saved.checkpoints]
    content: dict[str, Any] = dict(store.read_file(saved.state_file))
    try:
        state = content["run"]
        _require_finite(saved.state_file, state["problem"], "problem")
        _require_finite(saved.state_file, state["moments"], "moments")
        branches = {name: Branch(fork, _curve(content["losses"].get(name))) for name, fork in saved.forks.items()}
        if str(state["branch"]) not in branches:
            raise damaged(folder, f"there is no branch {state['branch']!r}")
        run.history.restore(checkpoints, branches, following=saved.following)
        run.resume(state, saved.position, saved.journal)
    except FileError:
        raise
    except _MISFITS as error:
        text = error.message if isinstance(error, FormwrightError) else f"{type(error).__name__}: {error}"
        raise damaged(folder, f"its state does not fit the study ({text})") from error
    for entry in saved.later:
        edit = entry.parsed()
        if not entry.by_engine and not isinstance(edit, (edit_kinds.Stop, edit_kinds.Resume)):
            run.send(edit)
    run.apply_edits()
    return _told(run)


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


def _require_finite(path: Path, value: Any, name: str) -> None:
    for place, array in _arrays(value, name):
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
