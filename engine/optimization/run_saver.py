"""Saves a Run into its folder while it goes on (layout: `engine.protocol.run_folder`)."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import FileError
from engine.core.leaves import State
from engine.optimization.checkpoint_io import own_arrays, write_text
from engine.optimization.checkpoint_store import link
from engine.optimization.history import History
from engine.optimization.run import Run
from engine.protocol.recording import header_line
from engine.protocol.run_folder import EDITS, FORMAT, MANIFEST
from engine.protocol.snapshot import CheckpointInfo
from engine.protocol.study import Study

LONGEST_PAUSE = 20.0
"""Seconds between two saves of a very large Run: what a crash may cost at most, beside one save."""

CAPTURE_SHARE = 0.05
WRITING_SHARE = 0.5
"""Parts of the time for copying the state, which the descent waits for, and for writing it, which it does not."""


class RunSaver:
    """Saves one Run every `seconds`, or less often where that takes long, and notes its Edits as they act.

    The descent waits only for a copy of its state: a thread writes it, and touches nothing that is alive. A save that
    fails leaves the last one as it was, is told once in `take_problems`, and is tried again.

    The journal gets its lines after an iteration with the new Edits has succeeded: an Edit that kills the process is
    not repeated.

    folder : of the Run; its History must keep its Checkpoints there
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self._seconds = seconds
        self._due = float("-inf")
        self._saved: tuple[Any, ...] | None = None
        self._thread: threading.Thread | None = None
        self._problems: deque[str] = deque()  # the thread adds, the descent takes
        self._complained = False
        self._count = 0
        self._state_file: str | None = None
        self._noted: int | None = None

    @property
    def has_saved(self) -> bool:
        """The folder holds a Run."""
        return self._saved is not None

    def after_iteration(self, run: Run, study: Study, *, at_rest: bool) -> None:
        """Save when it is time, or when the Run rests."""
        try:
            self._note_edits(run)
        except FileError as error:
            self._complain(error)
            return  # a state whose Edits are not noted could not be repeated
        if at_rest:
            self.wait()
        elif self._writing or time.monotonic() < self._due:
            return
        key = _key(run)
        if key == self._saved:
            return
        began = time.monotonic()
        capture = Capture.of(run, study)
        waited = time.monotonic() - began
        self._thread = threading.Thread(
            target=self._write, args=(run.history, capture, key, waited), name="run-saver", daemon=True
        )
        self._thread.start()

    def save_now(self, run: Run, study: Study) -> None:
        """Save at once, and wait for it."""
        self.after_iteration(run, study, at_rest=True)
        self.wait()

    def wait(self) -> None:
        """Wait for what is being written."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def take_problems(self) -> list[str]:
        """What went wrong since the last call; the same trouble is told once."""
        return [self._problems.popleft() for _ in range(len(self._problems))]

    @property
    def _writing(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _write(self, history: History, capture: Capture, key: tuple[Any, ...], waited: float) -> None:
        """Thread: all of a save."""
        began = time.monotonic()
        try:
            for info, state in capture.unwritten:
                history.write(info, state)
            self._count += 1
            name = f"state-{self._count}.zip"
            parts = history.store.write_beside(self.folder / name, capture.content)
            _flush(self.folder / EDITS)  # the manifest says how many there are
            _write_manifest(self.folder, capture, name)
            if self._state_file is not None:
                with contextlib.suppress(OSError):
                    (self.folder / self._state_file).unlink()
            self._state_file, self._saved, self._complained = name, key, False
            kept = [entry["id"] for entry in capture.about["checkpoints"]]
            history.store.keep_only(kept, before=capture.about["next"], arrays=parts)
        except FileError as error:
            self._complain(error)
        took = time.monotonic() - began
        pause = min(max(waited / CAPTURE_SHARE, took / WRITING_SHARE), LONGEST_PAUSE)
        self._due = time.monotonic() + max(self._seconds, pause)

    def _note_edits(self, run: Run) -> None:
        path = self.folder / EDITS
        if self._noted is None:
            lines = [header_line(program_version()), *(entry.to_line() for entry in run.journal)]
            write_text(path, "".join(lines))
        elif self._noted < len(run.journal):
            _append(path, "".join(entry.to_line() for entry in run.journal[self._noted :]))
        self._noted = len(run.journal)

    def _complain(self, error: FileError) -> None:
        if not self._complained:
            self._complained = True
            self._problems.append(f"The run could not be saved: {error}")


@dataclass(frozen=True)
class Capture:
    """A Run at one moment, with nothing in it that changes later.

    content : of the state's file
    about : of the manifest, but for the name of that file
    unwritten : Checkpoints that are not on disk yet
    """

    content: State
    about: dict[str, Any]
    unwritten: list[tuple[CheckpointInfo, State]]

    @staticmethod
    def of(run: Run, study: Study) -> Capture:
        """The Run now."""
        curves = {name: branch.curve.arrays() for name, branch in run.history.branches.items()}
        content: State = {
            "run": own_arrays(run.state()),
            "losses": {name: {"iterations": its, "values": dict(values)} for name, (its, values) in curves.items()},
        }
        about = {
            "format": FORMAT,
            "formwright": program_version(),
            "saved": time.time(),
            "run": run.number,
            "study": study.model_dump(mode="json"),
            "iteration": run.iteration,
            "iterations": run.iterations,
            "branch": run.branch,
            "status": run.status,
            "position": run.position(),
            "edits": len(run.journal),
            "next": run.history.next_number,
            "branches": [{"name": name, "fork": branch.fork} for name, branch in run.history.branches.items()],
            "checkpoints": [_described(run.history, info) for info in run.history.infos()],
        }
        return Capture(content, about, run.history.unwritten())


def save_copy(run: Run, study: Study, target: Path) -> None:
    """Write a complete Run folder at `target`, which must not hold anything; raises `FileError`.

    Checkpoints that are on disk already are linked, or copied where that cannot be.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileError(target, "there is something already.", remedy="Choose another place.")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        capture, history = Capture.of(run, study), run.history
        for info, state in capture.unwritten:
            history.write(info, state)
        partial.mkdir(parents=True)
        history.store.give([info.id for info in history.infos()], partial)
        for name in history.store.write_beside(partial / "state-1.zip", capture.content):
            path = history.store.array_path(name)
            link(path, partial / path.name)
        write_text(partial / EDITS, run.recording(program_version()).to_text())
        _write_manifest(partial, capture, "state-1.zip")
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise FileError(target, f"the run cannot be saved there ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def program_version() -> str:
    """Of this program, "" where it is not installed."""
    try:
        return importlib.metadata.version("formwright")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _key(run: Run) -> tuple[Any, ...]:
    """Changes with whatever a save would hold."""
    return run.steps, run.iteration, run.iterations, run.branch, run.status, len(run.journal), run.history.revision


def _described(history: History, info: CheckpointInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "parent": info.parent,
        "branch": info.branch,
        "iteration": info.iteration,
        "losses": {name: float(value) for name, value in info.losses.items()},
        "label": info.label,
        "memory": info.memory,
        "edits": info.edits,
        "verified": history.verified(info.id),
    }


def _write_manifest(folder: Path, capture: Capture, state_file: str) -> None:
    write_text(folder / MANIFEST, json.dumps({**capture.about, "state": state_file}, indent=1))


def _flush(path: Path) -> None:
    """Bring a file to the disk itself; raises `FileError`."""
    try:
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
    except OSError as error:
        raise FileError(path, f"the journal of Edits cannot be written ({error.strerror or error}).") from error


def _append(path: Path, text: str) -> None:
    """Add whole lines to a file, or nothing; raises `FileError`."""
    try:
        with path.open("ab") as stream:
            before = stream.tell()
            try:
                stream.write(text.encode())
                stream.flush()
            except OSError:
                os.truncate(path, before)
                raise
    except OSError as error:
        raise FileError(path, f"the journal of Edits cannot be written ({error.strerror or error}).") from error
