"""A Run in a file: saved now and then, and continued after the process that made it has died."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from engine.core.errors import FileError
from engine.core.leaves import State
from engine.optimization.checkpoint_io import read_state, write_state
from engine.optimization.run import Run
from engine.protocol.edits import EDIT
from engine.protocol.snapshot import LossesRecorded
from engine.protocol.study import Study


def autosave_path(folder: Path, run: int) -> Path:
    """Where the autosave of Run number `run` lies."""
    return folder / f"run-{run}.checkpoint"


def save_run(run: Run, study: Study, path: Path) -> None:
    """Write the Run, its Study as started and the losses of its branch; raises `FileError`."""
    iterations, losses = run.history.losses(run.branch)
    content: State = {
        "study": study.model_dump(mode="json"),
        "run": dict(run.state()),
        "iterations": iterations,
        "losses": dict(losses),
    }
    write_state(path, content)


def read_saved(path: Path) -> dict[str, Any]:
    """What `save_run` wrote; raises `FileError`."""
    content: dict[str, Any] = dict(read_state(path))
    if not {"study", "run", "iterations", "losses"} <= set(content):
        raise FileError(path, "this is not the Checkpoint of a Run.")
    return content


def saved_study(path: Path) -> Study:
    """The Study that a saved Run belongs to, as it was started."""
    return Study.parse(read_saved(path)["study"], owner=path.name)


def resume_run(run: Run, saved: dict[str, Any], journal: list[dict[str, Any]]) -> LossesRecorded | None:
    """Let a fresh Run of the same study go on from `saved`, and send it the Edits that acted after it was saved.

    Returns the losses so far, for who has not seen them.
    """
    run.restore(saved["run"])
    for entry in _since(journal, saved["run"]["edits"]):
        run.send(EDIT.validate_python(entry["edit"]))
    iterations = [int(iteration) for iteration in saved["iterations"]]
    values = {name: [float(value) for value in column] for name, column in saved["losses"].items()}
    for index, iteration in enumerate(iterations):
        run.history.record(run.branch, iteration, {name: column[index] for name, column in values.items()})
    return LossesRecorded(run.number, run.branch, iterations, values) if iterations else None


QUICK = 0.04
"""Seconds that a save may take; a Run whose saves take k times as long is saved k times less often, k at most 10."""


class Autosave:
    """Saves a Run every `seconds`, or less often where saving takes long, and keeps a journal of its Edits beside it.

    The journal is rewritten only after an iteration with the new Edits has succeeded: an Edit that kills the process
    is not repeated.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._due = float("-inf")
        self._saved: tuple[Any, ...] | None = None
        self._journal_length: tuple[str, int] = ("", 0)

    def after_iteration(self, run: Run, study: Study, *, ended: bool) -> None:
        """Save when it is time, or when the Run came to rest; raises `FileError`."""
        key = (run.iteration, run.branch, len(run.edits))
        began = time.monotonic()
        if key != self._saved and (ended or began >= self._due):
            self._due, self._saved = began + self._seconds, key
            save_run(run, study, self._path)
            ready = time.monotonic()
            self._due = ready + self._seconds * min(max(1.0, (ready - began) / QUICK), 10.0)
        length = (run.branch, len(run.edits))
        if length != self._journal_length:
            self._journal_length = length
            _write_journal(_journal_path(self._path), run.edits)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The Edits of the Run saved at `path`, those after the last save included; empty when there is no journal."""
    try:
        journal: list[dict[str, Any]] = json.loads(_journal_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return journal


def _journal_path(path: Path) -> Path:
    return path.with_suffix(".edits.json")


def _write_journal(path: Path, edits: list[dict[str, Any]]) -> None:
    temporary = path.with_suffix(".partial")
    try:
        temporary.write_text(json.dumps(edits), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise FileError(path, f"the journal of Edits cannot be written ({error.strerror or error}).") from error


def _since(journal: list[dict[str, Any]], saved: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries that follow `saved` in the journal; none when the journal tells of another line of descent."""
    return journal[len(saved) :] if journal[: len(saved)] == saved else []
