"""What a Run needs of the thing that it optimises. Nothing here knows geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

from engine.core.leaves import Remap, State
from engine.protocol.edits import Edit
from engine.protocol.study import TermSpec

Elsewhere = Callable[[Mapping[str, np.ndarray]], dict[str, float]]
"""Losses ("loss", "term:NAME") at values of all tensors; it can be pickled, and goes to another process."""


class DescentProblem(Protocol):
    """A design, its forward model and its Terms, as a Run sees them."""

    def tensors(self) -> dict[str, Tensor]:
        """The leaves that are optimised, by name, in a fixed order."""
        ...

    def learning_rate_factors(self) -> dict[str, float]:
        """Factor on the learning rate of each tensor (1 where absent)."""
        ...

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        """Adapt to where the design is now (grow the active set), before the evaluations of one iteration.

        What is random (samples) is drawn here, or at the first evaluation after it: L-BFGS evaluates several times
        an iteration and needs the same function each time.
        """
        ...

    def evaluate(self) -> dict[str, Tensor]:
        """Unweighted scalar of every enabled Term, with its autograd graph."""
        ...

    def weights(self) -> dict[str, float]:
        """Weight of every enabled Term now, schedules included."""
        ...

    def elsewhere(self) -> Elsewhere | None:
        """What evaluates other designs of this problem, as it is now, in another process; None where that is not
        possible."""
        ...

    def mask_gradients(self) -> None:
        """Zero the gradients of what is frozen (after backward, before the step)."""
        ...

    def after_step(self) -> None:
        """Project the design back to what is allowed (after the step). What is frozen is put back here exactly: the
        optimiser's momentum would still move it although its gradient is zero."""
        ...

    def terms(self) -> list[TermSpec]:
        """The Terms as they are now."""
        ...

    def apply(self, edit: Edit) -> Edit | None:
        """Carry out an Edit that concerns the design or the Terms; returns its inverse (None: there is none).
        Raises `ParameterError` and changes nothing when the Edit makes no sense. Remaps follow at `prepare`."""
        ...

    def state(self) -> State:
        """All that is needed to continue bit for bit: design, Terms, parameters changed by Edits, random state, and
        what `apply` left for the next `prepare`. Arrays are copies, never views of living tensors."""
        ...

    def restore(self, state: State) -> None:
        """Back to a `state`; the tensors are new leaves afterwards."""
        ...
