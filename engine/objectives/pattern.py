"""Terms on a flat pattern: how far it is stretched and sheared from the one that was begun with."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.moving import MotionEvaluation, MotionTerm, Pattern
from engine.objectives.term import register


@register
class EvenPattern(MotionTerm):
    """Symmetric Dirichlet energy of the way from the first pattern to the present one."""

    kind: ClassVar[str] = "even-pattern"
    title: ClassVar[str] = "Even pattern"
    help: ClassVar[str] = (
        "Keeps the triangles of the pattern near the shape that they began with, and lets none turn over."
    )
    formula: ClassVar[str] = "mean (|J|² + |J⁻¹|²) / 4 − 1;  infinite where a triangle turns over"
    source: ClassVar[str] = "Smith and Schaefer, Bijective parameterization with free boundaries, ACM TOG 34(4), 2015"
    studies: ClassVar[tuple[str, ...]] = ("flat-pattern",)

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        if evaluation.pattern is None:
            raise ParameterError(self.kind, "the study designs no pattern.")
        pattern = evaluation.pattern
        start, before = _edges(pattern.start, pattern.triangles)
        present, after = _edges(pattern.present, pattern.triangles)
        growth = present / start
        if bool((growth <= 0.0).any()):
            return growth.sum() * 0.0 + math.inf
        squares = (after @ torch.linalg.inv(before)).square().sum(dim=(1, 2))
        # |J⁻¹|² = |J|² / det² for two rows and columns.
        energy = (squares + squares / growth**2) / 4.0 - 1.0
        return (start / start.sum() * energy).sum()


def turned_over(pattern: Pattern) -> int:
    """How many triangles have no area, or lie on their other side."""
    start, present = (_edges(positions, pattern.triangles)[0] for positions in (pattern.start, pattern.present))
    return int((present / start <= 0.0).sum())


def _edges(positions: Tensor, triangles: Tensor) -> tuple[Tensor, Tensor]:
    """Signed areas [m²], shape (n,), and the two edge vectors of each triangle as columns, shape (n, 2, 2)."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    matrix = torch.stack([b - a, c - a], dim=2)
    return 0.5 * torch.linalg.det(matrix), matrix
