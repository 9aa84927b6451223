"""Symmetry: one half of the surface is the mirror image of the other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.geometry.frame import WORKING_SIDE
from engine.objectives import shape_kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.placed import Position, unit_vector
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

SOFTNESS = 0.0005 * WORKING_SIDE
"""Distances below this count squared, so that a surface that is symmetric comes to rest."""


@register
class Symmetry(Term):
    """Mean distance from the mirrored surface to the surface, with the gradient of both ends.

    Mirroring is its own inverse, so the way from the surface to its image is as long: one way is both. Several of
    these Terms give several planes.
    """

    kind: ClassVar[str] = "symmetry"
    title: ClassVar[str] = "Symmetry"
    help: ClassVar[str] = (
        "Makes the surface its own mirror image in a plane. Drag the plane or turn its arrow; add the Term again for "
        "a second and a third plane."
    )
    formula: ClassVar[str] = "mean ρ(distance of M p to the surface),  M p = p − 2 n (n·(p − o))"
    source: ClassVar[str] = "Mitra et al., Symmetrization, 2007"
    unit: ClassVar[str] = "of a side of 1.8"
    place: ClassVar[str] = "plane"
    leaves_target: ClassVar[bool] = True
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        point: Position = parameter(
            (0.0, 0.0, 0.0), title="Point", unit="mm", live=True, help="Any point that the plane contains."
        )
        normal: Position = parameter(
            (1.0, 0.0, 0.0), title="Normal", live=True, help="Of the plane: the direction in which it mirrors."
        )

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions, triangles, samples = evaluation.positions, evaluation.triangles, evaluation.samples
        count = len(samples.face)
        normal = unit_vector(self.parameters.normal, f"{self.kind}.normal").to(positions.device)
        point = self.context.frame.to_working(np.array([self.parameters.point]))[0]
        offset = (samples.position - torch.from_numpy(point).to(positions.device)) @ normal
        image = samples.position - 2.0 * offset[:, None] * normal
        nearest = evaluation.faces_near((self.parameters.point, self.parameters.normal), image)
        weight = image.new_full((count,), 1.0 / max(count, 1))
        if self.where is not None:
            weight = weight * evaluation.factor(self.where, samples.position)
        values, gradient = torch.zeros_like(weight), zeros_like_vertices(positions)
        bridge.launch(
            shape_kernels.mirror_distances, count,
            [samples.face, samples.barycentric, weight, nearest, point.tolist(), normal.tolist(), positions,
             triangles, SOFTNESS, values, gradient],
            device=positions.device,
        )  # fmt: skip
        return shape_loss(evaluation.vertices, values.sum(), gradient, name=self.title)
