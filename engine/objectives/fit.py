"""Fit to target: exact distances between the surface and the target, both ways."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.geometry.frame import WORKING_SIDE
from engine.objectives import kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.mask import MaskWeight
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.target import MeshTarget, ScanTarget
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

OUTLIER_START = 10.0
"""The outlier distance starts so many times wider and narrows over the first half of the Run, so that a surface that
is still far away is pulled too."""


@register
class Fit(Term):
    """Mean distance from the target's points to the surface, plus the mean from the surface's points to the target.

    A mask says how far the target is believed: both ways it is asked for at the target's end of a pair.
    """

    kind: ClassVar[str] = "fit"
    needs_target: ClassVar[bool] = True
    title: ClassVar[str] = "Fit to target"
    help: ClassVar[str] = (
        "Pulls the surface onto the target. Distances are exact, point to surface, in both directions; from a scan "
        "mainly its own points pull, so that missing data does not dent the surface."
    )
    formula: ClassVar[str] = "mean ρ(|p − S|) + share · mean ρ(|x − T|)"
    source: ClassVar[str] = "Shen et al., FlexiCubes, 2023 (point to surface); Welsch loss: Holland and Welsch, 1977"
    unit: ClassVar[str] = "of a side of 1.8"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        surface_share: float = parameter(
            1.0, title="Surface to target", ge=0.0, le=10.0, soft_max=2.0, live=True,
            help="Weight of the way from the surface to the target beside the way from the target to the surface.",
        )  # fmt: skip
        softness: float = parameter(
            0.0, title="Soft within", unit="%", ge=0.0, le=100.0, soft_max=2.0, live=True, advanced=True,
            help="Distances below this (percent of the longest side) count squared: small ones hardly pull. "
            "0: all distances pull alike.",
        )  # fmt: skip
        outlier_distance: float = parameter(
            0.0, title="Outliers beyond", unit="%", ge=0.0, le=100.0, soft_max=10.0, live=True, advanced=True,
            help="Points much further from the surface than this (percent of the longest side) do not pull. "
            "0: every point pulls.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        gradient = zeros_like_vertices(evaluation.positions)
        softness = self.parameters.softness / 100.0 * WORKING_SIDE
        truncation = self._outlier_distance(evaluation.progress)
        value = _points_to_surface(evaluation, self.where, softness, truncation, gradient)
        if self.parameters.surface_share > 0.0:
            value = value + _surface_to_target(
                evaluation, self.where, self.parameters.surface_share, softness, truncation, gradient
            )
        return shape_loss(evaluation.vertices, value, gradient, name=self.title)

    def _outlier_distance(self, progress: float) -> float:
        final = self.parameters.outlier_distance / 100.0 * WORKING_SIDE
        return final * OUTLIER_START ** max(0.0, 1.0 - 2.0 * progress)


def _points_to_surface(
    evaluation: Evaluation, where: MaskWeight | None, softness: float, truncation: float, gradient: Tensor
) -> Tensor:
    draw = evaluation.draw
    assert draw is not None
    weight = draw.weight if where is None else draw.weight * evaluation.factor(where, draw.position)
    values = torch.zeros_like(weight)
    bridge.launch(
        kernels.points_to_surface,
        len(values),
        [
            draw.position, weight, evaluation.face_of_target, evaluation.positions, evaluation.triangles,
            softness, truncation, values, gradient,
        ],
        device=gradient.device,
    )  # fmt: skip
    return values.sum()


def _surface_to_target(
    evaluation: Evaluation, where: MaskWeight | None, share: float, softness: float, truncation: float, gradient: Tensor
) -> Tensor:
    samples, target = evaluation.samples, evaluation.target
    element = evaluation.target_of_samples
    values = torch.zeros(len(samples.face), dtype=torch.float64, device=gradient.device)
    weight = torch.full_like(values, share / max(len(values), 1))
    if where is not None:
        weight = weight * evaluation.factor(where, evaluation.target_points)
    if isinstance(target, MeshTarget):
        bridge.launch(
            kernels.surface_to_faces,
            len(values),
            [
                samples.face, samples.barycentric, weight, element, target.vertices, target.triangles,
                evaluation.positions, evaluation.triangles, softness, truncation, values, gradient,
            ],
            device=gradient.device,
        )  # fmt: skip
    elif isinstance(target, ScanTarget):
        found = element >= 0
        row = element.clamp(min=0).long()
        weight = torch.where(found, target.confidence[row], 0.0) * weight
        bridge.launch(
            kernels.surface_to_planes,
            len(values),
            [
                samples.face, samples.barycentric, weight, target.positions[row], target.normals[row],
                evaluation.positions, evaluation.triangles, softness, truncation, values, gradient,
            ],
            device=gradient.device,
        )  # fmt: skip
    return values.sum()
