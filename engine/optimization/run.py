"""A Run: a Study at work, steered between iterations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.core.errors import FormwrightError, NonFiniteError, ParameterError
from engine.core.leaves import State
from engine.optimization.convergence import ConvergenceMonitor
from engine.optimization.descent import Descent
from engine.optimization.history import MAIN_BRANCH, History
from engine.optimization.method import Advance, Method
from engine.optimization.problem import AdvancingProblem, DescentProblem, RestingError, StepFailedError
from engine.optimization.roll_back import RollBack
from engine.optimization.run_events import RunEvents
from engine.protocol import edits as edit_kinds
from engine.protocol import snapshot as seen
from engine.protocol.edits import Edit
from engine.protocol.recording import RecordedEdit, RecordedEnd, Recording
from engine.protocol.study import OptimizerSpec

CHECKPOINTS_PER_RUN = 40
LEAST_INTERVAL = 5
"""Iterations between two Checkpoints of a short Run: a state and a thumbnail cost as much as an iteration."""


class Run:
    """The loop: Edits, a step, History. Reads no clock; the same Edits at the same iterations give the same bits on the
    same machine.

    problem : what descends, or advances by itself (an iteration is then a step of time, and it says how many there are)
    optimizer : the method of what descends, its learning rate and decay
    iterations : how many to make; may be raised later by `SetParameter("study", "iterations", n)`
    number : of the Run, for its events
    history : where Checkpoints go
    picture : a thumbnail (height, width, 3) uint8 of the last evaluation
    monitor : convergence detection of what descends; reported, and with `stop_when_converged` obeyed

    After a step of a descent that is not finite see `RollBack`. A step that fails otherwise is not made: the Run pauses
    where it is, for a person to change something.

    `journal` holds every Edit that mattered, in the order in which they acted, and `steps` counts the iterations tried
    so far on all branches: together they are what `engine.optimization.player` repeats. `line` are the entries of the
    journal that lead to the present design; a Checkpoint keeps its own.
    """

    def __init__(
        self,
        problem: DescentProblem | AdvancingProblem,
        optimizer: OptimizerSpec,
        iterations: int,
        *,
        number: int = 1,
        history: History | None = None,
        picture: Callable[[], np.ndarray | None] = lambda: None,
        monitor: ConvergenceMonitor | None = None,
        stop_when_converged: bool = False,
    ) -> None:
        self.problem: Any = problem
        """Whoever made the Run knows of which kind it is."""
        self.method: Method = Advance(problem) if isinstance(problem, AdvancingProblem) else Descent(problem, optimizer)
        self.iterations = iterations
        self.number = number
        self.history = history if history is not None else History()
        self.monitor = monitor if monitor is not None else ConvergenceMonitor()
        self.stop_when_converged = stop_when_converged
        self.iteration = 0
        self.branch = MAIN_BRANCH
        self.status: seen.State = "running"
        self.losses: dict[str, float] = {}
        self.steps = 0
        self.journal: list[RecordedEdit] = []
        self.line: list[int] = []
        self.events = RunEvents(number)
        self.roll_back = RollBack()
        self.checkpoint_above: int | None = None
        """The Checkpoint that the present design descends from."""
        self._picture = picture
        self._queue: list[tuple[int, Edit]] = []
        self._captured_at = -1
        self._steps_left: int | None = None

    def send(self, edit: Edit, *, at: int | None = None) -> None:
        """Let `edit` act before the next iteration, or before iteration `at` (for replays)."""
        self._queue.append((self.iteration if at is None else at, edit))

    def step(self) -> bool:
        """Apply due Edits and, when running, make one iteration. True when the Run worked (or rolled back)."""
        self.apply_edits()
        if self.status != "running":
            return False
        if self.iteration >= self.iterations:
            self.steps += self._finish()
            return False
        kept = self.state() if self._checkpoint_due() else None
        self.steps += 1
        try:
            losses = self.method.step(self.iteration, self.iterations)
        except NonFiniteError as error:
            self.roll_back.after(self, error)
            return True
        except RestingError as rest:
            self.steps -= 1
            self._set_status("paused", rest.message)
            return False
        except (ParameterError, StepFailedError) as error:
            self.events.problem(error)
            self._set_status("paused", str(error))
            return False
        self._record(losses)
        if kept is not None:
            self._captured_at = self.iteration
            self._keep(kept, self.iteration, losses, verified=True)
        self.iteration += 1
        self._after_iteration(losses["loss"])
        return True

    def stop(self) -> None:
        """End where it is; a `Rewind` or `Resume` gets it going again."""
        if self.status in ("running", "paused"):
            self._log(edit_kinds.Stop())
            self.checkpoint("stopped")
            self._set_status("stopped")

    def fail(self, message: str) -> None:
        """Stop where it is because of an error outside the descent; a `Rewind` gets it going again."""
        self._set_status("failed", message)

    def apply_edits(self) -> None:
        """Carry out the Edits that are due; one that makes no sense is reported and changes nothing."""
        due = [edit for at, edit in self._queue if at <= self.iteration]
        self._queue = [(at, edit) for at, edit in self._queue if at > self.iteration]
        for edit in due:
            try:
                self.carry_out(edit)
            except FormwrightError as error:
                self.events.problem(error)
                self.events.add(seen.EditRefused(self.number, self.iteration, edit.model_dump(mode="json")))

    def carry_out(self, edit: Edit) -> None:
        """Let an Edit act now; raises `FormwrightError`, and changes nothing, where it makes no sense."""
        iteration = self.iteration
        self.events.applied(iteration, edit, self._apply(edit))

    def pause(self, reason: str = "") -> None:
        """Stop between iterations."""
        if self.status == "running":
            self._set_status("paused", reason)

    def go_on(self) -> None:
        """Leave a pause as if there had been none."""
        if self.status == "paused":
            self._steps_left = None
            self._set_status("running")

    def checkpoint(self, label: str = "") -> seen.CheckpointInfo:
        """Keep the present state in the History, now."""
        return self._keep(self.state(), self.iteration, self.losses, label=label)

    def rewind(self, checkpoint: int, branch: str = "", *, lost: bool = False) -> None:
        """Go on from a Checkpoint on a new branch; the state left behind is kept first. How many iterations are to be
        made stays as it was asked last.

        lost : the state left behind is, and cannot be kept; it has its number all the same, as in a replay
        """
        state = self.history.state(checkpoint)
        if self.iteration != self._captured_at:
            if lost:
                self.history.skip_number()
            else:
                self.checkpoint("before going back")
        self._log(edit_kinds.Rewind(checkpoint=checkpoint, branch=branch))
        self.events.flush(self.branch)
        iterations = self.iterations
        self.restore(state)
        self.checkpoint_above = checkpoint
        self._captured_at = self.iteration
        self.branch = self.history.start_branch(branch, fork=checkpoint)
        if self.iterations != iterations and self.method.iterations is None:
            self._change(edit_kinds.SetParameter(owner="study", name="iterations", value=iterations), by_engine=True)
        self.roll_back.reset()
        self.tell_steering(checkpoint=checkpoint)
        if self.status in ("finished", "stopped", "failed"):
            self._set_status("running")

    def return_to(self, checkpoint: int) -> None:
        """Be at a Checkpoint again, on the same branch, with what Edits had changed since then."""
        since, branch = self.line, self.branch
        self.events.flush(branch)
        self.restore(self.history.state(checkpoint))
        self.branch = branch
        self.checkpoint_above, self._captured_at = checkpoint, self.iteration
        for entry in since[len(self.line) :]:
            self._perform(self.journal[entry].parsed())
            self.line.append(entry)

    def steer(self, edit: Edit) -> None:
        """The engine's own Edit."""
        self.events.applied(self.iteration, edit, self._change(edit, by_engine=True), by_engine=True)

    def tell_steering(self, *, study: dict[str, Any] | None = None, checkpoint: int | None = None) -> None:
        """Let who watches know all Edits that lead to the present design."""
        edits = [self.journal[entry].edit for entry in self.line]
        self.events.add(seen.SteeringRestored(self.number, edits, study, checkpoint))

    def state(self) -> State:
        """All that is needed to continue bit for bit, as plain data."""
        return {
            "iteration": self.iteration,
            "iterations": self.iterations,
            "branch": self.branch,
            **self.method.state(),
            "problem": self.problem.state(),
            "line": list(self.line),
            "losses": dict(self.losses),
            "monitor": self.monitor.state(),
        }

    def restore(self, state: State) -> None:
        """Continue from a `state` (of this Run or of another one of the same Study)."""
        values: dict[str, Any] = dict(state)
        self.problem.restore(values["problem"])
        self.iteration, self.iterations = int(values["iteration"]), int(values["iterations"])
        self.branch = str(values["branch"])
        self.line = [int(entry) for entry in values["line"]]
        self.losses = dict(values["losses"])
        self.monitor.restore(values["monitor"])
        self.method.restore(values)

    def position(self) -> dict[str, Any]:
        """What the descent remembers besides its `state`, as JSON values: to go on as if nothing had happened."""
        return {
            "steps": self.steps,
            "checkpoint": self.checkpoint_above,
            "captured_at": self._captured_at,
            "failures": self.roll_back.failures,
            "failed_at": self.roll_back.failed_at,
        }

    def resume(self, state: State, position: Mapping[str, Any], journal: Sequence[RecordedEdit]) -> None:
        """Continue what another Run of the same Study began, with its `state`, `position` and `journal`."""
        self.journal = list(journal)
        self.restore(state)
        self.steps = int(position["steps"])
        self.checkpoint_above = None if position["checkpoint"] is None else int(position["checkpoint"])
        self._captured_at = int(position["captured_at"])
        self.roll_back.failures, self.roll_back.failed_at = int(position["failures"]), int(position["failed_at"])

    def recording(self, version: str = "") -> Recording:
        """All that was recorded so far; `version` of the program."""
        return Recording(tuple(self.journal), RecordedEnd(self.iteration, self.steps, self.branch), version)

    def take_events(self) -> list[seen.Event]:
        """Events since the last call, oldest first."""
        self.events.flush(self.branch)
        for problem in self.history.problems:
            self.events.add(seen.LogLine("warning", problem))
        self.history.problems.clear()
        return self.events.take()

    def _record(self, losses: dict[str, float]) -> None:
        self.losses = losses
        self.history.record(self.branch, self.iteration, losses)
        self.events.losses(self.iteration, losses)
        self.roll_back.succeeded(self.iteration)

    def _after_iteration(self, loss: float) -> None:
        if self.method.descends and self.monitor.update(loss):
            self.events.add(seen.ConvergenceChanged(self.number, self.iteration, self.monitor.convergence))
            if self.stop_when_converged and self.monitor.convergence == "converged":
                self._finish("converged")
                return
        if self.iteration >= self.iterations:
            self._finish()
        elif self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left <= 0:
                self._set_status("paused")

    def _finish(self, reason: str = "") -> bool:
        """End; True when a Checkpoint was made of it."""
        fresh = self.iteration != self._captured_at
        if fresh:
            self.checkpoint("finished")
            self._captured_at = self.iteration
        self._set_status("finished", reason)
        return fresh

    def _apply(self, edit: Edit) -> Edit | None:
        match edit:
            case edit_kinds.Pause():
                self.pause()
            case edit_kinds.Resume():
                self._resume(edit.steps)
            case edit_kinds.Stop():
                self.stop()
            case edit_kinds.Rewind():
                self.rewind(edit.checkpoint, edit.branch)
            case edit_kinds.MakeCheckpoint():
                self._log(edit)
                self.checkpoint(edit.label)
            case _:
                return self._change(edit)
        return None

    def _change(self, edit: Edit, *, by_engine: bool = False) -> Edit | None:
        """An Edit that changes what the design becomes: part of this line of descent from now on."""
        inverse = self._perform(edit)
        self.line.append(self._log(edit, by_engine=by_engine))
        return inverse

    def _perform(self, edit: Edit) -> Edit | None:
        if isinstance(edit, edit_kinds.SetParameter) and (edit.owner, edit.name) == ("study", "iterations"):
            return self._set_iterations(edit)
        if isinstance(edit, edit_kinds.SetParameter) and edit.owner == "study" and self.losses:
            self.checkpoint(f"before {edit.name} = {edit.value}")
        inverse = self.method.apply(edit)
        self._follow_duration()
        if not (isinstance(edit, edit_kinds.SetParameter) and edit.owner == "optimizer"):
            self.monitor.reset()
        return inverse

    def _log(self, edit: Edit, *, by_engine: bool = False) -> int:
        """Note that an Edit acts now; returns its place in the journal."""
        self.journal.append(
            RecordedEdit(self.iteration, edit.model_dump(mode="json"), self.steps, self.branch, by_engine)
        )
        return len(self.journal) - 1

    def _set_iterations(self, edit: edit_kinds.SetParameter) -> Edit:
        if isinstance(edit.value, bool) or not isinstance(edit.value, int) or edit.value < 1:
            raise ParameterError("study.iterations", f"must be a whole number from 1 on (got {edit.value!r}).")
        if self.method.iterations is not None:
            raise ParameterError(
                "study.iterations", "the scene's duration says how many.", remedy="Let the scene last longer, or less."
            )
        inverse = edit.model_copy(update={"value": self.iterations})
        self._let_last(edit.value)
        return inverse

    def _follow_duration(self) -> None:
        """What advances by itself says how long, and an Edit may have changed that."""
        if self.method.iterations not in (None, self.iterations):
            self._let_last(self.method.iterations)

    def _let_last(self, iterations: int) -> None:
        self.iterations = iterations
        if self.status == "finished" and self.iteration < self.iterations:
            self._set_status("paused", "there are iterations left")

    def _resume(self, steps: int) -> None:
        if self.iteration >= self.iterations:
            remedy = "Raise the number of iterations." if self.method.descends else "Let the scene last longer."
            raise ParameterError("study.iterations", f"all {self.iterations} are done.", remedy=remedy)
        self._steps_left = steps or None
        if self.status not in ("running", "paused"):  # a pause changes nothing, so no replay needs to know of it
            self._log(edit_kinds.Resume(steps=0))
            self.roll_back.reset()
        self._set_status("running")

    def _checkpoint_due(self) -> bool:
        interval = max(LEAST_INTERVAL, math.ceil(self.iterations / CHECKPOINTS_PER_RUN))
        return self.iteration % interval == 0 and self.iteration != self._captured_at

    def _keep(
        self, state: State, iteration: int, losses: dict[str, float], *, label: str = "", verified: bool = False
    ) -> seen.CheckpointInfo:
        info = self.history.add(
            state,
            parent=self.checkpoint_above,
            branch=self.branch,
            iteration=iteration,
            losses=losses,
            label=label,
            thumbnail=self._picture(),
            verified=verified,
            edits=len(self.journal),
        )
        self.checkpoint_above = info.id
        self.events.add(seen.CheckpointMade(self.number, info))
        return info

    def _set_status(self, status: seen.State, reason: str = "") -> None:
        if status != "running":
            self._steps_left = None
        if status != self.status:
            self.status = status
            self.events.add(seen.StateChanged(self.number, status, self.iteration, reason))
