"""Terms on what moves or folds a sheet: grippers that move calmly and not too fast, creases that fold no more than they
must."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.moving import MotionEvaluation, MotionTerm
from engine.objectives.term import register

LEVER = 0.05
"""[m] at which a rotation counts as a length: about a hand's reach."""


@register
class CalmMotion(MotionTerm):
    """Mean squared acceleration of what is moved."""

    kind: ClassVar[str] = "calm-motion"
    title: ClassVar[str] = "Calm motion"
    help: ClassVar[str] = "Grippers that are not jerked: little acceleration all along their way."
    formula: ClassVar[str] = "mean |p″|²,  p = (translation, 50 mm · rotation, width)"
    source: ClassVar[str] = "Minimum acceleration: Ben-Itzhak and Karniel, Neural Computation 20, 2008"
    unit: ClassVar[str] = "(m/s²)²"
    studies: ClassVar[tuple[str, ...]] = ("hold",)

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        changes = [
            path[2:] - 2.0 * path[1:-1] + path[:-2]
            for path in (_lengths(poses) for poses in _poses(self, evaluation))
            if len(path) > 2
        ]
        if not changes:
            return evaluation.positions.sum() * 0.0
        return torch.stack([(change / evaluation.step_size**2).square().sum(dim=1).mean() for change in changes]).mean()


@register
class SpeedLimit(MotionTerm):
    """How far speeds are above a limit."""

    kind: ClassVar[str] = "speed-limit"
    title: ClassVar[str] = "Speed limit"
    help: ClassVar[str] = "Grippers that do not move faster than this."
    formula: ClassVar[str] = "mean max(0, |p′| / limit − 1)²,  p = (translation, 50 mm · rotation, width)"
    source: ClassVar[str] = "Quadratic penalty: Nocedal and Wright, Numerical Optimization, 2006, section 17.1"
    studies: ClassVar[tuple[str, ...]] = ("hold",)

    class Parameters(ParameterModel):
        limit: float = parameter(
            0.5, title="Limit", unit="m/s", gt=0.0, soft_min=0.01, soft_max=5.0, logarithmic=True, live=True,
            help="The speed that is free.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        excesses = []
        for poses in _poses(self, evaluation):
            path = _lengths(poses)
            speed = torch.linalg.vector_norm(path[1:] - path[:-1], dim=1) / evaluation.step_size
            excesses.append((speed / self.parameters.limit - 1.0).clamp(min=0.0).square().mean())
        return torch.stack(excesses).mean()


@register
class GentleFolds(MotionTerm):
    """Mean squared angle of the creases."""

    kind: ClassVar[str] = "gentle-folds"
    title: ClassVar[str] = "Gentle folds"
    help: ClassVar[str] = "Creases that fold no more than the target asks for."
    formula: ClassVar[str] = "mean angle²"
    source: ClassVar[str] = "Tikhonov regularisation"
    unit: ClassVar[str] = "rad²"
    studies: ClassVar[tuple[str, ...]] = ("fold",)

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        if evaluation.fold_angles is None:
            raise ParameterError(self.kind, "the study folds no creases.")
        return evaluation.fold_angles.square().mean()


def _poses(term: MotionTerm, evaluation: MotionEvaluation) -> list[Tensor]:
    if not evaluation.poses:
        raise ParameterError(term.kind, "the study moves nothing.")
    return list(evaluation.poses.values())


def _lengths(poses: Tensor) -> Tensor:
    """Poses with rotations as lengths [m], the same shape."""
    scale = poses.new_ones(poses.shape[1])
    scale[3:6] = LEVER
    return poses * scale
