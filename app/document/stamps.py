"""A region of points as stamps of a brush: how a selection is frozen."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

MOST_STAMPS = 2000
"""They travel in an Edit and in every recording of a session."""
FINENESS = 60.0
"""Stamps along the longest way through a region at least, where its points are that dense."""


def stamps_of(points: np.ndarray) -> tuple[list[tuple[float, float, float]], float]:
    """Centres [mm] and the one radius [mm] of stamps that cover points (n, 3) and little more, n ≥ 1.

    Between neighbouring points nothing stays free: the radius is no less than their usual distance.
    """
    points = np.asarray(points, np.float64).reshape(-1, 3)
    extent = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
    cell = max(extent / FINENESS, 1.5 * _spacing(points), 1e-6)
    first = _one_a_cell(points, cell)
    while len(first) > MOST_STAMPS:
        cell *= 1.25
        first = _one_a_cell(points, cell)
    return [(float(x), float(y), float(z)) for x, y, z in points[first]], float(f"{cell:.4g}")


def _one_a_cell(points: np.ndarray, cell: float) -> np.ndarray:
    """Indices of the point nearest to the middle of each cell of a grid that holds some, ascending."""
    scaled = (points - points.min(axis=0)) / cell
    place = np.floor(scaled).astype(np.int64)
    off = np.linalg.norm(scaled - place - 0.5, axis=1)
    order = np.lexsort((off, place[:, 2], place[:, 1], place[:, 0]))
    rows = place[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return np.sort(order[new])


def _spacing(points: np.ndarray) -> float:
    """Usual distance of a point to its nearest neighbour [mm]; 0 for a single one."""
    if len(points) < 2:
        return 0.0
    some = points[:: max(1, len(points) // 2000)]
    distance = np.asarray(cKDTree(points).query(some, k=2)[0])
    return float(np.median(distance[:, 1]))
