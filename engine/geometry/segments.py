"""Nearest places on segments in space."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex

WIDTH = 1e-3
"""Of the triangle that stands for a segment in the search, in parts of its length: the search passes over triangles
without an area."""


class SegmentIndex:
    """A hierarchy over segments for nearest-segment queries.

    ends : shape (segment_count, 2, 3), any frame
    """

    def __init__(self, ends: Tensor, device: Device) -> None:
        self.ends = ends.detach().to(device.torch, torch.float64)
        start, way = self.ends[:, 0], self.ends[:, 1] - self.ends[:, 0]
        length = torch.linalg.vector_norm(way, dim=1, keepdim=True)
        # Across the axis along which a segment runs least.
        axis = torch.nn.functional.one_hot(way.abs().argmin(dim=1), 3).to(way)
        across = torch.linalg.cross(way, axis)
        across = across / torch.linalg.vector_norm(across, dim=1, keepdim=True).clamp(min=1e-300)
        apex = start + 0.5 * way + WIDTH * length.clamp(min=1e-6) * across
        corners = torch.stack([start, self.ends[:, 1], apex], dim=1).reshape(-1, 3)
        triangles = torch.arange(len(corners), dtype=torch.int32, device=device.torch).reshape(-1, 3)
        self._index = TriangleIndex(corners.to(torch.float32), triangles, device)

    def nearest(self, points: Tensor) -> Tensor:
        """Segment nearest to each of `points` (n, 3), up to a thousandth of its length, int64, shape (n,)."""
        return self._index.closest(points.detach().to(torch.float32)).faces.to(torch.int64)

    def distance(self, points: Tensor) -> Tensor:
        """Distance of each of `points` (n, 3) to that segment, float64, shape (n,)."""
        places = points.detach().to(torch.float64)
        nearest = nearest_on_segments(places, self.ends[self.nearest(points)])
        return torch.linalg.vector_norm(nearest - places, dim=1)


def nearest_on_segments(points: Tensor, ends: Tensor) -> Tensor:
    """The point of each segment (n, 2, 3) that is nearest to its point (n, 3), with the graph of the ends.

    Where it lies between them is taken as fixed: a distance needs no derivative of that (envelope theorem).
    """
    start, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    fixed = way.detach()
    t = ((points.detach() - start.detach()) * fixed).sum(dim=1) / (fixed * fixed).sum(dim=1).clamp(min=1e-300)
    return start + t.clamp(0.0, 1.0)[:, None] * way
