"""Closest points on given triangles, in torch."""

from __future__ import annotations

import torch
from torch import Tensor


def closest_weights(points: Tensor, corners: Tensor) -> Tensor:
    """Barycentric weights of the point of each triangle that is closest to each point.

    points : shape (n, 3)
    corners : the triangles' vertices, shape (n, 3 vertices, 3)

    Returns weights, shape (n, 3), that are not negative and sum to one; degenerate triangles give their closest edge.
    The closest point is the plane's where it falls inside, else the closest of the three edges'.
    """
    a, b, c = corners.unbind(dim=1)
    ab, ac, ap = b - a, c - a, points - a
    normal = torch.linalg.cross(ab, ac)
    squared = (normal * normal).sum(dim=1)
    tiny = torch.finfo(points.dtype).tiny
    inverse = 1.0 / squared.clamp(min=tiny)
    v = (torch.linalg.cross(ap, ac) * normal).sum(dim=1) * inverse
    w = (torch.linalg.cross(ab, ap) * normal).sum(dim=1) * inverse
    plane = torch.stack([1.0 - v - w, v, w], dim=1)
    inside = (plane >= 0.0).all(dim=1) & (squared > 1e-24 * _square(ab) * _square(ac))

    best = torch.full_like(v, torch.inf)
    weights = torch.zeros_like(corners[:, :, 0])
    for first, second in ((0, 1), (1, 2), (2, 0)):
        start = corners[:, first]
        edge = corners[:, second] - start
        t = (((points - start) * edge).sum(dim=1) / _square(edge).clamp(min=tiny)).clamp(0.0, 1.0)
        distance = _square(points - start - t[:, None] * edge)
        candidate = torch.zeros_like(weights)
        candidate[:, first] = 1.0 - t
        candidate[:, second] = t
        closer = distance < best
        best = torch.where(closer, distance, best)
        weights = torch.where(closer[:, None], candidate, weights)
    return torch.where(inside[:, None], plane, weights)


def _square(vectors: Tensor) -> Tensor:
    return (vectors * vectors).sum(dim=1)
