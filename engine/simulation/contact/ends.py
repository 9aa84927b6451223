"""Where everything is at the end of a step, for unknowns that may stand for its middle.

Contact is always taken at the end of a step: there nothing may have met. The implicit midpoint rule solves for the
middle x* of a step, and its end is 2 x* − x with x its start; contact then acts as in implicit Euler's method, with the
energy ½ E(2 x* − x), whose force is that at the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.simulation.contact.surface import CollisionSurface
from engine.simulation.energy import Unknowns

LAGGED = "lagged_positions"


class StepEnd:
    """reach : the end is start + reach · (solved − start): 2 for the implicit midpoint rule, 1 else
    keeps : the start of the step is needed, and is a state
    """

    def __init__(self, unknowns: Unknowns, surface: CollisionSurface, reach: float, *, keeps: bool) -> None:
        self.unknowns = unknowns
        self.reach = reach
        self.keeps = keeps or reach != 1.0
        self._surface = surface
        self.lagged = torch.zeros(unknowns.vertex_count, 3, dtype=torch.float64)

    def positions(self, q: Tensor) -> Tensor:
        """Of all vertices [m], shape (vertex_count, 3)."""
        solved = self.unknowns.positions(q)
        if self.reach == 1.0:
            return solved
        return self.reach * solved + (1.0 - self.reach) * self.lagged.to(q.device)

    def surface_positions(self, q: Tensor) -> Tensor:
        """Of the surfaces' vertices [m], on the CPU."""
        return self.positions(q).cpu()[self._surface.numbers]

    def named(self, derivative: Tensor) -> dict[str, Tensor]:
        return {LAGGED: derivative} if self.keeps else {}

    def state(self) -> dict[str, Tensor]:
        return {LAGGED: self.lagged.clone()} if self.keeps else {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if self.keeps:
            self.lagged = state[LAGGED].clone()

    def begin(self, q: Tensor) -> None:
        if self.keeps:
            self.lagged = self.unknowns.positions(q).detach().clone()

    def begin_adjoint(self, adjoint: Mapping[str, Tensor]) -> Tensor | None:
        return adjoint.get(LAGGED)

    def advance(self, q: Tensor) -> Tensor:
        if self.keeps:
            self.lagged = self.positions(q).clone()
        return q

    def advance_adjoint(self, q: Tensor, adjoint: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        pulled = torch.zeros_like(q)
        if not self.keeps:
            return pulled, {}
        given = adjoint.get(LAGGED, torch.zeros_like(self.lagged))
        self.unknowns.positions(pulled).copy_(self.reach * given)
        return pulled, {LAGGED: (1.0 - self.reach) * given}
