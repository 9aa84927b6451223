"""Which parts of two features are nearest each other, and how far apart they are.

Everywhere on the border between two answers both are as near, so rounding there does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRST, SECOND, INSIDE = 0, 1, 2
"""Of a segment: which end is nearest, or what is between."""
FACE = 6
"""Of a triangle: corners are 0 to 2, sides (01, 12, 20) are 3 to 5."""
CROSSING = 8
"""Of two edges: both insides. What is below is in the order of `stencils.EDGE_EDGE`."""
_NAMED = (((0, 1, 6), (2, 3, 7)), ((0, 2, 4), (1, 3, 5)))
"""Names for an end of the first edge, its first or second, and the first, the second or the inside of the other; and
for an end of the second edge."""


@dataclass(frozen=True)
class Nearest:
    """part : int64, shape (n,)
    squared : distance [m²], shape (n,)
    """

    part: np.ndarray
    squared: np.ndarray


def on_segment(points: np.ndarray, first: np.ndarray, second: np.ndarray) -> Nearest:
    """Of segments to points, shapes (n, 3)."""
    along, apart = second - first, points - first
    length = _dot(along, along)
    share = np.clip(_dot(apart, along) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
    way = apart - share[:, None] * along
    return Nearest(np.where(share <= 0.0, FIRST, np.where(share >= 1.0, SECOND, INSIDE)), _dot(way, way))


def on_triangle(points: np.ndarray, corners: np.ndarray) -> Nearest:
    """Of triangles, shape (n, 3, 3), to points, shape (n, 3)."""
    part, squared = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
    for side in range(3):
        ends = (side, (side + 1) % 3)
        found = on_segment(points, corners[:, ends[0]], corners[:, ends[1]])
        better = found.squared < squared
        named = np.array([*ends, 3 + side])[found.part]
        part, squared = np.where(better, named, part), np.where(better, found.squared, squared)
    one, other, apart = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], points - corners[:, 0]
    normal = np.cross(one, other)
    area = _dot(normal, normal)
    safe = np.where(area > 0.0, area, 1.0)
    second, third = _dot(np.cross(apart, other), normal) / safe, _dot(np.cross(one, apart), normal) / safe
    inside = (area > 0.0) & (second >= 0.0) & (third >= 0.0) & (second + third <= 1.0)
    return Nearest(np.where(inside, FACE, part), np.where(inside, _dot(apart, normal) ** 2 / safe, squared))


def of_edges(one: np.ndarray, other: np.ndarray) -> Nearest:
    """Of pairs of edges, shapes (n, 2, 3)."""
    part, squared = np.zeros(len(one), np.int64), np.full(len(one), np.inf)
    for whose, (edge, end_of) in enumerate(((other, one), (one, other))):
        for end in (FIRST, SECOND):
            found = on_segment(end_of[:, end], edge[:, 0], edge[:, 1])
            better = found.squared < squared
            named = np.array(_NAMED[whose][end])[found.part]
            part, squared = np.where(better, named, part), np.where(better, found.squared, squared)
    u, v, apart = one[:, 1] - one[:, 0], other[:, 1] - other[:, 0], one[:, 0] - other[:, 0]
    normal = np.cross(u, v)
    crossing = _dot(normal, normal)
    safe = np.where(crossing > 0.0, crossing, 1.0)
    along_one, along_other = _dot(np.cross(v, apart), normal) / safe, _dot(np.cross(u, apart), normal) / safe
    inside = (crossing > 0.0) & (along_one > 0.0) & (along_one < 1.0) & (along_other > 0.0) & (along_other < 1.0)
    return Nearest(np.where(inside, CROSSING, part), np.where(inside, _dot(apart, normal) ** 2 / safe, squared))


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", one, other)
