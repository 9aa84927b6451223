"""Mass of a soft body, lumped at its vertices."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.simulation.energy import Unknowns
from engine.simulation.mass import LumpedMass
from engine.simulation.parametrised import FREE, Limits

LIMITS: Mapping[str, Limits] = {"density": Limits(0.0, above=True), "rest_positions": FREE}


class SolidMass(LumpedMass):
    """Density times a quarter of the volume of the tetrahedra round a vertex.

    density : [kg/m³]: a number, or one a tetrahedron
    """

    def __init__(self, unknowns: Unknowns, tets: Tensor, rest_positions: Tensor, *, density: Tensor | float) -> None:
        super().__init__({"density": density, "rest_positions": rest_positions}, LIMITS, rest_positions.device)
        self.unknowns = unknowns
        self.tets = tets.to(rest_positions.device, torch.int64)
        self._refresh()

    def _lumped(self, parameters: Mapping[str, Tensor]) -> Tensor:
        rest = parameters["rest_positions"]
        a, b, c, d = rest[self.tets].unbind(dim=1)
        volumes = ((b - a) * torch.linalg.cross(c - a, d - a)).sum(dim=1) / 6.0
        quarter = (parameters["density"] * volumes / 4.0)[:, None].expand(-1, 4).reshape(-1)
        return rest.new_zeros(len(rest)).index_add(0, self.tets.reshape(-1), quarter)
