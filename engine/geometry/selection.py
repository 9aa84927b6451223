"""Selections: one value in [0, 1] for every vertex or point, and how they are made, grown and moved.

Plain NumPy and SciPy, for a window that has neither torch nor Warp, and that loads this before its first picture, but
SciPy only when something is selected. Values are float32, shape (element_count,). What
asks for the neighbourhood takes `Neighbours`, which are made once for a geometry: 1.7 s for 1.3 million triangles, 6 s
for a million points on one core, so in the background where the geometry is large; the answers come in milliseconds.

Distances along a surface (`engine.geometry.geodesic`), measured against analytic ones: exact on planes and what unrolls
to one, 0.3 % too short on a sphere of 5,000 triangles and 0.02 % on one of 1.3 million. Measured against exact ones on
the polyhedron: on four meshes of parts and figures (4,000 to 70,000 triangles) 0.2 to 0.8 % off in the mean and 2 % for
the worst of a hundred, and 3 % (at most 9 %) on a sphere whose noise is as large as its edges. Long needles are worse:
up to twice too long where nothing else leads there. On clouds ways follow neighbours: 6 % too long in the mean, at most
23 %, for points at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.geodesic import Beginning, begin_at, distances_from
from engine.geometry.nearest_values import NearestValues
from engine.geometry.neighbours import Neighbours

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Profile = Literal["constant", "linear", "smooth"]

SELECTED = 0.5
"""A value from here on counts as selected where only yes or no makes sense."""


def connected(graph: Neighbours, elements: np.ndarray | list[int]) -> np.ndarray:
    """Everything that hangs together with `elements` (indices): through edges of triangles, or through neighbours."""
    nodes, parts = graph.parts
    seeds = np.zeros(graph.node_count, bool)
    seeds[graph.node[_indices(graph, elements)]] = True
    wanted = np.zeros(int(parts.max(initial=-1)) + 1, bool)
    wanted[parts[seeds[nodes]]] = True
    chosen = np.zeros(graph.node_count, np.float32)
    chosen[nodes[wanted[parts]]] = 1.0
    return chosen[graph.node]


def within(graph: Neighbours, elements: np.ndarray | list[int], radius: float) -> np.ndarray:
    """What lies within `radius` [mm] of `elements` (indices) along the surface."""
    nodes = graph.node[_indices(graph, elements)]
    distance = distances_from(graph, Beginning.at_nodes(nodes), limit=_length(radius))
    return np.isfinite(distance).astype(np.float32)[graph.node]


def grow_rings(graph: Neighbours, values: np.ndarray, rings: int = 1) -> np.ndarray:
    """Each value becomes the largest of its own and its neighbours', `rings` times."""
    return _rings(graph, values, rings, np.maximum)


def shrink_rings(graph: Neighbours, values: np.ndarray, rings: int = 1) -> np.ndarray:
    """Each value becomes the least of its own and its neighbours', `rings` times. A border of the surface is no end:
    what reaches it does not shrink from there."""
    return _rings(graph, values, rings, np.minimum)


def grow(graph: Neighbours, values: np.ndarray, distance: float) -> np.ndarray:
    """Also select what lies within `distance` [mm] along the surface of what is selected."""
    held = graph.to_nodes(values, np.maximum).astype(np.float32)
    begin = np.flatnonzero(held >= SELECTED)
    reached = distances_from(graph, Beginning.at_nodes(begin), limit=_length(distance))
    return np.maximum(held, np.isfinite(reached))[graph.node].astype(np.float32)


def shrink(graph: Neighbours, values: np.ndarray, distance: float) -> np.ndarray:
    """Also leave out what lies within `distance` [mm] along the surface of what is not selected."""
    held = graph.to_nodes(values, np.minimum).astype(np.float32)
    begin = np.flatnonzero(held < SELECTED)
    reached = distances_from(graph, Beginning.at_nodes(begin), limit=_length(distance))
    return np.where(np.isfinite(reached), np.minimum(held, 0.0), held)[graph.node].astype(np.float32)


def invert(values: np.ndarray) -> np.ndarray:
    """1 − value."""
    return (1.0 - np.asarray(values)).astype(np.float32)


def smooth(graph: Neighbours, values: np.ndarray, rounds: int = 1) -> np.ndarray:
    """Move each value halfway to the mean of its neighbours', `rounds` times: a hard rim becomes a soft one."""
    held = graph.to_nodes(values, np.maximum).astype(np.float64)
    degree = np.diff(graph.first)
    has = degree > 0
    for _ in range(rounds):
        total = np.add.reduceat(held[graph.other], graph.first[:-1][has]) if has.any() else np.zeros(0)
        held[has] = 0.5 * held[has] + 0.5 * total / degree[has]
    return np.clip(held, 0.0, 1.0)[graph.node].astype(np.float32)


