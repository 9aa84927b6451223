"""Springs between vertices and points in space: what a mouse pulls with."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.simulation.energy import Stateless, Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.triplets import Triplets


class Pulls(Parametrised, Stateless):
    """Σ k/2 |x − y|² over all vertices [J].

    parameters : "stiffness" k of each vertex [N/m], shape (vertex_count,), 0 where nothing pulls; "targets" y [m],
        shape (vertex_count, 3)
    """

    owner = "pulls"

    def __init__(self, unknowns: Unknowns, device: torch.device) -> None:
        count = unknowns.vertex_count
        given: dict[str, Tensor | float] = {"stiffness": torch.zeros(count), "targets": torch.zeros(count, 3)}
        super().__init__(given, {"stiffness": Limits(0.0), "targets": FREE}, device)
        self.unknowns = unknowns
        self._pulled = torch.zeros(0, dtype=torch.int64, device=device)
        self._rows = self._pulled
        self._refresh()

    def value(self, q: Tensor) -> Tensor:
        apart = self._apart(q)
        return 0.5 * (self._parameters["stiffness"][:, None] * apart * apart).sum()

    def gradient(self, q: Tensor) -> Tensor:
        result = torch.zeros_like(q)
        self.unknowns.positions(result).copy_(self._parameters["stiffness"][:, None] * self._apart(q))
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        return self._matrix

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        change = self.unknowns.positions(z)
        return {
            "stiffness": (self._apart(q) * change).sum(dim=1),
            "targets": -self._parameters["stiffness"][:, None] * change,
        }

    def _apart(self, q: Tensor) -> Tensor:
        return self.unknowns.positions(q) - self._parameters["targets"]

    def _refresh(self) -> None:
        stiffness = self._parameters["stiffness"]
        pulled = torch.nonzero(stiffness)[:, 0]
        if not torch.equal(pulled, self._pulled):
            self._pulled = pulled
            self._rows = (3 * pulled[:, None] + torch.arange(3, device=pulled.device)).reshape(-1)
        values = stiffness[pulled].repeat_interleave(3)
        self._matrix = Triplets(self._rows, self._rows, values, self.unknowns.size)
