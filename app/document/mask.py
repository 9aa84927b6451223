"""A selection as the engine's mask."""

from __future__ import annotations

import numpy as np

from app.document.placement import IDENTITY
from app.document.project import Project, Selection
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh, bounding_box
from engine.protocol.edits import SetMask

MOST_POINTS = 50_000
"""Points that a mask carries at most: it travels in an Edit and in every recording of a session."""

MOST_SEARCHED = 400_000
"""Points outside of a selection among which its rim is looked for: of a large scan these are dense enough."""


def mask_edit(project: Project, selection: Selection) -> SetMask:
    """The Edit that gives the engine this selection as a mask; raises `ParameterError` when its object is gone.

    The nearest point decides. Of a large surface those that belong to the selection count, those beside them, which
    say where it ends, and some of the rest: always the same ones for the same selection.
    """
    if selection.points is not None:
        points, placement, box = selection.points, IDENTITY, None
    else:
        item = project.object(selection.of)
        if item is None:
            raise ParameterError(selection.name, f"{selection.of} is not open any more.", remedy="Select anew.")
        # Where the file has them: of ten million points only those that are kept are put where the object stands.
        geometry, placement = item.geometry, item.placement
        points = geometry.vertices if isinstance(geometry, Mesh) else geometry.positions
        box = item.bounds
    if len(points) != len(selection.values):
        raise ParameterError(selection.name, f"{selection.of} has other vertices now.", remedy="Select anew.")
    low, high = bounding_box(points, selection.of) if box is None else box
    kept = _decisive(points, selection.values)
    reach = max(float(np.linalg.norm(high - low)), 1e-6)
    placed = placement.points(points[kept])
    return SetMask(name=selection.name, points=placed, values=selection.values[kept], reach=reach)


def _decisive(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Indices of the points that a mask carries, ascending."""
    if len(points) <= MOST_POINTS:
        return np.arange(len(points))
    from scipy.spatial import cKDTree  # slow to load, and rarely needed

    generator = np.random.default_rng(0)

    def some(indices: np.ndarray, count: int) -> np.ndarray:
        if len(indices) <= count:
            return indices
        if len(indices) < 4 * count:
            return indices[generator.choice(len(indices), count, replace=False, shuffle=False)]
        # Hardly one in ten is drawn twice, and goes: to draw without putting back takes twenty times as long.
        return indices[np.unique(generator.integers(0, len(indices), count))]

    inside = some(np.flatnonzero(values > 0.0), MOST_POINTS // 2)
    outside = np.flatnonzero(values == 0.0)
    beside = some(outside, MOST_SEARCHED)
    rim = np.zeros(0, np.int64)
    if len(inside) and len(outside):
        _, nearest = cKDTree(points[beside], balanced_tree=False).query(points[inside])
        rim = beside[np.unique(nearest)]
    rest = some(outside, MOST_POINTS - len(inside) - len(rim))
    return np.unique(np.concatenate([inside, rim, rest]))
