"""A Run with no window: started, watched, stopped politely, and its result fetched."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol

from app.cli.progress import ProgressDisplay
from app.document.run_record import RunRecord
from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.tet_mesh import TetMesh
from engine.protocol.edits import Stop
from engine.protocol.recording import Recording
from engine.protocol.session import QualitySheet, ResultMesh, ResultTetrahedra, Session
from engine.protocol.snapshot import (
    BranchesChanged,
    CheckpointMade,
    EditApplied,
    Event,
    LossesRecorded,
    ProblemRaised,
    State,
    StateChanged,
)
from engine.protocol.study import Study


class SteppedSession(Session, Protocol):
    """A Session in this process, whose work is done by whoever calls `advance`."""

    def start(
        self,
        study: Study,
        inputs: dict[str, Any],
        *,
        resume: Path | None = None,
        paused: bool = False,
        edits: Recording | None = None,
    ) -> int:
        """As in every Session; `edits` steer the Run as they were recorded."""
        ...

    def advance(self) -> bool:
        """Make one step; False when there is nothing to do."""
        ...

    @property
    def at_recorded_end(self) -> bool:
        """It repeated a recording, and stands where that ended."""
        ...


class MakeSession(Protocol):
    """Makes the Session; `between_steps` is to be called while it prepares."""

    def __call__(self, *, between_steps: Callable[[], None]) -> SteppedSession: ...


@dataclass(frozen=True)
class Outcome:
    """What a Run left.

    mesh : the surface [mm, world]
    tetrahedra : its inside, where that was asked for
    quality : the quality sheet (see `engine.geometry.sheet`)
    losses : "loss" and "term:NAME" at the last iteration
    record : curves and branches of the Run
    interrupted : ended early with Ctrl-C
    """

    mesh: Mesh
    quality: dict[str, Any]
    iteration: int
    losses: dict[str, float]
    seconds: float
    interrupted: bool = False
    reason: str = ""
    record: RunRecord = field(default_factory=RunRecord)
    tetrahedra: TetMesh | None = None


def descend(
    make_session: MakeSession,
    study: Study,
    inputs: dict[str, Any],
    display: ProgressDisplay,
    *,
    edits: Recording | None = None,
    resume: Path | None = None,
    filled: bool = False,
) -> Outcome:
    """Run `study` on `inputs` (role -> Geometry) to its end, to the end of `edits`, or to the first Ctrl-C; from where
    the Run in the folder `resume` is. With `filled`, its inside is asked for too.

    The first Ctrl-C lets the iteration finish and keeps the surface so far; a second one gives up at once
    (`KeyboardInterrupt`). Raises `FormwrightError` when the Run fails.
    """
    began = time.monotonic()
    with Interruption() as interruption:
        watch = _Watch(display, interruption)
        session = make_session(between_steps=lambda: watch.look(session))
        try:
            with display:
                watch.run = session.start(study, inputs, edits=edits, resume=resume)
                while session.advance():
                    watch.look(session)
                watch.look(session, last=True)
            if watch.is_stuck and not session.at_recorded_end:
                raise watch.error()
            mesh, quality = _result(session, interruption)
            tetrahedra = session.ask(ResultTetrahedra()).result() if filled else None
        finally:
            session.close()
    seconds = time.monotonic() - began
    interrupted = interruption.asked.is_set()
    return Outcome(
        mesh, quality, watch.iteration, watch.losses, seconds, interrupted, watch.reason, watch.record, tetrahedra
    )


def _result(session: Session, interruption: Interruption) -> tuple[Mesh, dict[str, Any]]:
    try:
        return session.ask(ResultMesh()).result(), session.ask(QualitySheet()).result()
    except FormwrightError:
        if interruption.asked.is_set():
            raise KeyboardInterrupt from None  # before there was any surface: nothing to keep
        raise


@dataclass
class _Watch:
    """Looks at a Session between its steps: what the events told so far, and the way to a polite end."""

    display: ProgressDisplay
    interruption: Interruption
    run: int = 0
    state: State = "preparing"
    iteration: int = 0
    reason: str = ""
    losses: dict[str, float] = field(default_factory=dict)
    problem: ProblemRaised | None = None
    record: RunRecord = field(default_factory=RunRecord)
    _stopping: bool = False
    _shown: float = 0.0

    def look(self, session: Session, *, last: bool = False) -> None:
        if self.interruption.asked.is_set() and not self._stopping:
            self._stopping = True
            session.send(Stop())
        events = session.events()
        for event in events:
            if isinstance(event, StateChanged):
                self.state, self.iteration, self.reason = event.state, event.iteration, event.reason
        for event in events:
            self._keep(event)
            if isinstance(event, LossesRecorded):
                self.losses = {name: values[-1] for name, values in event.values.items() if values}
            elif isinstance(event, ProblemRaised):
                self.problem = event
                if self.is_stuck:
                    continue  # it is the error that the command ends with
            self.display.show_event(event)
        now = time.monotonic()
        if last or now - self._shown >= self.display.interval:
            self._shown = now
            snapshot = session.snapshot()
            if snapshot is not None:
                self.display.show_snapshot(snapshot)

    def _keep(self, event: Event) -> None:
        """What the curves of the branches need."""
        match event:
            case LossesRecorded():
                self.record.record(event)
            case CheckpointMade():
                self.record.checkpoints[event.checkpoint.id] = event.checkpoint
            case BranchesChanged():
                self.record.branches_changed(event)
            case EditApplied() if event.edit.get("edit") == "rewind":
                self.record.rewound_to = int(event.edit["checkpoint"])

    @property
    def is_stuck(self) -> bool:
        """It failed, or waits because of an error (a mask is missing) for somebody who is not there."""
        return self.state == "failed" or (self.state == "paused" and bool(self.reason) and self.problem is not None)

    def error(self) -> FormwrightError:
        if self.problem is None:
            return FormwrightError(self.reason or "The run failed.")
        return FormwrightError(self.problem.message, remedy=self.problem.remedy)


class Interruption:
    """While it lasts, the first Ctrl-C only sets `asked`; the second one interrupts as usual."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._previous: Any = None

    def __enter__(self) -> Interruption:
        # Signals belong to the main thread; elsewhere (tests, a notebook's worker) the caller's handling stands.
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked.is_set():
            raise KeyboardInterrupt
        self.asked.set()
