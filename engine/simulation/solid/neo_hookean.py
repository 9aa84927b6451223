"""Soft bodies: one constant strain a tetrahedron, stable Neo-Hookean.

B. Smith, F. de Goes, T. Kim: Stable Neo-Hookean flesh simulation, ACM TOG 37(2), 2018. Energy and forces are finite for
flat and inverted tetrahedra too, and drive them back. The law's own constants are such that Young's modulus and
Poisson's ratio are those of small strains.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.geometry.tet_mesh import refuse_inverted
from engine.simulation.blocks import vertex_blocks
from engine.simulation.energy import Stateless, Unknowns
from engine.simulation.parametrised import FREE, Limits, Parametrised
from engine.simulation.solid import neo_hookean_kernels as kernels
from engine.simulation.triplets import Triplets

LIMITS: Mapping[str, Limits] = {
    "young": Limits(0.0, above=True),
    "poisson": Limits(-0.99, 0.4999),
    "rest_positions": FREE,
}


class NeoHookean(Parametrised, Stateless):
    """Energy of tetrahedra [J].

    unknowns : layout of q
    tets : vertices, shape (tet_count, 4), int64
    rest_positions : where the body has no strain [m], shape (vertex_count, 3). The device of the whole energy is its
        device
    young, poisson : Young's modulus [Pa], Poisson's ratio: a number, or one a tetrahedron

    parameters : "young", "poisson", "rest_positions"

    Raises `GeometryError` for a tetrahedron that is inverted or flat at rest; its `place` are its vertices.
    """

    owner = "solid"

    def __init__(
        self,
        unknowns: Unknowns,
        tets: Tensor,
        rest_positions: Tensor,
        *,
        young: Tensor | float,
        poisson: Tensor | float,
    ) -> None:
        given = {"young": young, "poisson": poisson, "rest_positions": rest_positions}
        super().__init__(given, LIMITS, rest_positions.device)
        self.unknowns = unknowns
        self.tets = tets.to(rest_positions.device, torch.int64).contiguous()
        self._pattern = vertex_blocks(self.tets)
        self._refresh()

    def value(self, q: Tensor) -> Tensor:
        return self.tet_energies(q).sum()

    def tet_energies(self, q: Tensor) -> Tensor:
        """Energy of each tetrahedron [J], shape (tet_count,)."""
        result = q.new_empty(len(self.tets))
        launch(kernels.energies, len(self.tets), [*self._inputs(q), result], device=q.device)
        return result

    def gradient(self, q: Tensor) -> Tensor:
        result = torch.zeros_like(q)
        arguments = [*self._inputs(q), self.unknowns.positions(result)]
        launch(kernels.gradients, len(self.tets), arguments, device=q.device)
        return result

    def hessian(self, q: Tensor, *, project: bool) -> Triplets:
        blocks = q.new_zeros(self._pattern.count, 3, 3)
        kernel = kernels.projected_hessians if project else kernels.hessians
        launch(kernel, len(self.tets), [*self._inputs(q), self._pattern.slots, blocks], device=q.device)
        return Triplets(self._pattern.rows, self._pattern.cols, blocks.reshape(-1), self.unknowns.size)

    def mixed(self, q: Tensor, z: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            leaves = {name: value.clone().requires_grad_() for name, value in self._parameters.items()}
            inverses, volumes, constants = self._elements(leaves)
            gradients = _edges(self.unknowns.positions(q), self.tets) @ inverses
            change = _edges(self.unknowns.positions(z), self.tets) @ inverses
            work = (_stress(gradients, constants) * change).sum(dim=(1, 2))
            derivatives = torch.autograd.grad((volumes * work).sum(), list(leaves.values()))
        return dict(zip(leaves, derivatives, strict=True))

    def deformation_gradients(self, q: Tensor) -> Tensor:
        """F of each tetrahedron, shape (tet_count, 3, 3)."""
        return _edges(self.unknowns.positions(q), self.tets) @ self._inverses

    def _inputs(self, q: Tensor) -> list[object]:
        return [self.unknowns.positions(q), self.tets, self._inverses, self._volumes, self._constants]

    def _refresh(self) -> None:
        rest = self._parameters["rest_positions"]
        refuse_inverted(rest.cpu().numpy(), self.tets.cpu().numpy(), self.owner)
        with torch.no_grad():
            inverses, volumes, constants = self._elements(self._parameters)
        self._inverses, self._volumes, self._constants = (part.contiguous() for part in (inverses, volumes, constants))

    def _elements(self, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Rest inverses, volumes [m³] and constants μ, λ [Pa] of the tetrahedra, differentiable in the parameters.

        λ = λ_L + μ_L = μ / (1 − 2ν), with Lamé's constants λ_L and μ_L = μ.
        """
        edges = _edges(parameters["rest_positions"], self.tets)
        young, poisson = parameters["young"], parameters["poisson"]
        shear = young / (2.0 * (1.0 + poisson))
        constants = torch.stack([part.expand(len(self.tets)) for part in (shear, shear / (1.0 - 2.0 * poisson))], dim=1)
        return torch.linalg.inv(edges), torch.linalg.det(edges) / 6.0, constants


def _edges(positions: Tensor, tets: Tensor) -> Tensor:
    """Edge vectors from the first corner as columns, shape (tet_count, 3, 3)."""
    corners = positions[tets]
    return (corners[:, 1:] - corners[:, :1]).transpose(1, 2)


def _stress(gradients: Tensor, constants: Tensor) -> Tensor:
    """First Piola–Kirchhoff stress of deformation gradients [Pa], shape (tet_count, 3, 3)."""
    a, b, c = gradients.unbind(dim=2)
    bc = torch.linalg.cross(b, c)
    cofactor = torch.stack([bc, torch.linalg.cross(c, a), torch.linalg.cross(a, b)], dim=2)
    grown = (a * bc).sum(dim=1) - 1.0
    shear, lame = constants[:, 0, None, None], constants[:, 1, None, None]
    return shear * (gradients - cofactor) + lame * grown[:, None, None] * cofactor