def falloff(distance: np.ndarray, radius: float, profile: Profile) -> np.ndarray:
    """Weight of a brush at `distance` from the middle of a stamp: 1 there, 0 beyond `radius`, float32.

    profile : "constant": 1 everywhere within; "linear": 1 − t; "smooth": 1 − 3 t² + 2 t³, with t = distance/radius
    """
    t = np.asarray(distance, np.float64) / _length(radius, least=True)
    within_it = t <= 1.0
    t = np.where(within_it, t, 1.0)
    match profile:
        case "constant":
            weight = np.ones_like(t)
        case "linear":
            weight = 1.0 - t
        case "smooth":
            weight = 1.0 - t * t * (3.0 - 2.0 * t)
        case _:
            raise GeometryError(f"A brush has no profile {profile!r}.", remedy="Use constant, linear or smooth.")
    return np.where(within_it, weight, 0.0).astype(np.float32)


def brush(tree: cKDTree, stamps: np.ndarray, radius: float, profile: Profile) -> np.ndarray:
    """Weight of brush stamps in space, the largest of all stamps, for the points of `tree`.

    stamps : middles, shape (k, 3) [mm]; radius : [mm]
    """
    weight = np.zeros(tree.n, np.float32)
    for stamp in np.asarray(stamps, np.float64).reshape(-1, 3):
        near = np.asarray(tree.query_ball_point(stamp, _length(radius, least=True)), np.int64)
        distance = np.linalg.norm(tree.data[near] - stamp, axis=1)
        weight[near] = np.maximum(weight[near], falloff(distance, radius, profile))
    return weight


def brush_along(graph: Neighbours, stamps: np.ndarray, radius: float, profile: Profile) -> np.ndarray:
    """`brush` with distances along the surface: the other side of a thin wall is not touched.

    stamps : on the surface, or within `radius` of it
    """
    beginning = begin_at(graph, stamps, limit=_length(radius, least=True))
    distance = distances_from(graph, beginning, limit=radius)
    return falloff(distance, radius, profile)[graph.node]


def inside_polygon(places: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Whether places (n, 2) lie inside a closed polygon (m, 2) by the even–odd rule, bool (n,).

    The polygon closes itself. Places that are not finite (behind the eye) lie outside. Of two polygons that share an
    edge exactly one holds a place on it.
    """
    places = np.asarray(places, np.float64).reshape(-1, 2)
    corners = np.asarray(polygon, np.float64).reshape(-1, 2)
    inside = np.zeros(len(places), bool)
    if len(corners) < 3 or not np.isfinite(corners).all():
        return inside
    low, high = corners.min(axis=0), corners.max(axis=0)
    with np.errstate(invalid="ignore"):
        candidates = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    order = candidates[np.argsort(places[candidates, 1], kind="stable")]
    x, y = places[order].T
    crossed = np.zeros(len(order), bool)
    ends = np.roll(corners, -1, axis=0)
    # An edge crosses the horizontal ray of a place where low ≤ y < high: those stand together in order of y.
    first = np.searchsorted(y, np.minimum(corners[:, 1], ends[:, 1]), side="left")
    last = np.searchsorted(y, np.maximum(corners[:, 1], ends[:, 1]), side="left")
    for (ax, ay), (bx, by), begin, end in zip(corners, ends, first, last, strict=True):
        if begin < end:
            rows = slice(begin, end)
            crossed[rows] ^= x[rows] < ax + (y[rows] - ay) * ((bx - ax) / (by - ay))
    inside[order] = crossed
    return inside


def transfer(points: np.ndarray, values: np.ndarray, reach: float, onto: np.ndarray) -> np.ndarray:
    """`values` of `points` (n, 3) on other points, `onto` (m, 3): that of the nearest within `reach` [mm], else 0."""
    return NearestValues(points, values, _length(reach)).at(onto)


def _rings(graph: Neighbours, values: np.ndarray, rings: int, join: np.ufunc) -> np.ndarray:
    held = graph.to_nodes(values, join).astype(np.float32)
    for _ in range(rings):
        held = graph.around(held, join)
    return held[graph.node]


def _indices(graph: Neighbours, elements: np.ndarray | list[int]) -> np.ndarray:
    chosen = np.asarray(elements, np.int64).reshape(-1)
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < graph.element_count):
        raise GeometryError("A selection begins at a vertex or point that does not exist.")
    return chosen


def _length(value: float, *, least: bool = False) -> float:
    if not (np.isfinite(value) and (value > 0.0 if least else value >= 0.0)):
        raise GeometryError(f"A distance of {value} mm makes no sense here.", remedy="Give a positive one.")
    return float(value)
