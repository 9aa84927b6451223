"""A Run's surface on the screen: Snapshots written in place, coloured by data, tinted where frozen or selected."""

from __future__ import annotations

import numpy as np

from app.viewport.colours import FROZEN, SteadyRange, blended, diverging_table, map_diverging
from app.viewport.decimate import cluster_means, cluster_vertices, shading
from app.viewport.drawn import DrawnMesh, paint
from app.viewport.records import SelectionView
from engine.geometry.nearest_values import NearestValues
from engine.protocol.snapshot import Snapshot

SENSITIVITY = "sensitivity"

RUNNING_BUDGET = 10_000
"""Vertices to draw on software OpenGL while a Run sends Snapshots: twice as many hold the window up for over 50 ms."""


class RunSurface:
    """One actor for the whole Run; the topology may change with every Snapshot.

    scalar : name of the array that may colour it
    budget : vertices to draw at most (None: all of them); while a Run goes on, at most `RUNNING_BUDGET`
    """

    def __init__(self, scalar: str = SENSITIVITY) -> None:
        self.scalar = scalar
        self.drawn = DrawnMesh()
        self.budget: int | None = None
        self.range = SteadyRange()
        self.colouring = "plain"
        self.origin = np.zeros(3)
        self.vertex_count = 0
        self.drawn_count = 0
        self.snapshot: Snapshot | None = None
        self._run: int | None = None
        self.triangles = np.empty((0, 3), np.int32)
        self._vertices = np.empty((0, 3), np.float32)
        self._values: np.ndarray | None = None
        self._copies = np.empty(0, np.int32)
        self._plain = "#c9ccd0"
        self._table = diverging_table()
        self._centres = np.empty((0, 3))
        self._radii = np.empty(0)
        self._selections: list[tuple[SelectionView, NearestValues]] = []

    @property
    def shown(self) -> bool:
        return self.drawn_count > 0

    @property
    def coloured(self) -> bool:
        """Data colour it."""
        return self.colouring != "plain" and self._values is not None

    @property
    def one_sided(self) -> bool:
        """No value is below zero: distances without a sign."""
        return self._values is not None and bool(len(self._values)) and not (self._values < 0.0).any()

    @property
    def bounds(self) -> np.ndarray:
        """Box (2, 3) [mm, world] of what is drawn."""
        return np.stack([self._vertices.min(axis=0), self._vertices.max(axis=0)]) + self.origin

    @property
    def vertices(self) -> np.ndarray:
        """What is drawn, relative to `origin`, (drawn_count, 3); never written to again."""
        return self._vertices

    def world_points(self) -> np.ndarray:
        """What is drawn, as positions (drawn_count, 3) [mm, world]."""
        return self._vertices.astype(np.float64) + self.origin

    def show(self, snapshot: Snapshot) -> None:
        """Write a Snapshot's arrays into the actor's."""
        vertices = np.asarray(snapshot.arrays.get("vertices", np.empty((0, 3))), np.float32).reshape(-1, 3)
        triangles = np.asarray(snapshot.arrays.get("triangles", np.empty((0, 3))), np.int32).reshape(-1, 3)
        values = snapshot.arrays.get(self.scalar)
        self.snapshot = snapshot
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
        self._vertices, self._values, self.triangles = vertices, values, triangles
        self.drawn.write(self._extended(vertices), drawn, normals)
        if values is not None:
            self.range.follow(values)
        self.recolour()

    def clear(self) -> None:
        self.snapshot = None
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

    def set_selections(self, selections: list[SelectionView]) -> None:
        """Selections that are shown on it; each with its points."""
        known = {id(view): found for view, found in self._selections}
        self._selections = [
            (view, known.get(id(view)) or NearestValues(view.points, np.asarray(view.values), view.reach))
            for view in selections
            if view.points is not None
        ]
        self.recolour()

    def recolour(self) -> None:
        count = len(self._vertices)
        if not count or not (self.coloured or len(self._centres) or self._selections):
            self.drawn.write_colours(None)
            return
        tints: list[tuple[np.ndarray, str]] = []
        if len(self._centres):
            tints.append((frozen_share(self._vertices, self._centres - self.origin, self._radii), FROZEN))
        if self._selections:
            world = self.world_points()
            tints += [(found.at(world), view.colour) for view, found in self._selections]
        base: str | np.ndarray = self._plain
        if self.coloured and self._values is not None:
            base = map_diverging(self._values, self.range.limits, self._table)
        self.drawn.write_colours(self._extended(blended(base, count, tints)))

    def value_at(self, position: np.ndarray, triangle: int) -> float | None:
        """What may colour it, at a drawn triangle's corner nearest to `position` (3,), relative to the actor."""
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
