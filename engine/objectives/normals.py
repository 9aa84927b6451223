"""Align normals: the surface faces where the target faces."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.objectives import kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class Normals(Term):
    """Mean of 1 − cos of the angle between the surface's and the target's normal, both ways.

    A mask is asked for at the target's end of a pair.
    """

    kind: ClassVar[str] = "normals"
    needs_target: ClassVar[bool] = True
    title: ClassVar[str] = "Align normals"
    help: ClassVar[str] = "Turns the surface's faces to where the target faces. It sharpens edges and flattens planes."
    formula: ClassVar[str] = "mean (1 − n · n_target)"
    source: ClassVar[str] = "Shen et al., FlexiCubes, 2023"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        surface_share: float = parameter(
            1.0, title="Surface to target", ge=0.0, le=10.0, soft_max=2.0, live=True, advanced=True,
            help="Weight of the way from the surface to the target beside the way from the target to the surface.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        draw, target = evaluation.draw, evaluation.target
        assert draw is not None and target is not None
        gradient = zeros_like_vertices(evaluation.positions)
        weight = draw.normal_weight
        if self.where is not None:
            weight = weight * evaluation.factor(self.where, draw.position)
        value = _deviation(evaluation, evaluation.face_of_target, weight, draw.normal, gradient)
        share = self.parameters.surface_share
        if share > 0.0:
            element = evaluation.target_of_samples
            weight = (element >= 0).to(torch.float64) * (share / max(len(element), 1))
            if self.where is not None:
                weight = weight * evaluation.factor(self.where, evaluation.target_points)
            value = value + _deviation(
                evaluation, evaluation.samples.face, weight, target.normals_at(element), gradient
            )
        return shape_loss(evaluation.vertices, value, gradient, name=self.title)


def _deviation(evaluation: Evaluation, face: Tensor, weight: Tensor, normal: Tensor, gradient: Tensor) -> Tensor:
    values = torch.zeros_like(weight)
    bridge.launch(
        kernels.normal_deviation,
        len(values),
        [face, weight, normal, evaluation.positions, evaluation.triangles, values, gradient],
        device=gradient.device,
    )
    return values.sum()
