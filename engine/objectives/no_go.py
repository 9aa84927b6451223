"""No-go: the surface keeps a distance from a region."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.geometry.frame import WORKING_SIDE
from engine.geometry.triangles import closest_weights
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

SOFTNESS = 0.001 * WORKING_SIDE
"""Depths below this count squared, so that the surface comes to rest at the distance and does not rattle."""

TOUCHING = 1e-5 * WORKING_SIDE
"""Closer to the surface than this, a point's side and direction are those of the nearest face's normal."""


@register
class NoGo(Term):
    """Mean depth to which the masked points lie nearer to the surface than the wanted distance.

    The depth of a masked point is what its signed distance to the surface lacks to the wanted one, counted from the
    side on which the region is to stay. A point on the wrong side is as much too deep as it is beyond. A depth counts
    as itself (an exact penalty: with enough weight the distance is kept, not only approached), squared where small.
    """

    kind: ClassVar[str] = "no-go"
    title: ClassVar[str] = "No-go region"
    help: ClassVar[str] = (
        "Keeps the surface at least a distance away from a selected region: room for a neighbouring part or a tool, or "
        "material that must stay over something."
    )
    formula: ClassVar[str] = "Σ m ρ(max(0, D − d)) / Σ m,  d = signed distance of a masked point to the surface"
    source: ClassVar[str] = "Exact penalty: Nocedal and Wright, Numerical Optimization, 2006, section 17.2"
    unit: ClassVar[str] = "of a side of 1.8"
    leaves_target: ClassVar[bool] = True
    maskable: ClassVar[bool] = True
    needs_mask: ClassVar[bool] = True

    class Parameters(ParameterModel):
        distance: float = parameter(
            1.0, title="Distance", unit="mm", ge=0.0, live=True,
            help="How far the surface stays away from every point of the region.",
        )  # fmt: skip
        region: Literal["outside", "inside"] = parameter(
            "outside", title="The region lies", live=True,
            help="outside: no material comes near it. inside: at least so much material covers it.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty or self.where is None or not len(self.where.mask.region[0]):
            return evaluation.vertices.sum() * 0.0
        points, weight = _some_of(*self.where.mask.region, evaluation)
        face, side = evaluation.side_of(points)
        rows = evaluation.triangles[face.long()].long()
        corners = evaluation.positions[rows]
        barycentric = closest_weights(points, corners)
        away = points - (corners * barycentric[:, :, None]).sum(dim=1)
        distance, outward = _signed(away, side, corners)
        sign = 1.0 if self.parameters.region == "outside" else -1.0
        wanted = self.context.frame.length_to_working(self.parameters.distance)
        depth = torch.clamp(wanted - sign * distance, min=0.0)
        root = torch.sqrt(depth**2 + SOFTNESS**2)
        share = weight / weight.sum()
        # The nearest point moves with the surface; its barycentric weights add nothing (envelope theorem).
        pull = (sign * share * depth / root)[:, None] * outward
        gradient = zeros_like_vertices(evaluation.positions)
        gradient.index_add_(0, rows.reshape(-1), (barycentric[:, :, None] * pull[:, None]).reshape(-1, 3))
        return shape_loss(evaluation.vertices, (share * (root - SOFTNESS)).sum(), gradient, name=self.title)


def _signed(away: Tensor, side: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
    """Signed distance of points, `away` from their nearest points of faces, and the unit outward directions there."""
    length = torch.linalg.vector_norm(away, dim=1)
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal = normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True).clamp(min=1e-300)
    touching = length < TOUCHING
    distance = torch.where(touching, (away * normal).sum(dim=1), side * length)
    outward = torch.where(touching[:, None], normal, side[:, None] * away / length.clamp(min=1e-300)[:, None])
    return distance, outward


def _some_of(points: Tensor, weight: Tensor, evaluation: Evaluation) -> tuple[Tensor, Tensor]:
    """As many points as the surface gets samples; drawn anew in every iteration where there are more."""
    if len(points) <= evaluation.sample_count:
        return points, weight
    rows = torch.randint(len(points), (evaluation.sample_count,), generator=evaluation.generator, device=points.device)
    return points[rows], weight[rows]
