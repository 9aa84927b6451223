"""Stretching and shearing of a sheet: one constant strain a triangle.

Laws: St. Venant–Kirchhoff, isotropic or orthotropic, and stable Neo-Hookean (B. Smith, F. de Goes, T. Kim: Stable
Neo-Hookean flesh simulation, ACM TOG 37(2), 2018) with the thickness free to change (plane stress), whose constants are
such that Young's modulus and Poisson's ratio are those of small strains.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.core.errors import ParameterError
from engine.simulation.blocks import vertex_blocks
from engine.simulation.energy import Stateless, Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.shell import membrane_kernels as kernels
from engine.simulation.shell.moduli import by_face, plane_stress_moduli, weave_parameters
from engine.simulation.shell.rest import refuse_degenerate, rest_inverses
from engine.simulation.triplets import Triplets

MembraneLaw = Literal["st-venant-kirchhoff", "stable-neo-hookean"]

LIMITS: Mapping[str, Limits] = {
    "young": Limits(0.0, above=True),
    "young_cross": Limits(0.0, above=True),
    "shear": Limits(0.0, above=True),
    "poisson": Limits(-0.99, 0.5),
    "thickness": Limits(0.0, above=True),
    "rest_positions": FREE,
}


class Membrane(Parametrised, Stateless):
    """In-plane energy of triangles [J].

    unknowns : layout of q
    triangles : vertices, shape (face_count, 3), int64
    rest_positions : where the sheet has no strain [m], shape (vertex_count, 3); only lengths in it matter. The device
        of the whole energy is its device
    young, poisson, thickness : Young's modulus [Pa], Poisson's ratio, thickness [m]: a number, or one a face
    law : stable Neo-Hookean suits large strains (rubber); it is isotropic
    young_cross, shear : both for an orthotropic (woven) sheet: Young's modulus across `direction` and shear modulus
        [Pa]; `young` is then along it, and `poisson` is the contraction across when it is pulled along
    direction : of the weave in the rest shape, shape (3,) or (face_count, 3)

    parameters : "young", "poisson", "thickness", "rest_positions", and "young_cross" and "shear" of a woven sheet
    """

    owner = "membrane"

    def __init__(
        self,
        unknowns: Unknowns,
        triangles: Tensor,
        rest_positions: Tensor,
        *,
        young: Tensor | float,
        poisson: Tensor | float,
        thickness: Tensor | float,
        law: MembraneLaw = "st-venant-kirchhoff",
        young_cross: Tensor | float | None = None,
        shear: Tensor | float | None = None,
        direction: Tensor | None = None,
    ) -> None:
        given: dict[str, Tensor | float] = {
            "young": young,
            "poisson": poisson,
            "thickness": thickness,
            "rest_positions": rest_positions,
        }
        given |= weave_parameters(young_cross, shear, direction, "membrane")
        if law == "stable-neo-hookean" and young_cross is not None:
            raise ParameterError(
                "membrane.law",
                "stable Neo-Hookean has no weave.",
                remedy="Use st-venant-kirchhoff, or leave young_cross, shear and direction out.",
            )
        super().__init__(given, LIMITS, rest_positions.device)
        self.unknowns = unknowns
        self.triangles = triangles.to(rest_positions.device, torch.int64).contiguous()
        self.law = law
        self.direction = direction
        self._pattern = vertex_blocks(self.triangles)
        self._refresh()

    def value(self, q: Tensor) -> Tensor:
        return self.face_energies(q).sum()

    def face_energies(self, q: Tensor) -> Tensor:
        """Energy of each triangle [J], shape (face_count,)."""
        result = q.new_empty(len(self.triangles))
        launch(kernels.energies, len(self.triangles), [*self._inputs(q), result], device=q.device)
        return result

    def gradient(self, q: Tensor) -> Tensor:
        result = torch.zeros_like(q)
        launch(
            kernels.gradients,
            len(self.triangles),
            [*self._inputs(q), self.unknowns.positions(result)],
            device=q.device,
        )
        return result

    def stresses(self, q: Tensor, motion: Tensor | None = None) -> Tensor:
        """Second Piola–Kirchhoff stress (S11, S22, S12) of each triangle in its frame [Pa], shape (face_count, 3): at
        q, or after `motion` from there to first order."""
        result = q.new_empty(len(self.triangles), 3)
        moved = torch.zeros_like(q) if motion is None else motion
        launch(
            kernels.predicted_stresses,
            len(self.triangles),
            [*self._inputs(q), self.unknowns.positions(moved), result],
            device=q.device,
        )
        return result

    def hessian(self, q: Tensor, *, project: bool, stresses: Tensor | None = None) -> Triplets:
        """`stresses`, shape (face_count, 3), are taken in place of those at q where the geometry stiffens."""
        carried = self.stresses(q) if stresses is None else stresses
        blocks = q.new_zeros(self._pattern.count, 3, 3)
        launch(
            kernels.hessians,
            len(self.triangles),
            [*self._inputs(q), carried, int(project), self._pattern.slots, blocks],
            device=q.device,
        )
        return Triplets(self._pattern.rows, self._pattern.cols, blocks.reshape(-1), self.unknowns.size)

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in self._parameters.items()}
            inverses, volumes, moduli = self._elements(leaves)
            strain, change = _strain(self.unknowns.positions(q), self.unknowns.positions(z), self.triangles, inverses)
            stress = neo_hookean_stress(moduli, strain) if self._law else linear_stress(moduli, strain)
            derivative = (volumes * (stress * change).sum(dim=1)).sum()
            gradients = torch.autograd.grad(derivative, list(leaves.values()))
        return dict(zip(leaves, gradients, strict=True))

    def strains(self, q: Tensor) -> Tensor:
        """Green strains (E11, E22, 2 E12) of each triangle in its frame, shape (face_count, 3)."""
        return _strain(self.unknowns.positions(q), None, self.triangles, self._inverses)[0]

    @property
    def _law(self) -> int:
        return kernels.NEO_HOOKEAN if self.law == "stable-neo-hookean" else kernels.ST_VENANT_KIRCHHOFF

    def _inputs(self, q: Tensor) -> list[object]:
        return [self.unknowns.positions(q), self.triangles, self._inverses, self._volumes, self._moduli, self._law]

    def _refresh(self) -> None:
        refuse_degenerate(self._parameters["rest_positions"], self.triangles)
        with torch.no_grad():
            inverses, volumes, moduli = self._elements(self._parameters)
        self._inverses, self._volumes, self._moduli = (part.contiguous() for part in (inverses, volumes, moduli))

    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Rest inverses, volumes [m³] and moduli [Pa] of the triangles, differentiable in the parameters."""
        inverses, areas = rest_inverses(parameters["rest_positions"], self.triangles, self.direction)
        young, poisson = parameters["young"], parameters["poisson"]
        if self._law:
            shear = young / (2.0 * (1.0 + poisson))
            moduli = by_face([shear, 1.0 - 2.0 * poisson, *[torch.zeros_like(young)] * 4], len(areas))
        else:
            none = torch.zeros_like(young)
            moduli = by_face([*plane_stress_moduli(parameters, "membrane"), none, none], len(areas))
        return inverses, areas * parameters["thickness"], moduli


