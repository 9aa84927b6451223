"""A recording played again: Edits act on a Run at the moments at which they acted before."""

from __future__ import annotations

from collections import deque

from engine.core.errors import FormwrightError
from engine.optimization.run import Run
from engine.protocol import edits as edit_kinds
from engine.protocol.recording import RecordedEdit, Recording


class Player:
    """Steps a fresh Run of the recorded Study through what was recorded. Pauses are not kept.

    What the engine had done by itself it does again by itself. On the same processor, versions and threads the design
    is the same bit for bit; elsewhere it may drift by rounding, and `FormwrightError` says so where it left the path.
    """

    def __init__(self, run: Run, recording: Recording) -> None:
        self._run = run
        self._recording = recording
        self._todo: deque[tuple[int, RecordedEdit]] = deque(
            (number, entry) for number, entry in enumerate(recording.edits, 1) if not entry.by_engine
        )

    @property
    def unfinished(self) -> bool:
        """Whether another step would do something, even after one that failed."""
        if self._due():
            return True
        entry = self._todo[0][1] if self._todo else self._recording.end
        waits = entry is not None and entry.step is not None and self._run.steps < entry.step
        return waits and self._run.status in ("running", "paused")

    def step(self) -> bool:
        """Let what is due act and make one iteration; False at the end. Raises `FormwrightError` off the path."""
        run = self._run
        while self._due():
            self._act(*self._todo.popleft())
        if self.ended:
            return False
        run.go_on()
        if run.step() or self.unfinished:
            return True
        if run.status != "stopped" and not self.ended and (self._todo or self._recording.end):
            raise self._off_path(f"it came to rest at iteration {run.iteration} ({run.status})")
        return False

    def _due(self) -> bool:
        if not self._todo:
            return False
        entry = self._todo[0][1]
        return self._run.iteration >= entry.iteration if entry.step is None else self._run.steps >= entry.step

    @property
    def ended(self) -> bool:
        """The end that was recorded is reached."""
        end = self._recording.end
        if end is None or self._todo:
            return False
        return self._run.iteration >= end.iteration if end.step is None else self._run.steps >= end.step

    def _act(self, number: int, entry: RecordedEdit) -> None:
        run = self._run
        if entry.step is not None and (run.steps, run.iteration) != (entry.step, entry.iteration):
            raise self._off_path(f"Edit {number} acted before iteration {entry.iteration}, and now is {run.iteration}")
        edit = entry.parsed()
        if isinstance(edit, edit_kinds.Pause) or (isinstance(edit, edit_kinds.Resume) and run.status == "running"):
            return
        try:
            run.carry_out(edit)
        except FormwrightError as error:
            raise FormwrightError(f"Edit {number} of the recording: {error.message}", remedy=error.remedy) from error

    def _off_path(self, what: str) -> FormwrightError:
        version = f" It was recorded with version {self._recording.version}." if self._recording.version else ""
        return FormwrightError(
            f"The replay has left the recorded path: {what}.{version}",
            remedy="Replay it with the same study, inputs and version.",
        )
