"""What a Run needs of the thing that it works on. Nothing here knows geometry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

from engine.core.errors import FormwrightError
from engine.core.leaves import Remap, State
from engine.protocol.edits import Edit
from engine.protocol.study import TermSpec

Elsewhere = Callable[[Mapping[str, np.ndarray]], dict[str, float]]
"""Losses ("loss", "term:NAME") at values of all tensors; it can be pickled, and goes to another process."""


class StepFailedError(FormwrightError):
    """A step could not be made, and nothing has changed by trying.

    place : where [mm], for the viewport to show
    step_size : length of a step of time that may do [s]; None where no other does
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        place: tuple[float, float, float] | None = None,
        step_size: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.place = place
        self.step_size = step_size


class RestingError(FormwrightError):
    """There is nothing to descend on now, and no harm in that: the Run pauses, and no iteration was tried."""


class Problem(Protocol):
    """What a Run works on."""

    def terms(self) -> list[TermSpec]:
        """The Terms as they are now; none of what advances by itself."""
        ...

    def apply(self, edit: Edit) -> Edit | None:
        """Carry out an Edit that concerns the design, the Terms or the scene; returns its inverse (None: there is
        none). Raises `ParameterError` and changes nothing when the Edit makes no sense. Remaps follow at `prepare`."""
        ...

    def state(self) -> State:
        """All that is needed to continue bit for bit: design, Terms, parameters changed by Edits, random state, and
        what `apply` left for the next iteration. Arrays are copies, never views of living tensors. Taking it changes
        nothing of what comes next."""
        ...

    def restore(self, state: State) -> None:
        """Back to a `state`; the tensors of a design are new leaves afterwards."""
        ...


class DescentProblem(Problem, Protocol):
    """A design, its forward model and its Terms, as a Run sees them."""

    def tensors(self) -> dict[str, Tensor]:
        """The leaves that are optimised, by name, in a fixed order."""
        ...

    def learning_rate_factors(self) -> dict[str, float]:
        """Factor on the learning rate of each tensor (1 where absent)."""
        ...

    def prepare(self, iteration: int, iterations: int) -> list[Remap]:
        """Adapt to where the design is now (grow the active set), before the evaluations of one iteration. Raises
        `RestingError`, and then has changed nothing, where no Term says where to go.

        Where other tensors take the place of those that were, by name, the optimiser begins anew.

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

    def elsewhere(self, count: int) -> Elsewhere | None:
        """What evaluates `count` other designs of this problem, as it is now, in another process; None where that is
        not possible."""
        ...

    def mask_gradients(self) -> None:
        """Zero the gradients of what is frozen (after backward, before the step)."""
        ...

    def after_step(self) -> None:
        """Project the design back to what is allowed (after the step). What is frozen is put back here exactly: the
        optimiser's momentum would still move it although its gradient is zero."""
        ...


class AdvancingProblem(ABC):
    """A `Problem` that goes on by itself, a step of time an iteration: a simulation."""

    @property
    @abstractmethod
    def iterations(self) -> int:
        """How many there are now; Edits may change it."""

    @abstractmethod
    def losses(self) -> dict[str, float]:
        """Numbers that are watched, of what is now: "loss" (their total) and "term:NAME"."""

    @abstractmethod
    def advance(self) -> None:
        """One iteration; raises `StepFailedError`, and then nothing has changed."""

    @abstractmethod
    def terms(self) -> list[TermSpec]: ...

    @abstractmethod
    def apply(self, edit: Edit) -> Edit | None: ...

    @abstractmethod
    def state(self) -> State: ...

    @abstractmethod
    def restore(self, state: State) -> None: ...
