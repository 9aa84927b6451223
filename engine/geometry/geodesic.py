"""Distances along a surface. No torch, no Warp.

On a mesh every triangle passes distance on from two corners to the third as from a point source: unfolded into the
triangle's plane, the source is where its distances to the two corners say, and the third corner is as far from it as
the straight line through the edge between them (Novotni and Klein, *Computing geodesic distances on triangular
meshes*, 2002; the update without its queue, repeated from whatever came nearer until nothing does). Flat pieces are
exact however they are triangulated. Edges are always ways too, so that nothing is ever out of reach.

On a cloud a way leads from neighbour to neighbour (Dijkstra), which is too long by its zigzag.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from engine.geometry.neighbours import Neighbours, ranges

SETTLED = 1e-5
"""Parts of the mean edge: what comes nearer by less is not passed on."""


def distances_from(graph: Neighbours, nodes: np.ndarray, start: np.ndarray, *, limit: float = np.inf) -> np.ndarray:
    """Distance along the surface from a set of nodes to every node [mm], shape (node_count,); infinite beyond `limit`.

    nodes : where to begin, shape (k,); start : distance with which each of them begins, shape (k,)
    """
    reached = np.full(graph.node_count, np.inf)
    np.minimum.at(reached, nodes, start)
    reached[reached > limit] = np.inf
    if graph.is_mesh:
        _pass_on(graph, reached, limit)
    else:
        reached = _along_edges(graph, reached, limit)
    reached[reached > limit] = np.inf
    return reached


def begin_at(graph: Neighbours, places: np.ndarray, *, limit: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
    """`nodes` and `start` for `distances_from` places on the surface or near it, shape (k, 3) [mm].

    A place begins at the nearest node and those round it, each as far away as it is in space.
    """
    places = np.asarray(places, np.float64).reshape(-1, 3)
    if not graph.node_count or not len(places):
        return np.zeros(0, np.int64), np.zeros(0)
    found = graph.tree.query(places)
    gap, nearest = np.asarray(found[0]), np.asarray(found[1], np.int64)
    within = gap <= limit
    places, nearest = places[within], nearest[within]
    round_it = ranges(graph.first, nearest)
    owner = np.repeat(np.arange(len(nearest)), graph.first[nearest + 1] - graph.first[nearest])
    nodes = np.concatenate([nearest, graph.other[round_it]])
    owner = np.concatenate([np.arange(len(nearest)), owner])
    return nodes, np.linalg.norm(graph.positions[nodes] - places[owner], axis=1)


def _along_edges(graph: Neighbours, reached: np.ndarray, limit: float) -> np.ndarray:
    """Dijkstra from one node more, whose edges lead to those that are reached and are as long as their distances."""
    begun = np.flatnonzero(np.isfinite(reached))
    count = graph.node_count
    ways = csr_array(
        (
            np.concatenate([graph.length, reached[begun]]),
            np.concatenate([graph.other, begun]),
            np.append(graph.first, len(graph.other) + len(begun)),
        ),
        shape=(count + 1, count + 1),
    )
    found: np.ndarray = dijkstra(ways, indices=np.array([count]), limit=limit)[0]
    return found[:count]


def _pass_on(graph: Neighbours, reached: np.ndarray, limit: float) -> None:
    """Let triangles pass distances on until nothing comes nearer; `reached` is written."""
    first, incident = graph.incident
    tolerance = SETTLED * float(graph.length.mean())
    changed = np.flatnonzero(np.isfinite(reached))
    while len(changed):
        touched = np.unique(incident[ranges(first, changed)])
        corners = graph.triangles[touched]
        target = corners[:, [0, 1, 2]].reshape(-1)
        one = corners[:, [1, 2, 0]].reshape(-1)
        other = corners[:, [2, 0, 1]].reshape(-1)
        # Only what may come nearer: whoever is nearer than both others hears nothing new from them.
        may = np.minimum(reached[one], reached[other]) < reached[target]
        target, one, other = target[may], one[may], other[may]
        offered = _through_edge(graph.positions, reached, target, one, other)
        better = (offered < reached[target] - tolerance) & (offered <= limit)
        target, offered = target[better], offered[better]
        np.minimum.at(reached, target, offered)
        changed = np.unique(target)


def _through_edge(
    positions: np.ndarray, reached: np.ndarray, target: np.ndarray, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Distance of `target` over the edge from `one` to `other`: the straight way, or along a side."""
    a, b, c = positions[one], positions[other], positions[target]
    da, db = reached[one], reached[other]
    along, up = b - a, c - a
    to_a = np.linalg.norm(up, axis=1)
    way = np.minimum(da + to_a, db + np.linalg.norm(c - b, axis=1))
    base = np.linalg.norm(along, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # In the triangle's plane: a at zero, b at (base, 0), c at (x, y) above, the source at (s, −t) below.
        x = (up * along).sum(axis=1) / base
        y = np.sqrt(np.maximum(to_a**2 - x**2, 0.0))
        s = (base**2 + da**2 - db**2) / (2.0 * base)
        t = np.sqrt(da**2 - s**2)
        crossing = s + (x - s) * t / (t + y)
        straight = np.hypot(x - s, y + t)
        through = (crossing >= 0.0) & (crossing <= base) & (straight > np.minimum(da, db))
    return np.where(through & np.isfinite(straight), np.minimum(straight, way), way)
