"""A selection as the engine's mask."""

from __future__ import annotations

import numpy as np

from app.document.project import Project, Selection
from engine.core.errors import ParameterError
from engine.protocol.edits import SetMask

MOST_POINTS = 50_000
"""Points that a mask carries at most: it travels in an Edit and in every recording of a session."""


def mask_edit(project: Project, selection: Selection) -> SetMask:
    """The Edit that gives the engine this selection as a mask; raises `ParameterError` when its object is gone.

    The nearest point decides. Of a large surface those that belong to the selection count, those beside them, which
    say where it ends, and some of the rest: always the same ones for the same selection.
    """
    points = selection.points
    if points is None:
        item = project.object(selection.of)
        if item is None:
            raise ParameterError(selection.name, f"{selection.of} is not open any more.", remedy="Select anew.")
        points = item.positions
    if len(points) != len(selection.values):
        raise ParameterError(selection.name, f"{selection.of} has other vertices now.", remedy="Select anew.")
    kept = _decisive(points, selection.values)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = max(float(np.linalg.norm(high - low)), 1e-6)
    return SetMask(name=selection.name, points=points[kept], values=selection.values[kept], reach=reach)


def _decisive(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Indices of the points that a mask carries, ascending."""
    if len(points) <= MOST_POINTS:
        return np.arange(len(points))
    from scipy.spatial import cKDTree  # slow to load, and rarely needed

    generator = np.random.default_rng(0)

    def some(indices: np.ndarray, count: int) -> np.ndarray:
        return indices if len(indices) <= count else generator.choice(indices, count, replace=False)

    inside = some(np.flatnonzero(values > 0.0), MOST_POINTS // 2)
    outside = np.flatnonzero(values == 0.0)
    rim = np.zeros(0, np.int64)
    if len(inside) and len(outside):
        _, nearest = cKDTree(points[outside]).query(points[inside])
        rim = outside[np.unique(nearest)]
    rest = some(outside, MOST_POINTS - len(inside) - len(rim))
    return np.unique(np.concatenate([inside, rim, rest]))
