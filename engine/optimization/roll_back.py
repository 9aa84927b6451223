"""Going back after a step of a descent that is not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import NonFiniteError
from engine.optimization.descent import Descent
from engine.protocol import snapshot as seen

if TYPE_CHECKING:
    from engine.optimization.run import Run

MAX_FAILURES = 6
"""Non-finite steps in a row after which a Run gives up."""


class RollBack:
    """A non-finite step is not made. The Run goes back to the last Checkpoint that had evaluated to finite values,
    carries out again what Edits had acted since, and halves the learning rate by an Edit of its own (so a person sees
    it, can undo it, and a replay does the same). From the second failure in a row on it goes back one Checkpoint
    further each time; after `MAX_FAILURES` it fails, at the last good Checkpoint, and names the Term.

    failures : in a row
    failed_at : the furthest iteration that failed
    """

    def __init__(self) -> None:
        self.failures = 0
        self.failed_at = -1

    def reset(self) -> None:
        """A person has seen to it."""
        self.failures, self.failed_at = 0, -1

    def succeeded(self, iteration: int) -> None:
        """A step was made; those before the one that failed do not count."""
        if iteration > self.failed_at:
            self.failures = 0

    def after(self, run: Run, error: NonFiniteError) -> None:
        """Take `run` back after a step that was not finite."""
        assert isinstance(run.method, Descent)
        failed_at = run.iteration
        self.failures += 1
        self.failed_at = max(self.failed_at, failed_at)
        checkpoint = run.history.last_good(run.checkpoint_above, older=max(self.failures - 2, 0))
        if checkpoint is None:
            self._give_up(run, error, "The start itself is not finite. Check the input, or lower this Term's weight.")
            return
        run.return_to(checkpoint)
        run.events.add(seen.RolledBack(run.number, failed_at, error.source, checkpoint))
        if self.failures >= MAX_FAILURES:
            self._give_up(run, error, f"Lower the weight of {error.source} or the learning rate, and resume.")
            return
        run.monitor.reset()
        run.steer(run.method.halved())

    def _give_up(self, run: Run, error: NonFiniteError, remedy: str) -> None:
        times = f", {self.failures} times in a row" if self.failures > 1 else ""
        message = f"{error.source} became non-finite at iteration {error.iteration}{times}."
        run.events.add(seen.ProblemRaised(message, remedy))
        run.fail(message)
