"""How a Run gets from one iteration to the next: by descending, or because its problem advances by itself."""

from __future__ import annotations

from typing import Protocol

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.optimization.problem import AdvancingProblem
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit


class Method(Protocol):
    """What a Run asks of it."""

    @property
    def descends(self) -> bool:
        """The losses are to fall: whether they do is watched, and a step that is not finite is taken back."""
        ...

    @property
    def iterations(self) -> int | None:
        """How many iterations the problem wants now; None where the Run says it."""
        ...

    def step(self, iteration: int, iterations: int) -> dict[str, float]:
        """One iteration; returns the losses of the design before it."""
        ...

    def apply(self, edit: Edit) -> Edit | None:
        """Carry out an Edit; returns its inverse. Raises `ParameterError`, and changes nothing, where it makes no
        sense."""
        ...

    def scalars(self, iteration: int, iterations: int) -> dict[str, float]:
        """What a Snapshot tells of it."""
        ...

    def state(self) -> State:
        """What it remembers beside the problem's state."""
        ...

    def restore(self, state: State) -> None:
        """Back to a `state`, after the problem has gone back."""
        ...


class Advance:
    """Lets an `AdvancingProblem` advance."""

    descends = False

    def __init__(self, problem: AdvancingProblem) -> None:
        self._problem = problem

    @property
    def iterations(self) -> int:
        return self._problem.iterations

    def step(self, iteration: int, iterations: int) -> dict[str, float]:
        losses = self._problem.losses()
        self._problem.advance()
        return losses

    def apply(self, edit: Edit) -> Edit | None:
        if isinstance(edit, edit_kinds.SetParameter) and edit.owner in ("optimizer", "study"):
            raise ParameterError(
                f"{edit.owner}.{edit.name}",
                "a simulation is not steered by it.",
                remedy="Change its scene: the duration says how many steps there are.",
            )
        return self._problem.apply(edit)

    def scalars(self, iteration: int, iterations: int) -> dict[str, float]:
        return {}

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        """There is nothing but the problem's own state."""
