"""Fit the border: where an open surface ends, and where its target does."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel
from engine.geometry.segments import nearest_on_segments
from engine.objectives.evaluation import Evaluation
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class BorderFit(Term):
    """Mean distance from the target's border to the surface's, plus the mean of the way back.

    A mask is asked for at the target's end of a pair.
    """

    kind: ClassVar[str] = "border"
    title: ClassVar[str] = "Fit the border"
    help: ClassVar[str] = (
        "Pulls the border of an open surface onto that of its target. It rests where either is closed."
    )
    formula: ClassVar[str] = "mean |b − ∂S| + mean |x − ∂T|"
    source: ClassVar[str] = "two-way distance of curves"
    unit: ClassVar[str] = "of a side of 1.8"
    maskable: ClassVar[bool] = True

    class Parameters(ParameterModel):
        pass

    def schedule(self, progress: float) -> float:
        target = self.context.target
        return 0.0 if target is None or target.border is None else 1.0

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        surface, target = evaluation.surface, evaluation.target
        wanted = None if target is None else target.border
        if wanted is None or not len(surface.boundary):
            return surface.vertices.sum() * 0.0
        pairs = evaluation.border_pairs
        edges = surface.boundary.to(torch.int64)
        ends = surface.vertices.index_select(0, edges.reshape(-1)).reshape(-1, 2, 3).to(torch.float64)
        segments = ends.index_select(0, pairs.edge_of_target)
        there = nearest_on_segments(pairs.target_points, segments)
        own = ends.index_select(0, pairs.edge)
        here = own[:, 0] + pairs.place[:, None] * (own[:, 1] - own[:, 0])
        wanted_place = nearest_on_segments(here.detach(), wanted.ends[pairs.segment_of_surface])
        one, other = _length(there - pairs.target_points), _length(here - wanted_place)
        if self.where is not None:
            one, other = one * self.where.at(pairs.target_points), other * self.where.at(wanted_place)
        return (one.mean() + other.mean()).to(surface.vertices.dtype)


def _length(vectors: Tensor) -> Tensor:
    """|v|, whose gradient at zero is zero."""
    square = (vectors * vectors).sum(dim=1)
    return torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)
