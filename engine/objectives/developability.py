"""Developability: the surface can be unrolled from flat sheet, in strips that meet along few seams."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel
from engine.objectives import shape_kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class Developability(Term):
    """Mean over the inner vertices of the smallest eigenvalue of the angle-weighted covariance of face normals.

    It vanishes at a vertex whose normals lie in a plane: a hinge or a flat place. Where the smallest eigenvalue is
    not simple the gradient is an element of the generalised gradient, and zero at a flat place.
    """

    kind: ClassVar[str] = "developability"
    title: ClassVar[str] = "Developability"
    help: ClassVar[str] = (
        "Makes the surface of strips that can be cut from flat sheet and bent, without stretching. The strips meet in "
        "sharp seams."
    )
    formula: ClassVar[str] = "mean λ_min(Σ θ n nᵀ),  sum over the faces at a vertex, θ their angles there"
    source: ClassVar[str] = "Stein, Grinspun and Crane, Developability of triangle meshes, 2018, section 4.1.3"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions, triangles = evaluation.positions, evaluation.triangles
        weight = torch.ones_like(positions[:, 0])
        # The faces at a vertex of the border are no whole turn: there is nothing to unroll.
        weight[evaluation.surface.boundary.reshape(-1).long()] = 0.0
        weight /= weight.sum().clamp(min=1.0)
        if self.where is not None:
            weight = weight * evaluation.factor(self.where, positions)
        covariance = positions.new_zeros(len(positions), 3, 3)
        values, direction = torch.zeros_like(weight), torch.zeros_like(positions)
        gradient = zeros_like_vertices(positions)
        faces, device = len(triangles), positions.device
        bridge.launch(shape_kernels.normal_covariances, faces, [positions, triangles, covariance], device=device)
        bridge.launch(
            shape_kernels.smallest_eigenvalues, len(weight), [covariance, weight, values, direction], device=device
        )
        bridge.launch(
            shape_kernels.smallest_eigenvalue_gradient, faces,
            [positions, triangles, weight, direction, gradient], device=device,
        )  # fmt: skip
        return shape_loss(evaluation.vertices, values.sum(), gradient, name=self.title)
