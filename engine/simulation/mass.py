"""Mass of bodies, lumped at their vertices, and differentiable in what it follows from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from engine.simulation.energy import Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.shell.rest import vertex_areas

LIMITS: Mapping[str, Limits] = {
    "density": Limits(0.0, above=True),
    "thickness": Limits(0.0, above=True),
    "rest_positions": FREE,
}


class Mass(Protocol):
    """What a body weighs."""

    @property
    def parameters(self) -> Mapping[str, Tensor]: ...

    def assign(self, parameters: Mapping[str, Tensor]) -> None:
        """As of an `Energy`."""

    def masses(self) -> Tensor:
        """Mass of each vertex of all bodies [kg], shape (vertex_count,)."""

    def pull(self, weights: Tensor) -> dict[str, Tensor]:
        """Derivative of Σ weights · masses in every parameter."""


class LumpedMass(Parametrised):
    """Base of Masses of elements. A subclass shares them out among vertices in `_lumped`."""

    owner = "mass"

    def masses(self) -> Tensor:
        return self._masses

    def pull(self, weights: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in self._parameters.items()}
            gradients = torch.autograd.grad((weights * self._lumped(leaves)).sum(), list(leaves.values()))
        return dict(zip(leaves, gradients, strict=True))

    def _refresh(self) -> None:
        with torch.no_grad():
            self._masses = self._lumped(self._parameters)

    def _lumped(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Mass of each vertex of all bodies [kg], shape (vertex_count,), differentiable in the parameters."""
        raise NotImplementedError


class ShellMass(LumpedMass):
    """Density times thickness times a third of the area of the triangles round a vertex.

    density, thickness : [kg/m³], [m]: a number, or one a face
    """

    def __init__(
        self,
        unknowns: Unknowns,
        triangles: Tensor,
        rest_positions: Tensor,
        *,
        density: Tensor | float,
        thickness: Tensor | float,
    ) -> None:
        given: dict[str, Tensor | float] = {
            "density": density,
            "thickness": thickness,
            "rest_positions": rest_positions,
        }
        super().__init__(given, LIMITS, rest_positions.device)
        self.unknowns = unknowns
        self.triangles = triangles.to(rest_positions.device, torch.int64)
        self._refresh()

    def _lumped(self, parameters: Mapping[str, Tensor]) -> Tensor:
        per_area = (parameters["density"] * parameters["thickness"]).expand(len(self.triangles))
        return vertex_areas(parameters["rest_positions"], self.triangles, per_area)
