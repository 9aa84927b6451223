"""The Run's surface on the screen: Snapshots written in place, coloured by sensitivity, tinted where frozen."""

from __future__ import annotations

import numpy as np

from app.viewport.colours import FROZEN, SteadyRange, diverging_table, map_diverging, rgb
from app.viewport.decimate import cluster_means, cluster_vertices, shading
from app.viewport.drawn import DrawnMesh, paint
from engine.protocol.snapshot import Snapshot

SENSITIVITY = "sensitivity"

RUNNING_BUDGET = 10_000
"""Vertices to draw on software OpenGL while a Run sends Snapshots: twice as many hold the window up for over 50 ms."""


class RunSurface:
    """One actor for the whole Run; the topology may change with every Snapshot.

    budget : vertices to draw at most (None: all of them); while a Run goes on, at most `RUNNING_BUDGET`
    """

    def __init__(self) -> None:
        self.drawn = DrawnMesh()
        self.budget: int | None = None
        self.range = SteadyRange()
        self.colouring = "plain"
        self.origin = np.zeros(3)
        self.vertex_count = 0
        self.drawn_count = 0
        self._run: int | None = None
        self._vertices = np.empty((0, 3), np.float32)
        self._values: np.ndarray | None = None
        self._copies = np.empty(0, np.int32)
        self._plain = "#c9ccd0"
        self._table = diverging_table()
        self._centres = np.empty((0, 3))
        self._radii = np.empty(0)

    @property
    def shown(self) -> bool:
        return self.drawn_count > 0

    @property
    def has_sensitivity(self) -> bool:
        return self._values is not None

    def show(self, snapshot: Snapshot) -> None:
        """Write a Snapshot's arrays into the actor's."""
        vertices = np.asarray(snapshot.arrays.get("vertices", np.empty((0, 3))), np.float32).reshape(-1, 3)
        triangles = np.asarray(snapshot.arrays.get("triangles", np.empty((0, 3))), np.int32).reshape(-1, 3)
        values = snapshot.arrays.get(SENSITIVITY)
        if snapshot.run != self._run:
            self._run = snapshot.run
            self.range.forget()
        self.origin = np.asarray(snapshot.origin, np.float64)
        self.vertex_count = len(vertices)
        if values is not None and len(values) != len(vertices):
            values = None
        budget = self.budget
        if budget is not None and snapshot.state == "running":
            budget = min(budget, RUNNING_BUDGET)
        if budget is not None and len(vertices) > budget and len(triangles):
            vertices, triangles, owner = cluster_vertices(vertices, triangles, int(0.8 * budget))
            values = None if values is None else cluster_means(values, owner, len(vertices))
        self.drawn_count = len(vertices)
        normals, drawn, self._copies = shading(vertices, triangles)
        self._vertices, self._values = vertices, values
        self.drawn.write(self._extended(vertices), drawn, normals)
        if values is not None:
            self.range.follow(values)
        self.recolour()

    def clear(self) -> None:
        self._run = None
        self.vertex_count = self.drawn_count = 0
        self._values = None
        self._vertices = np.empty((0, 3), np.float32)
        self.drawn.write(self._vertices, np.empty((0, 3), np.int32), self._vertices)
        self.drawn.write_colours(None)

    def set_plain(self, colour: str) -> None:
        self._plain = colour
        paint(self.drawn.actor, colour)
        self.recolour()

    def set_frozen(self, centres: np.ndarray, radii: np.ndarray) -> None:
        """Stamps: centres (n, 3) [mm, world] and radii (n,) [mm]."""
        self._centres = np.asarray(centres, np.float64).reshape(-1, 3)
        self._radii = np.broadcast_to(np.asarray(radii, np.float64), len(self._centres))
        self.recolour()

    def recolour(self) -> None:
        count = len(self._vertices)
        coloured = self.colouring == "sensitivity" and self._values is not None
        if not count or not (coloured or len(self._centres)):
            self.drawn.write_colours(None)
            return
        if coloured and self._values is not None:
            colours = map_diverging(self._values, self.range.limits, self._table)
        else:
            colours = np.broadcast_to(np.rint(np.multiply(rgb(self._plain), 255.0)).astype(np.uint8), (count, 3))
        if len(self._centres):
            share = 0.72 * frozen_share(self._vertices, self._centres - self.origin, self._radii)[:, None]
            tint = np.multiply(rgb(FROZEN), 255.0)
            colours = np.rint(colours * (1.0 - share) + tint * share).astype(np.uint8)
        self.drawn.write_colours(self._extended(colours))

    def value_at(self, position: np.ndarray, triangle: int) -> float | None:
        """Sensitivity at a drawn triangle's corner nearest to `position` (3,), relative to the actor."""
        if self._values is None:
            return None
        corners = self.drawn.triangles[triangle]
        nearest = int(corners[np.argmin(np.linalg.norm(self.drawn.vertices[corners] - position, axis=1))])
        if nearest >= len(self._vertices):
            nearest = int(self._copies[nearest - len(self._vertices)])
        return float(self._values[nearest])

    def _extended(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[self._copies]]) if len(self._copies) else values


def frozen_share(vertices: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How much each vertex is frozen, in [0, 1], shape (n,): 1 within a stamp, fading over its outer tenth."""
    from scipy.spatial import cKDTree

    share = np.zeros(len(vertices), np.float32)
    reach = float(radii.max())
    near = np.flatnonzero(
        ((vertices >= centres.min(axis=0) - reach) & (vertices <= centres.max(axis=0) + reach)).all(axis=1)
    )
    if not len(near):
        return share
    for radius in np.unique(radii):
        tree = cKDTree(centres[radii == radius])
        distances, _ = tree.query(vertices[near], distance_upper_bound=float(radius))
        edge = np.clip((radius - distances) / (0.1 * radius), 0.0, 1.0)
        share[near] = np.maximum(share[near], np.where(np.isfinite(distances), edge, 0.0))
    return share
