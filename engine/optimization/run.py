"""A Run: a Study descending, steered between iterations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.core.errors import FormwrightError, NonFiniteError, ParameterError
from engine.core.leaves import State
from engine.optimization.convergence import ConvergenceMonitor
from engine.optimization.evaluation import evaluate_gradients
from engine.optimization.history import MAIN_BRANCH, History
from engine.optimization.optimizer import Optimizer, make_optimizer
from engine.optimization.problem import DescentProblem
from engine.protocol import edits as edit_kinds
from engine.protocol import snapshot as seen
from engine.protocol.edits import Edit
from engine.protocol.recording import RecordedEdit, RecordedEnd, Recording
from engine.protocol.study import OptimizerSpec

CHECKPOINTS_PER_RUN = 40
LEAST_INTERVAL = 5
"""Iterations between two Checkpoints of a short Run: a state and a thumbnail cost as much as an iteration."""

MAX_FAILURES = 6
"""Non-finite steps in a row after which a Run gives up."""


class Run:
    """The loop: Edits, evaluation, step, History. Reads no clock; the same Edits at the same iterations give the same
    bits on the same machine.

    problem : what descends
    optimizer : the method, its learning rate and decay
    iterations : how many to make; may be raised later by `SetParameter("study", "iterations", n)`
    number : of the Run, for its events
    history : where Checkpoints go
    picture : a thumbnail (height, width, 3) uint8 of the last evaluation
    monitor : convergence detection; reported, and with `stop_when_converged` obeyed

    A non-finite step is not made. The Run goes back to the last Checkpoint that had evaluated to finite values, carries
    out again what Edits had acted since, and halves the learning rate by an Edit of its own (so a person sees it, can
    undo it, and a replay does the same). From the second failure in a row on it goes back one Checkpoint further each
    time; after `MAX_FAILURES` it fails, at the last good Checkpoint, and names the Term.

    `journal` holds every Edit that mattered, in the order in which they acted, and `steps` counts the iterations tried
    so far on all branches: together they are what `engine.optimization.player` repeats. `line` are the entries of the
    journal that lead to the present design; a Checkpoint keeps its own.
    """

    def __init__(
        self,
        problem: DescentProblem,
        optimizer: OptimizerSpec,
        iterations: int,
        *,
        number: int = 1,
        history: History | None = None,
        picture: Callable[[], np.ndarray | None] = lambda: None,
        monitor: ConvergenceMonitor | None = None,
        stop_when_converged: bool = False,
    ) -> None:
        self.problem = problem
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
        self.optimizer: Optimizer = make_optimizer(
            optimizer.model_copy(), problem.tensors(), problem.learning_rate_factors()
        )
        self._picture = picture
        self._queue: list[tuple[int, Edit]] = []
        self._events: list[seen.Event] = []
        self._pending_losses: list[tuple[int, dict[str, float]]] = []
        self._checkpoint: int | None = None
        self._captured_at = -1
        self._steps_left: int | None = None
        self._failures = 0
        self._failed_at = -1

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step, decay included."""
        return self.optimizer.learning_rate(self.iteration, self.iterations)

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
            losses = self._descend()
        except NonFiniteError as error:
            self._roll_back(error)
            return True
        except ParameterError as error:
            self._report(error)
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
                self._report(error)
                self._events.append(seen.EditRefused(self.number, self.iteration, edit.model_dump(mode="json")))

    def carry_out(self, edit: Edit) -> None:
        """Let an Edit act now; raises `FormwrightError`, and changes nothing, where it makes no sense."""
        iteration = self.iteration
        self._tell_applied(iteration, edit, self._apply(edit))

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
        self._flush_losses()
        iterations = self.iterations
        self.restore(state)
        self._checkpoint = checkpoint
        self._captured_at = self.iteration
        self.branch = self.history.start_branch(branch, fork=checkpoint)
        if self.iterations != iterations:
            self._change(edit_kinds.SetParameter(owner="study", name="iterations", value=iterations), by_engine=True)
        self._failures, self._failed_at = 0, -1
        self.tell_steering(checkpoint=checkpoint)
        if self.status in ("finished", "stopped", "failed"):
            self._set_status("running")

    def tell_steering(self, *, study: dict[str, Any] | None = None, checkpoint: int | None = None) -> None:
        """Let who watches know all Edits that lead to the present design."""
        edits = [self.journal[entry].edit for entry in self.line]
        self._events.append(seen.SteeringRestored(self.number, edits, study, checkpoint))

    def state(self) -> State:
        """All that is needed to continue bit for bit, as plain data."""
        return {
            "iteration": self.iteration,
            "iterations": self.iterations,
            "branch": self.branch,
            "optimizer": self.optimizer.spec.model_dump(mode="json"),
            "moments": self.optimizer.state(),
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
        self._make_optimizer(OptimizerSpec.model_validate(values["optimizer"]))
        self.optimizer.restore(values["moments"])

    def position(self) -> dict[str, Any]:
        """What the descent remembers besides its `state`, as JSON values: to go on as if nothing had happened."""
        return {
            "steps": self.steps,
            "checkpoint": self._checkpoint,
            "captured_at": self._captured_at,
            "failures": self._failures,
            "failed_at": self._failed_at,
        }

    def resume(self, state: State, position: Mapping[str, Any], journal: Sequence[RecordedEdit]) -> None:
        """Continue what another Run of the same Study began, with its `state`, `position` and `journal`."""
        self.journal = list(journal)
        self.restore(state)
        self.steps = int(position["steps"])
        self._checkpoint = None if position["checkpoint"] is None else int(position["checkpoint"])
        self._captured_at = int(position["captured_at"])
        self._failures, self._failed_at = int(position["failures"]), int(position["failed_at"])

    def recording(self, version: str = "") -> Recording:
        """All that was recorded so far; `version` of the program."""
        return Recording(tuple(self.journal), RecordedEnd(self.iteration, self.steps, self.branch), version)

    def rename_branches(self, names: Mapping[str, str]) -> None:
        """Call branches otherwise: new names by old ones, all at once; `engine.optimization.branches` checks them."""
        self._flush_losses()
        self.history.rename_branches(names)
        self.branch = names.get(self.branch, self.branch)
        self._events.append(seen.BranchesChanged(self.number, renamed=dict(names)))

    def delete_branch(self, branch: str) -> None:
        """Remove a branch other than the present one (see `History.delete_branch`)."""
        self._flush_losses()
        removed, moved = self.history.delete_branch(branch, tip=self._checkpoint, tip_branch=self.branch)
        self._events.append(
            seen.BranchesChanged(self.number, moved=moved, deleted=tuple(removed), deleted_branch=branch)
        )

    def take_events(self) -> list[seen.Event]:
        """Events since the last call, oldest first."""
        self._flush_losses()
        for problem in self.history.problems:
            self._events.append(seen.LogLine("warning", problem))
        self.history.problems.clear()
        events, self._events = self._events, []
        return events

    def _descend(self) -> dict[str, float]:
        """One step of the optimiser; the losses are those at the design before it."""
        self.optimizer.remap(self.problem.prepare(self.iteration, self.iterations))
        evaluations: list[dict[str, float]] = []

        def closure() -> Any:
            total, losses = evaluate_gradients(self.problem, self.optimizer, self.iteration)
            evaluations.append(losses)
            return total

        self.optimizer.step(closure, self.learning_rate)
        self.problem.after_step()
        return evaluations[0]

    def _record(self, losses: dict[str, float]) -> None:
        self.losses = losses
        self.history.record(self.branch, self.iteration, losses)
        self._pending_losses.append((self.iteration, losses))
        if self.iteration > self._failed_at:
            self._failures = 0

    def _after_iteration(self, loss: float) -> None:
        if self.monitor.update(loss):
            self._events.append(seen.ConvergenceChanged(self.number, self.iteration, self.monitor.convergence))
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
        if isinstance(edit, edit_kinds.SetParameter) and edit.owner == "optimizer":
            return self._set_optimizer(edit)
        if isinstance(edit, edit_kinds.SetParameter) and (edit.owner, edit.name) == ("study", "iterations"):
            return self._set_iterations(edit)
        if isinstance(edit, edit_kinds.SetParameter) and edit.owner == "study" and self.losses:
            self.checkpoint(f"before {edit.name} = {edit.value}")
        inverse = self.problem.apply(edit)
        self.optimizer.objective_changed()
        self.monitor.reset()
        return inverse

    def _log(self, edit: Edit, *, by_engine: bool = False) -> int:
        """Note that an Edit acts now; returns its place in the journal."""
        self.journal.append(
            RecordedEdit(self.iteration, edit.model_dump(mode="json"), self.steps, self.branch, by_engine)
        )
        return len(self.journal) - 1

    def _tell_applied(self, iteration: int, edit: Edit, inverse: Edit | None, *, by_engine: bool = False) -> None:
        self._events.append(
            seen.EditApplied(
                self.number,
                iteration,
                edit.model_dump(mode="json"),
                inverse.model_dump(mode="json") if inverse is not None else None,
                by_engine,
            )
        )

    def _set_optimizer(self, edit: edit_kinds.SetParameter) -> Edit:
        old = self.optimizer.spec
        if edit.name not in type(old).model_fields:
            raise ParameterError(f"optimizer.{edit.name}", "there is no such parameter.")
        spec = OptimizerSpec.parse({**old.model_dump(), edit.name: edit.value}, owner="optimizer")
        if spec.kind == old.kind:
            self.optimizer.spec = spec
        else:
            self._make_optimizer(spec)
        return edit.model_copy(update={"value": getattr(old, edit.name)})

    def _set_iterations(self, edit: edit_kinds.SetParameter) -> Edit:
        if isinstance(edit.value, bool) or not isinstance(edit.value, int) or edit.value < 1:
            raise ParameterError("study.iterations", f"must be a whole number from 1 on (got {edit.value!r}).")
        inverse = edit.model_copy(update={"value": self.iterations})
        self.iterations = edit.value
        if self.status == "finished" and self.iteration < self.iterations:
            self._set_status("paused", "there are iterations left")
        return inverse

    def _resume(self, steps: int) -> None:
        if self.iteration >= self.iterations:
            raise ParameterError(
                "study.iterations", f"all {self.iterations} are done.", remedy="Raise the number of iterations."
            )
        self._steps_left = steps or None
        if self.status not in ("running", "paused"):  # a pause changes nothing, so no replay needs to know of it
            self._log(edit_kinds.Resume(steps=0))
            self._failures, self._failed_at = 0, -1
        self._set_status("running")

    def _roll_back(self, error: NonFiniteError) -> None:
        failed_at = self.iteration
        self._failures += 1
        self._failed_at = max(self._failed_at, failed_at)
        checkpoint = self.history.last_good(self._checkpoint, older=max(self._failures - 2, 0))
        if checkpoint is None:
            self._fail(error, "The start itself is not finite. Check the input, or lower this Term's weight.")
            return
        since, branch = self.line, self.branch
        self._flush_losses()
        self.restore(self.history.state(checkpoint))
        self.branch = branch
        self._checkpoint, self._captured_at = checkpoint, self.iteration
        for entry in since[len(self.line) :]:
            self._perform(self.journal[entry].parsed())
            self.line.append(entry)
        self._events.append(seen.RolledBack(self.number, failed_at, error.source, checkpoint))
        if self._failures >= MAX_FAILURES:
            self._fail(error, f"Lower the weight of {error.source} or the learning rate, and resume.")
            return
        self.monitor.reset()
        halved = edit_kinds.SetParameter(
            owner="optimizer", name="learning_rate", value=self.optimizer.spec.learning_rate / 2.0
        )
        self._tell_applied(self.iteration, halved, self._change(halved, by_engine=True), by_engine=True)

    def _fail(self, error: NonFiniteError, remedy: str) -> None:
        times = f", {self._failures} times in a row" if self._failures > 1 else ""
        message = f"{error.source} became non-finite at iteration {error.iteration}{times}."
        self._events.append(seen.ProblemRaised(message, remedy))
        self._set_status("failed", message)

    def _checkpoint_due(self) -> bool:
        interval = max(LEAST_INTERVAL, math.ceil(self.iterations / CHECKPOINTS_PER_RUN))
        return self.iteration % interval == 0 and self.iteration != self._captured_at

    def _keep(
        self, state: State, iteration: int, losses: dict[str, float], *, label: str = "", verified: bool = False
    ) -> seen.CheckpointInfo:
        info = self.history.add(
            state,
            parent=self._checkpoint,
            branch=self.branch,
            iteration=iteration,
            losses=losses,
            label=label,
            thumbnail=self._picture(),
            verified=verified,
            edits=len(self.journal),
        )
        self._checkpoint = info.id
        self._events.append(seen.CheckpointMade(self.number, info))
        return info

    def _make_optimizer(self, spec: OptimizerSpec) -> None:
        self.optimizer = make_optimizer(spec, self.problem.tensors(), self.problem.learning_rate_factors())

    def _set_status(self, status: seen.State, reason: str = "") -> None:
        if status != "running":
            self._steps_left = None
        if status != self.status:
            self.status = status
            self._events.append(seen.StateChanged(self.number, status, self.iteration, reason))

    def _report(self, error: FormwrightError) -> None:
        self._events.append(seen.ProblemRaised(error.message, error.remedy))

    def _flush_losses(self) -> None:
        if not self._pending_losses:
            return
        names = dict.fromkeys(name for _, losses in self._pending_losses for name in losses)
        self._events.append(
            seen.LossesRecorded(
                self.number,
                self.branch,
                [iteration for iteration, _ in self._pending_losses],
                {name: [losses.get(name, math.nan) for _, losses in self._pending_losses] for name in names},
            )
        )
        self._pending_losses = []
