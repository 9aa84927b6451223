"""Values that lie on points, carried to a surface whose vertices change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import GeometryError

if TYPE_CHECKING:
    from scipy.spatial import cKDTree


class NearestValues:
    """Gives every position the value of the nearest point within `reach`, and 0 where there is none.

    points : (n, 3); values : (n,) in [0, 1]; reach : in the same unit
    """

    def __init__(self, points: np.ndarray, values: np.ndarray, reach: float) -> None:
        points, values = np.asarray(points, np.float64).reshape(-1, 3), np.asarray(values, np.float32)
        if len(values) != len(points):
            raise GeometryError(f"{len(values)} values cannot lie on {len(points)} points.")
        chosen = points[values > 0.0]
        self._reach = float(np.nextafter(reach, np.inf))  # a point just at the reach counts
        self._tree: cKDTree | None = None
        if not len(chosen):
            return
        # Points far from all that is selected cannot be the nearest to anything that gets a value.
        self._low, self._high = chosen.min(axis=0) - reach, chosen.max(axis=0) + reach
        near = ((points >= self._low - reach) & (points <= self._high + reach)).all(axis=1)
        from scipy.spatial import cKDTree  # slow to load

        self._tree, self._values = cKDTree(points[near]), values[near]

    def at(self, positions: np.ndarray) -> np.ndarray:
        """Values at positions (m, 3), shape (m,), float32."""
        positions = np.asarray(positions, np.float64).reshape(-1, 3)
        found = np.zeros(len(positions), np.float32)
        if self._tree is None:
            return found
        near = np.flatnonzero(((positions >= self._low) & (positions <= self._high)).all(axis=1))
        distances, nearest = self._tree.query(positions[near], distance_upper_bound=self._reach)
        hit = np.isfinite(distances)
        found[near[hit]] = self._values[np.asarray(nearest)[hit]]
        return found