def linear_stress(moduli: Tensor, strain: Tensor) -> Tensor:
    """Stress of a linear law [Pa]; moduli T11, T22, T33, T12, T13, T23, shape (face_count, 6)."""
    rows = moduli[:, [0, 3, 4, 3, 1, 5, 4, 5, 2]].reshape(-1, 3, 3)
    return (rows @ strain[:, :, None])[:, :, 0]


def neo_hookean_stress(moduli: Tensor, strain: Tensor) -> Tensor:
    """Stress of the stable Neo-Hookean law in plane stress [Pa]; moduli μ and r = 1 − 2ν."""
    shear, r = moduli[:, 0], moduli[:, 1]
    c22, c11, c12 = 1.0 + 2.0 * strain[:, 1], 1.0 + 2.0 * strain[:, 0], strain[:, 2]
    beta = shear * (1.0 + r) ** 2 / (r + c11 * c22 - c12**2) ** 2
    return torch.stack([shear - beta * c22, shear - beta * c11, beta * c12], dim=1)


def _strain(positions: Tensor, direction: Tensor | None, triangles: Tensor, inverses: Tensor) -> tuple[Tensor, Tensor]:
    """Green strains and their change along `direction`, both of shape (face_count, 3)."""

    def columns(values: Tensor) -> tuple[Tensor, Tensor]:
        a, b, c = (values[triangles[:, corner]] for corner in range(3))
        u, v = b - a, c - a
        return u * inverses[:, 0:1] + v * inverses[:, 2:3], u * inverses[:, 1:2] + v * inverses[:, 3:4]

    f1, f2 = columns(positions)
    strain = torch.stack([0.5 * ((f1 * f1).sum(1) - 1), 0.5 * ((f2 * f2).sum(1) - 1), (f1 * f2).sum(1)], dim=1)
    if direction is None:
        return strain, torch.zeros_like(strain)
    d1, d2 = columns(direction)
    change = torch.stack([(f1 * d1).sum(1), (f2 * d2).sum(1), (f1 * d2).sum(1) + (d1 * f2).sum(1)], dim=1)
    return strain, change
