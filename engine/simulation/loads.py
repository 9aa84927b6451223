"""Forces that are given, and do not follow what they act on."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.simulation.energy import Stateless, Unknowns
from engine.simulation.parametrised import FREE, Parametrised
from engine.simulation.triplets import Triplets


class DeadLoad(Parametrised, Stateless):
    """The potential −Σ f · x of constant forces [J].

    forces : on each vertex of all bodies [N], shape (vertex_count, 3); the parameter of that name
    """

    owner = "load"

    def __init__(self, unknowns: Unknowns, forces: Tensor) -> None:
        super().__init__({"forces": forces}, {"forces": FREE}, forces.device)
        self.unknowns = unknowns
        none = torch.zeros(0, dtype=torch.int64, device=forces.device)
        self._nothing = Triplets(none, none, forces.new_zeros(0, dtype=torch.float64), unknowns.size)

    def value(self, q: Tensor) -> Tensor:
        return -(self._parameters["forces"] * self.unknowns.positions(q)).sum()

    def gradient(self, q: Tensor) -> Tensor:
        result = torch.zeros_like(q)
        self.unknowns.positions(result).sub_(self._parameters["forces"])
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        return self._nothing

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        return {"forces": -self.unknowns.positions(z)}

    def _refresh(self) -> None:
        """Nothing depends on the forces."""
