"""The window's end of the engine: starts it, steers the Run, and turns its events into changes of the Document."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial, singledispatchmethod
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.document.document import Document
from app.document.run_record import RunRecord
from app.document.topic import Topic
from app.work.task_rows import TaskCancelledError
from app.work.tasks import Tasks
from engine.core.errors import EngineStoppedError, FormwrightError, WithdrawnError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol import snapshot as seen
from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit, MakeCheckpoint, Pause, Resume, Rewind, Stop
from engine.protocol.session import CheckpointView, Request, Session
from engine.protocol.study import Study

EVENTS_A_POLL = 2000
"""What is more waits for the next poll: a window that was held up must not stand still again."""


class EngineLink:
    """Owns the Session. `poll` is called once a frame by the window's timer; everything happens in it.

    Topics: `begun` (a Run or an engine takes the place of the last), `run_changed`, `losses_changed`,
    `checkpoints_changed` (at most once a poll), `snapshot_arrived`, `topology_changed`, `progressed` (Progress),
    `problem_raised` (ProblemRaised), `asked` (QuestionRaised), `advised` (AnotherAdvised), `engine_died` (message),
    `rolled_back`, `settled` (convergence), `logged` (LogLine).
    """

    def __init__(
        self,
        document: Document,
        tasks: Tasks,
        make_session: Callable[[], Session],
    ) -> None:
        self.document = document
        self.session: Session | None = None
        self._tasks = tasks
        self._make_session = make_session
        self._changed: set[str] = set()
        self._events: deque[seen.Event] = deque()
        self._viewed: int | None = None
        self.starting = False
        self.inputs: dict[str, Mesh | Points] = {}
        """With which the present Run was begun, by role."""
        self.begun = Topic()
        self.run_changed = Topic()
        self.losses_changed = Topic()
        self.checkpoints_changed = Topic()
        self.snapshot_arrived = Topic()
        self.topology_changed = Topic()
        self.progressed = Topic()
        self.problem_raised = Topic()
        self.asked = Topic()
        self.advised = Topic()
        self.engine_died = Topic()
        self.rolled_back = Topic()
        self.settled = Topic()
        self.logged = Topic()
        document.engine.carry = self.send

    # Starting and ending ------------------------------------------------------------------------------------------

    def start_engine(self) -> None:
        """Start the engine and ask what it offers."""
        if self.session is None:
            self.starting = True
            self.session = self._make_session()
        self._tasks.watch(self.session.catalogue(), self._catalogue_came, self._failed)

    def close(self) -> None:
        """End the engine; idempotent."""
        session, self.session = self.session, None
        self._events.clear()
        if session is not None:
            session.close()

    @property
    def alive(self) -> bool:
        return self.session is not None

    # The Run ------------------------------------------------------------------------------------------------------

    def start_run(self, *, resume: Path | None = None, paused: bool = False) -> None:
        """Begin a Run of the Document's Study on its inputs. Frozen regions that were painted before act from the
        start."""
        if self.session is None:
            self.start_engine()
        assert self.session is not None
        document = self.document
        self.inputs = document.inputs()
        number = self.session.start(document.study, self.inputs, resume=resume, paused=paused)
        document.new_run(number, resumed=resume is not None)
        self._viewed = None
        self.begun()
        self._tell_all()

    def take_up(self, folder: Path, study: Study, inputs: dict[str, Mesh | Points]) -> int:
        """Let a Run that lies in a folder go on, paused, with all of its History; returns its number.

        study, inputs : with which it was begun
        """
        if self.session is None:
            self.start_engine()
        assert self.session is not None
        self.inputs = inputs
        number = self.session.start(study, inputs, resume=folder, paused=True)
        self.document.new_run(number, resumed=True)
        self._viewed = None
        self.begun()
        self._tell_all()
        return number

    @property
    def folder(self) -> Path | None:
        """Where the engine keeps its Runs; None without one."""
        return getattr(self.session, "folder", None)

    @property
    def resumed_from(self) -> Path | None:
        """The folder from which the present Run was taken up: it holds the Run until that is saved anew."""
        return getattr(self.session, "resumed_from", None)

    def restart(self) -> None:
        """A new engine in place of one that died; it goes on from the last saved Checkpoint."""
        session: Any = self.session
        number = session.restart()
        self.begun()
        self._tasks.watch(session.catalogue(), self._catalogue_came, self._failed)
        if number is not None:
            self.document.new_run(number, resumed=True)
            self._viewed = None
            self._tell_all()

    def send(self, edit: Edit) -> None:
        """Carry an Edit to the engine."""
        if self.session is not None:
            self.session.send(edit)

    def pause(self) -> None:
        self.send(Pause())

    def resume(self, steps: int = 0) -> None:
        self.send(Resume(steps=steps))

    def stop(self) -> None:
        self.send(Stop())

    def keep_checkpoint(self, label: str) -> None:
        self.send(MakeCheckpoint(label=label))

    def continue_from(self, checkpoint: int, branch: str = "") -> None:
        """Branch off a Checkpoint; a paused Run stays paused."""
        self.view_live()
        self.send(Rewind(checkpoint=checkpoint, branch=branch))

    def view_checkpoint(self, checkpoint: int) -> None:
        """Show a Checkpoint in the viewport until `view_live`; of several asked in a row, the last one counts."""
        self._viewed = checkpoint
        self.ask(CheckpointView(checkpoint=checkpoint), lambda snapshot: self._show_viewed(checkpoint, snapshot))

    def view_live(self) -> None:
        """Show the running surface again."""
        self._viewed = None

    @property
    def viewed(self) -> int | None:
        """The Checkpoint that is shown instead of the running surface."""
        return self._viewed

    def ask(
        self,
        request: Request,
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object] | None = None,
        *,
        title: str = "",
        cancellable: bool = False,
    ) -> None:
        """Ask the engine; the answer arrives at a later poll. A question that takes long has a row by its `title`, and
        can be cancelled there if the engine looks for that while it answers."""
        if self.session is None:
            self._failed(FormwrightError(_tr("The engine is not running."), remedy=_tr("Press Run to start it.")))
            return
        future = self.session.ask(request)
        cancel = partial(self.session.withdraw, future) if cancellable else None
        row = self._tasks.begin(title, cancel=cancel) if title else None
        self._tasks.watch(future, done, failed or self._failed, row=row)

    # Listening ----------------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Take in all that happened since the last frame; each topic is told once."""
        session = self.session
        if session is None:
            return
        self._events.extend(session.events())
        for _ in range(min(len(self._events), EVENTS_A_POLL)):
            event = self._events.popleft()
            if getattr(event, "run", self.document.run.run) == self.document.run.run:
                self._on(event)
        snapshot = session.snapshot()
        if snapshot is not None and snapshot.run == self.document.run.run:
            self.document.run.see(snapshot)
            self._changed.add("run")
            if self._viewed is None:
                self.snapshot_arrived(snapshot)
        changed, self._changed = self._changed, set()
        if "run" in changed:
            self.run_changed()
        if "losses" in changed:
            self.losses_changed()
        if "checkpoints" in changed:
            self.checkpoints_changed()

    @singledispatchmethod
    def _on(self, event: seen.Event) -> None:
        """Events that are not known here say nothing to the window."""

    @_on.register
    def _(self, event: seen.StateChanged) -> None:
        run = self.document.run
        run.state, run.reason = event.state, event.reason
        run.iteration = event.iteration or run.iteration
        self._changed |= {"run", "checkpoints"}

    @_on.register
    def _(self, event: seen.LossesRecorded) -> None:
        self.document.run.record(event)
        self._changed.add("losses")

    @_on.register
    def _(self, event: seen.CheckpointMade) -> None:
        self.document.run.checkpoints[event.checkpoint.id] = event.checkpoint
        self._changed.add("checkpoints")

    @_on.register
    def _(self, event: seen.BranchesChanged) -> None:
        self.document.branches_changed(event)
        self._changed |= {"losses", "checkpoints"}

    @_on.register
    def _(self, event: seen.EditApplied) -> None:
        if event.edit.get("edit") == "rewind":
            self.document.run.rewound_to = int(event.edit["checkpoint"])
            self._changed |= {"run", "checkpoints"}
        elif event.edit.get("edit") != "pull":  # the document has no pulls, and many of them come
            self.document.edit_applied(event)

    @_on.register
    def _(self, event: seen.SteeringRestored) -> None:
        self.document.steering_restored(event)

    @_on.register
    def _(self, event: seen.EditRefused) -> None:
        self.document.edit_refused(event)

    @_on.register
    def _(self, event: seen.TopologyChanged) -> None:
        run = self.document.run
        run.info = {**run.info, "euler_number": event.euler_number, "parts": event.parts}
        self._changed.add("run")
        self.topology_changed()

    @_on.register
    def _(self, event: seen.RolledBack) -> None:
        self.rolled_back(event)

    @_on.register
    def _(self, event: seen.ConvergenceChanged) -> None:
        self.settled(event.convergence)

    @_on.register
    def _(self, event: seen.Progress) -> None:
        self.progressed(event)

    @_on.register
    def _(self, event: seen.ProblemRaised) -> None:
        if event.fatal:
            if self.document.run.exists:
                self.document.run.state = "failed"
            self._changed.add("run")
            self.engine_died(event)
        else:
            self.problem_raised(event)

    @_on.register
    def _(self, event: seen.AnotherAdvised) -> None:
        self.advised(event)

    @_on.register
    def _(self, event: seen.QuestionRaised) -> None:
        self.asked(event)

    @_on.register
    def _(self, event: seen.LogLine) -> None:
        self.logged(event)

    def _show_viewed(self, checkpoint: int, snapshot: seen.Snapshot) -> None:
        if self._viewed == checkpoint:
            self.snapshot_arrived(snapshot)

    def _catalogue_came(self, catalogue: Catalogue) -> None:
        self.starting = False
        if self.document.catalogue != catalogue:
            self.document.set_catalogue(catalogue)
        self.progressed(seen.Progress("engine", 1.0))

    def _failed(self, error: BaseException) -> None:
        self.starting = False
        self.progressed(seen.Progress("engine", 1.0))
        if isinstance(error, EngineStoppedError | TaskCancelledError | WithdrawnError):
            return  # `engine_died` has said so, and offers to restart; or a person has ended it
        if isinstance(error, FormwrightError):
            self.problem_raised(seen.ProblemRaised(error.message, error.remedy))
        else:
            self.problem_raised(seen.ProblemRaised(f"{type(error).__name__}: {error}"))

    def _tell_all(self) -> None:
        self.run_changed()
        self.losses_changed()
        self.checkpoints_changed()

    def forget_run(self) -> None:
        """Close the Run's record: nothing is open any more."""
        self.begun()
        self.document.run = RunRecord()
        self._viewed = None
        self._tell_all()


def _tr(text: str) -> str:
    return QCoreApplication.translate("EngineLink", text)
