"""Minimum thickness: no wall thinner than what can be made."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.geometry.frame import WORKING_SIDE
from engine.objectives import shape_kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

SOFTNESS = 0.001 * WORKING_SIDE
"""Lacks below this count squared, so that a wall comes to rest at the thickness."""

FACING = 0.7
"""Two sides make a wall where they face away from each other by at least this cosine: they are within some 45° of
parallel. At blunter edges the ray is short, and there is no wall."""


@register
class Thickness(Term):
    """Mean of what the wall under a sample of the surface lacks to the wanted thickness.

    The thickness is the distance from the sample to where the ray against its normal leaves the surface. Both points
    stay on their faces while the gradient is taken: it is exact for held pairs, and pulls the two sides apart.
    """

    kind: ClassVar[str] = "thickness"
    title: ClassVar[str] = "Minimum thickness"
    help: ClassVar[str] = "Thickens walls that are thinner than what a printer, a mould or a mill can make."
    formula: ClassVar[str] = "mean ρ(max(0, T − t)),  t = length of the ray against the normal inside the body"
    source: ClassVar[str] = "Ray thickness: Inui et al., Fast computation of wall thickness, 2015"
    unit: ClassVar[str] = "of a side of 1.8"
    leaves_target: ClassVar[bool] = True
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        thickness: float = parameter(
            1.0, title="Thickness", unit="mm", gt=0.0, live=True, help="Walls are at least this thick."
        )

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions, triangles, samples = evaluation.positions, evaluation.triangles, evaluation.samples
        count = len(samples.face)
        opposite, barycentric = evaluation.opposite_of_samples
        normals = evaluation.face_normals
        cosine = -(normals[samples.face.long()] * normals[opposite.clamp(min=0).long()]).sum(dim=1)
        weight = torch.where(cosine > FACING, 1.0 / max(count, 1), 0.0).to(torch.float64)
        if self.where is not None:
            weight = weight * evaluation.factor(self.where, samples.position)
        values, gradient = torch.zeros_like(weight), zeros_like_vertices(positions)
        bridge.launch(
            shape_kernels.thin_places, count,
            [samples.face, samples.barycentric, weight, opposite, barycentric, positions, triangles,
             self.context.frame.length_to_working(self.parameters.thickness), SOFTNESS, values, gradient],
            device=positions.device,
        )  # fmt: skip
        return shape_loss(evaluation.vertices, values.sum(), gradient, name=self.title)
