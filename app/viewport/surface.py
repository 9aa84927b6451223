"""A Run's surface on the screen: Snapshots written in place, coloured by data or by body, tinted where frozen or
selected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.viewport.colours import (
    FROZEN,
    SteadyRange,
    blended,
    diverging_table,
    map_diverging,
    map_sequential,
    rgb,
    sequential_table,
)
from app.viewport.decimate import cluster_highest, cluster_means, cluster_vertices, shading
from app.viewport.drawn import DrawnMesh, paint
from app.viewport.records import BodyVertex, SelectionView
from app.viewport.shades import SENSITIVITY, Shade, shade_of
from engine.geometry.nearest_values import NearestValues
from engine.io.motion.motion import body_colour
from engine.protocol.layers import BAND, FIELD, parts_of
from engine.protocol.snapshot import Snapshot

BODY = "body"
"""Values of a simulation that say whose a vertex is."""

RUNNING_BUDGET = 10_000
"""Vertices to draw on software OpenGL while a Run sends Snapshots: twice as many hold the window up for over 50 ms."""


class RunSurface:
    """One actor for the whole Run; the topology may change with every Snapshot.

    scalar : name of the array that may colour it
    budget : vertices to draw at most (None: all of them); while a Run goes on, at most `RUNNING_BUDGET`
    by_body : bodies of a simulation have colours of their own, where no data colour them
    """

    def __init__(self, scalar: str = SENSITIVITY) -> None:
        self.scalar = scalar
        self.drawn = DrawnMesh()
        self.budget: int | None = None
        self.by_body = True
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
        self._shade: Shade | None = None
        self._copies = np.empty(0, np.int32)
        self._plain = "#c9ccd0"
        self._tables = {"diverging": diverging_table(), "sequential": sequential_table()}
        self._owner: np.ndarray | None = None
        self._bodies: np.ndarray | None = None
        self.ground: frozenset[str] = frozenset()
        self._hidden: frozenset[str] = frozenset()
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
    def shade(self) -> Shade:
        """How the values that may colour it are drawn."""
        if self._shade is None:
            units = {} if self.snapshot is None else self.snapshot.info.get("fields", {})
            self._shade = shade_of(self.scalar, self._values, units)
        return self._shade

    @property
    def names(self) -> list[str]:
        """Values on the vertices that may colour it."""
        if self.snapshot is None:
            return []
        return [name for name, array in self.snapshot.arrays.items() if name != BODY and self._is_of_vertices(array)]

    @property
    def has_bodies(self) -> bool:
        """It is of a simulation: several bodies, and sheets that are seen from both sides."""
        return self._bodies is not None

    def body_vertex_near(self, position: np.ndarray) -> BodyVertex | None:
        """The vertex nearest to a position (3,) [mm, world], of bodies that are shown; None where there are none."""
        snapshot = self.snapshot
        if snapshot is None or BODY not in snapshot.arrays:
            return None
        owners, names = snapshot.arrays[BODY], list(snapshot.info.get("bodies", ()))
        away = np.linalg.norm(snapshot.arrays["vertices"] + (self.origin - position), axis=1)
        away[np.isin(owners, [number for number, name in enumerate(names) if name in self._hidden])] = np.inf
        nearest = int(np.argmin(away))
        body = int(owners[nearest])
        if not np.isfinite(away[nearest]) or not 0 <= body < len(names):
            return None
        return BodyVertex(names[body], nearest - int(np.argmax(owners == body)), nearest)

    def position_of(self, held: BodyVertex) -> np.ndarray:
        """Where a vertex is now [mm, world], shape (3,)."""
        assert self.snapshot is not None
        vertices = self.snapshot.arrays["vertices"]
        return np.asarray(vertices[min(held.number, len(vertices) - 1)] + self.origin, np.float64)

    @property
    def one_sided(self) -> bool:
        """No value is below zero: distances without a sign."""
        return self._values is not None and bool(len(self._values)) and not (self._values < 0.0).any()

    @property
    def bounds(self) -> np.ndarray:
        """Box (2, 3) [mm, world] of what is drawn."""
        return np.stack([self._vertices.min(axis=0), self._vertices.max(axis=0)]) + self.origin

    def standing_bounds(self) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of the bodies that are shown and no ground; None where there are none."""
        if self.snapshot is None or self._bodies is None:
            return self.bounds
        names = self.snapshot.info.get("bodies", ())
        left_out = [number for number, name in enumerate(names) if name in self.ground | self._hidden]
        vertices = self._vertices[~np.isin(self._bodies, left_out)]
        if not len(vertices):
            return None
        return np.stack([vertices.min(axis=0), vertices.max(axis=0)]).astype(np.float64) + self.origin

    @property
    def vertices(self) -> np.ndarray:
        """What is drawn, relative to `origin`, (drawn_count, 3); never written to again."""
        return self._vertices

    def vectors(self, name: str) -> np.ndarray | None:
        """Vectors on the vertices of the Snapshot, shape (vertex_count, 3); None where it has none of that name."""
        found = None if self.snapshot is None else self.snapshot.arrays.get(name)
        return found if found is not None and found.shape == (self.vertex_count, 3) else None

    def snapshot_positions(self) -> np.ndarray:
        """All vertices of the Snapshot [mm, world], shape (vertex_count, 3)."""
        assert self.snapshot is not None
        return np.asarray(self.snapshot.arrays["vertices"].astype(np.float64) + self.origin)

    def world_points(self) -> np.ndarray:
        """What is drawn, as positions (drawn_count, 3) [mm, world]."""
        return self._vertices.astype(np.float64) + self.origin

    def show(self, snapshot: Snapshot) -> None:
        """Write a Snapshot's arrays into the actor's."""
        vertices = np.asarray(snapshot.arrays.get("vertices", np.empty((0, 3))), np.float32).reshape(-1, 3)
        triangles = np.asarray(snapshot.arrays.get("triangles", np.empty((0, 3))), np.int32).reshape(-1, 3)
        self.snapshot = snapshot
        if snapshot.run != self._run:
            self._run = snapshot.run
            self.range.forget()
            self._shade = None
        self.origin = np.asarray(snapshot.origin, np.float64)
        self.vertex_count = len(vertices)
        triangles = self._of_shown_bodies(snapshot, triangles)
        budget = self.budget
        if budget is not None and snapshot.state == "running":
            budget = min(budget, RUNNING_BUDGET)
        self._owner = None
        if budget is not None and len(vertices) > budget and len(triangles):
            vertices, triangles, self._owner = cluster_vertices(vertices, triangles, int(0.8 * budget))
        self.drawn_count = len(vertices)
        normals, drawn, self._copies = shading(vertices, triangles)
        self._vertices, self.triangles = vertices, triangles
        self.drawn.write(self._extended(vertices), drawn, normals)
        self._bodies = self._drawn_values(BODY)
        self._take_values()
        self.recolour()

    def colour_by(self, name: str) -> None:
        """Colour it by the values of this name; "plain": by none, but several bodies each in its colour."""
        self.colouring = name
        if name not in ("plain", self.scalar):
            self.scalar = name
            self.range.forget()
            self._shade = None
            self._take_values()
        self.recolour()

    def hide_bodies(self, names: frozenset[str]) -> None:
        """Leave out these bodies of a simulation, and no others."""
        if names != self._hidden:
            self._hidden = names
            if self.snapshot is not None:
                self.show(self.snapshot)

    def clear(self) -> None:
        self.snapshot = None
        self._run = None
        self.vertex_count = self.drawn_count = 0
        self._values = self._owner = self._bodies = None
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
        if not count or not (self.coloured or self.has_bodies or len(self._centres) or self._selections):
            self.drawn.write_colours(None)
            return
        tints: list[tuple[np.ndarray, str]] = []
        if len(self._centres):
            tints.append((frozen_share(self._vertices, self._centres - self.origin, self._radii), FROZEN))
        if self._selections:
            world = self.world_points()
            tints += [(found.at(world), view.colour) for view, found in self._selections]
        own = self._bodies if self.by_body else None
        base: str | np.ndarray = self._plain if own is None else _palette(own, self._body_colour)
        if self.coloured and self._values is not None:
            known = np.isfinite(self._values)
            colours = self._data_colours(self._values)
            base = colours if known.all() else np.where(known[:, None], colours, blended(base, count, []))
        self.drawn.write_colours(self._extended(blended(base, count, tints)))

    def _body_colour(self, number: int) -> str:
        """Its own, where it has one."""
        own = [] if self.snapshot is None else self.snapshot.info.get("colours", [])
        return (own[number] if number < len(own) else "") or body_colour(number)

    def value_at(self, position: np.ndarray, triangle: int) -> float | None:
        """What may colour it, at a drawn triangle's corner nearest to `position` (3,), relative to the actor."""
        return self._at(self._values, position, triangle)

    def band_at(self, position: np.ndarray, triangle: int) -> float | None:
        """Half of the band of a predicted field there; None for all else."""
        kind, field = parts_of(self.scalar)
        return self._at(self._drawn_values(BAND + field), position, triangle) if kind == FIELD else None

    def _at(self, values: np.ndarray | None, position: np.ndarray, triangle: int) -> float | None:
        if values is None:
            return None
        corners = self.drawn.triangles[triangle]
        nearest = int(corners[np.argmin(np.linalg.norm(self.drawn.vertices[corners] - position, axis=1))])
        if nearest >= len(self._vertices):
            nearest = int(self._copies[nearest - len(self._vertices)])
        return float(values[nearest])

    @property
    def gaps(self) -> bool:
        """Somewhere it has no value of what colours it."""
        return self._values is not None and not bool(np.isfinite(self._values).all())

    @property
    def flat(self) -> bool:
        """It lies in one plane of the axes, and is seen from both sides."""
        return bool(len(self._vertices)) and bool((np.ptp(self._vertices, axis=0) == 0.0).any())

    def _data_colours(self, values: np.ndarray) -> np.ndarray:
        """Colours of values (n,) by the map that they are drawn with, shape (n, 3)."""
        shade, limits = self.shade, self.range.limits
        if shade.map == "categories":
            last = len(shade.categories) - 1
            numbers = np.clip(np.nan_to_num(values), 0, last).astype(np.intp)
            return _palette(numbers, lambda number: shade.categories[number][1])
        if shade.map == "sequential":
            return map_sequential(values, limits, self._tables["sequential"])
        return map_diverging(values, limits, self._tables["diverging"])

    def _take_values(self) -> None:
        """What may colour it, of the Snapshot that is shown."""
        before, self._values = self._values, self._drawn_values(self.scalar)
        if before is None or parts_of(self.scalar)[0] == "":
            self._shade = None  # of a predicted field it stays: its colours do not turn over while one watches
        if self.shade.whole:
            self.range.extent = "whole"
        else:
            self.range.extent = "from zero" if self.shade.map == "sequential" else "signed"
        if self._values is not None and self.snapshot is not None:
            self.range.follow(self._values, settled=self.snapshot.state != "running")

    def _drawn_values(self, name: str) -> np.ndarray | None:
        """Values of the drawn vertices, shape (drawn_count,); None where the Snapshot has none of that name."""
        values = None if self.snapshot is None else self.snapshot.arrays.get(name)
        if values is None or not self._is_of_vertices(values):
            return None
        if self._owner is None:
            return values
        whole = name == BODY or shade_of(name).map == "categories"
        return (cluster_highest if whole else cluster_means)(values, self._owner, self.drawn_count)

    def _is_of_vertices(self, values: np.ndarray) -> bool:
        return values.shape == (self.vertex_count,)

    def _of_shown_bodies(self, snapshot: Snapshot, triangles: np.ndarray) -> np.ndarray:
        owners = snapshot.arrays.get(BODY)
        if owners is None or not self._hidden:
            return triangles
        hidden = [number for number, name in enumerate(snapshot.info.get("bodies", ())) if name in self._hidden]
        return triangles[~np.isin(owners[triangles[:, 0]], hidden)]

    def _extended(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[self._copies]]) if len(self._copies) else values


def _palette(numbers: np.ndarray, colour: Callable[[int], str]) -> np.ndarray:
    """Colours of whole numbers (n,), shape (n, 3), in [0, 255]."""
    count = int(numbers.max(initial=0)) + 1
    return np.array([np.multiply(rgb(colour(number)), 255.0) for number in range(count)], np.float32)[numbers]


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
