"""Overhangs: what is printed layer by layer holds itself up."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.objectives import shape_kernels
from engine.objectives.areas import weighted_area
from engine.objectives.evaluation import Evaluation
from engine.objectives.placed import Position, unit_vector
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

SOFTNESS = 0.02
"""Excesses of the slope below this count squared."""


def plate_faces(evaluation: Evaluation, up: Tensor, thickness: float) -> Tensor:
    """Which faces lie on the plate, all corners within `thickness` of the lowest point: bool (triangle_count,)."""
    height = evaluation.positions @ up
    low = height <= height.min() + thickness
    return low[evaluation.triangles.long()].all(dim=1)


@register
class Overhang(Term):
    """Share of the surface's area that faces down more steeply than can be printed without support.

    A face counts by how far −n·up exceeds the sine of the angle, except on the build plate, which is as high as the
    lowest point of the surface. Which faces lie on the plate is held while the gradient is taken.
    """

    kind: ClassVar[str] = "overhang"
    title: ClassVar[str] = "Overhang"
    help: ClassVar[str] = (
        "Turns away faces that hang over too far to be printed without support. The arrow is the direction in which "
        "layers are laid."
    )
    formula: ClassVar[str] = "Σ A ρ(max(0, −n·up − sin α)) / Σ A,  without the faces on the build plate"
    source: ClassVar[str] = "Langelaar, An additive manufacturing filter for topology optimization, 2017 (the rule)"
    place: ClassVar[str] = "direction"
    leaves_target: ClassVar[bool] = True
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        direction: Position = parameter(
            (0.0, 0.0, 1.0),
            title="Upwards",
            live=True,
            help="The direction in which layers are laid, up from the build plate.",
        )
        angle: float = parameter(
            45.0, title="Greatest overhang", unit="°", ge=0.0, le=89.0, live=True,
            help="Angle from the vertical that prints without support.",
        )  # fmt: skip
        plate: float = parameter(
            0.5, title="Build plate", unit="mm", ge=0.0, live=True, advanced=True,
            help="What lies this near to the lowest point rests on the build plate.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions, triangles = evaluation.positions, evaluation.triangles
        up = unit_vector(self.parameters.direction, f"{self.kind}.direction").to(positions.device)
        plate = plate_faces(evaluation, up, self.context.frame.length_to_working(self.parameters.plate))
        weight = (~plate).to(torch.float64)
        if self.where is not None:
            weight = weight * self.where.at(positions[triangles.long()].mean(dim=1))
        values, of_excess = torch.zeros_like(weight), zeros_like_vertices(positions)
        bridge.launch(
            shape_kernels.overhangs, len(weight),
            [positions, triangles, weight, up.tolist(), math.sin(math.radians(self.parameters.angle)), SOFTNESS,
             values, of_excess],
            device=positions.device,
        )  # fmt: skip
        area, of_area = weighted_area(evaluation, torch.ones_like(weight))
        share = values.sum() / area
        return shape_loss(evaluation.vertices, share, (of_excess - share * of_area) / area, name=self.title)

    def values_on(self, vertices: np.ndarray, triangles: np.ndarray) -> dict[str, np.ndarray]:
        """How far the steepest face at a vertex hangs over, from the vertical [°]; 0 where none faces down, and on the
        build plate."""
        up = unit_vector(self.parameters.direction, f"{self.kind}.direction").numpy()
        a, b, c = np.asarray(vertices, np.float64)[triangles].swapaxes(0, 1)
        normal = np.cross(b - a, c - a)
        down = -(normal @ up) / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
        height = np.asarray(vertices, np.float64) @ up
        plate = height <= height.min(initial=np.inf) + self.context.frame.length_to_working(self.parameters.plate)
        angle = np.degrees(np.arcsin(np.clip(down, 0.0, 1.0)))
        angle[plate[triangles].all(axis=1)] = 0.0
        steepest = np.zeros(len(vertices), np.float32)
        np.maximum.at(steepest, triangles.reshape(-1), np.repeat(angle, 3).astype(np.float32))
        return {"overhang": steepest}
