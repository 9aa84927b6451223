"""Potential flow round a closed body by a source panel method, differentiable in the body's shape.

The flow of an inviscid, incompressible fluid without rotation, seen from the body: at rest far away but for the
stream. Every triangle carries a constant source density; no fluid passes through their centroids (Hess and Smith,
Calculation of potential flow about arbitrary bodies, 1967).
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.bridge import Operation, apply
from engine.core.errors import GeometryError
from engine.objectives import panel_kernels

MOST_PANELS = 3000
"""A dense system: with more it takes gigabytes."""


def surface_velocity(vertices: Tensor, triangles: Tensor, stream: Tensor) -> Tensor:
    """Velocity of the flow at the centroids of the panels, shape (panel_count, 3), differentiable in `vertices`.

    vertices : of a closed surface, any frame, float64 (vertex_count, 3)
    triangles : counter-clockwise from outside, int32 (panel_count, 3)
    stream : velocity far from the body, float64 (3,); the result has its unit

    The derivative is that of the discrete solution, by the adjoint of the linear system. Raises `GeometryError` where
    there are too many panels, or some have no area.
    """
    if len(triangles) > MOST_PANELS:
        raise GeometryError(
            f"{len(triangles)} panels are too many for this flow: it solves a dense system.",
            remedy=f"Use at most {MOST_PANELS}.",
        )
    (velocity,) = apply(_PanelFlow(triangles, stream), vertices)
    return velocity


class _PanelFlow(Operation):
    """Unknown densities σ of A σ = −n·U, A_ij = n_i·u_ij; then v_i = U + Σ_j u_ij σ_j."""

    name = "the panel method"

    def __init__(self, triangles: Tensor, stream: Tensor) -> None:
        self.triangles = triangles
        self.stream = stream

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (self.vertices,) = (tensor.contiguous() for tensor in inputs)
        count = len(self.triangles)
        self.area_vector = torch.linalg.cross(*self._sides())
        size = torch.linalg.vector_norm(self.area_vector, dim=1, keepdim=True)
        if not bool((size > 0.0).all()):
            raise GeometryError("A panel without area has no flow.", remedy="Remove degenerate triangles.")
        self.size, self.normal = size, self.area_vector / size
        self.influence = self.vertices.new_empty(count, count, 3)
        bridge.launch(
            panel_kernels.influences,
            (count, count),
            [self.vertices, self.triangles, self.influence],
            device=self.vertices.device,
        )
        matrix = torch.einsum("ijk,ik->ij", self.influence, self.normal)
        self.factors = torch.linalg.lu_factor(matrix)
        self.density = torch.linalg.lu_solve(*self.factors, -(self.normal @ self.stream)[:, None])[:, 0]
        self.velocity = self.stream + torch.einsum("ijk,j->ik", self.influence, self.density)
        return (self.velocity,)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        (incoming,) = gradients
        if incoming is None:
            return (None,)
        on_density = torch.einsum("ijk,ik->j", self.influence, incoming)
        adjoint = torch.linalg.lu_solve(*self.factors, -on_density[:, None], adjoint=True)[:, 0]
        weight = incoming + adjoint[:, None] * self.normal
        gradient = self._of_influences(weight.contiguous())
        # The condition n·v = 0 feels the normals too: λ v·dn, dn = (1 − n nᵀ) dN/|N|.
        on_normal = adjoint[:, None] * self.velocity
        along = (on_normal * self.normal).sum(dim=1, keepdim=True)
        on_area = (on_normal - along * self.normal) / self.size
        e1, e2 = self._sides()
        on_b, on_c = torch.linalg.cross(e2, on_area), torch.linalg.cross(on_area, e1)
        corners = self.triangles.long()
        for corner, share in enumerate((-on_b - on_c, on_b, on_c)):
            gradient.index_add_(0, corners[:, corner], share)
        return (gradient,)

    def _of_influences(self, weight: Tensor) -> Tensor:
        """Derivative of Σ w_i·u_ij σ_j in the vertices."""
        gradient = torch.zeros_like(self.vertices)
        count, device = len(self.triangles), self.vertices.device
        value = self.vertices.new_zeros(1)
        arguments = [self.vertices, self.triangles, weight, self.density, value]
        bridge.launch_adjoint(
            panel_kernels.weighted_influences, (count, count), arguments,
            [gradient, None, torch.zeros_like(weight), torch.zeros_like(self.density), torch.ones_like(value)],
            device=device,
        )  # fmt: skip
        return gradient

    def _sides(self) -> tuple[Tensor, Tensor]:
        a, b, c = self.vertices[self.triangles.long()].unbind(dim=1)
        return b - a, c - a
