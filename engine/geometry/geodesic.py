"""Distances along a surface. No torch, no Warp.

On a mesh every triangle passes distance on from two corners to the third, repeatedly, from whatever came nearer until
nothing does. Where both corners have it from the same place, it goes on as from a point: unfolded into the triangle's
plane, the source is where its distances to the two corners say, and the third corner is as far from it as the straight
line through the edge between them (Novotni and Klein, *Computing geodesic distances on triangular meshes*, 2002).
Distances from one place are so exact on flat pieces, however they are triangulated. Where the corners have it from
different places, it goes on as a straight front (Kimmel and Sethian, *Computing geodesic paths on manifolds*, 1998):
two neighbours that both begin make their edge begin, so that a region begins at its rim. Edges are always ways too.

On a cloud a way leads from neighbour to neighbour (Dijkstra), which is too long by its zigzag.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.geometry.neighbours import Neighbours, ranges

SETTLED = 1e-5
"""Parts of the mean edge: what comes nearer by less is not passed on."""


@dataclass(frozen=True)
class Beginning:
    """Where distances begin.

    nodes : shape (k,); distance : with which each of them begins [mm], shape (k,)
    place : from which it has that distance, a number for each place, shape (k,)
    """

    nodes: np.ndarray
    distance: np.ndarray
    place: np.ndarray

    @staticmethod
    def at_nodes(nodes: np.ndarray) -> Beginning:
        """At nodes, each for itself."""
        return Beginning(nodes, np.zeros(len(nodes)), nodes)


def distances_from(graph: Neighbours, beginning: Beginning, *, limit: float = np.inf) -> np.ndarray:
    """Distance along the surface to every node [mm], shape (node_count,); infinite beyond `limit`."""
    reached = np.full(graph.node_count, np.inf)
    place = np.full(graph.node_count, -1)
    _come_nearer(reached, place, beginning.nodes, beginning.distance, beginning.place)
    reached[reached > limit] = np.inf
    if graph.is_mesh:
        _pass_on(graph, reached, place, limit)
    else:
        reached = _along_edges(graph, reached, limit)
    reached[reached > limit] = np.inf
    return reached


def begin_at(graph: Neighbours, places: np.ndarray, *, limit: float = np.inf) -> Beginning:
    """Begin at places on the surface or near it, shape (k, 3) [mm]; those further than `limit` from it are left out.

    A place begins at the nearest node and those round it, each as far away as it is in space.
    """
    places = np.asarray(places, np.float64).reshape(-1, 3)
    if not graph.node_count or not len(places):
        return Beginning.at_nodes(np.zeros(0, np.int64))
    found = graph.tree.query(places)
    gap, nearest = np.asarray(found[0]), np.asarray(found[1], np.int64)
    within = gap <= limit
    places, nearest = places[within], nearest[within]
    round_it = ranges(graph.first, nearest)
    owner = np.repeat(np.arange(len(nearest)), graph.first[nearest + 1] - graph.first[nearest])
    nodes = np.concatenate([nearest, graph.other[round_it]])
    owner = np.concatenate([np.arange(len(nearest)), owner])
    return Beginning(nodes, np.linalg.norm(graph.positions[nodes] - places[owner], axis=1), owner)


def _along_edges(graph: Neighbours, reached: np.ndarray, limit: float) -> np.ndarray:
    """Dijkstra from one node more, whose edges lead to those that are reached and are as long as their distances."""
    from scipy.sparse import csr_array  # slow to load
    from scipy.sparse.csgraph import dijkstra

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


def _come_nearer(
    reached: np.ndarray, place: np.ndarray, nodes: np.ndarray, distance: np.ndarray, source: np.ndarray
) -> None:
    """Lower `reached` at `nodes`, and write down the place from which the least came."""
    np.minimum.at(reached, nodes, distance)
    least = reached[nodes] == distance
    place[nodes[least]] = source[least]


def _pass_on(graph: Neighbours, reached: np.ndarray, place: np.ndarray, limit: float) -> None:
    """Let triangles pass distances on until nothing comes nearer; `reached` and `place` are written."""
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
        offered = _through_edge(graph.positions, reached, place, target, one, other)
        better = (offered < reached[target] - tolerance) & (offered <= limit)
        target, offered, one, other = target[better], offered[better], one[better], other[better]
        source = np.where(reached[one] < reached[other], place[one], place[other])
        _come_nearer(reached, place, target, offered, source)
        changed = np.unique(target)


def _through_edge(
    positions: np.ndarray,
    reached: np.ndarray,
    place: np.ndarray,
    target: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
) -> np.ndarray:
    """Distance of `target` over the edge from `one` to `other`: the straight way, or along a side."""
    a, b, c = positions[one], positions[other], positions[target]
    da, db = reached[one], reached[other]
    along, up = b - a, c - a
    to_a = np.linalg.norm(up, axis=1)
    way = np.minimum(da + to_a, db + np.linalg.norm(c - b, axis=1))
    base = np.linalg.norm(along, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # In the triangle's plane: a at zero, b at (base, 0), c at (x, y) above.
        x = (up * along).sum(axis=1) / base
        y = np.sqrt(np.maximum(to_a**2 - x**2, 0.0))
        # From a point at (s, −t) below the edge.
        s = (base**2 + da**2 - db**2) / (2.0 * base)
        t = np.sqrt(da**2 - s**2)
        # As a front with the direction (p, q).
        p = (db - da) / base
        q = np.sqrt(1.0 - p**2)
        one_place = place[one] == place[other]
        crossing = np.where(one_place, s + (x - s) * t / (t + y), x - y * p / q)
        straight = np.where(one_place, np.hypot(x - s, y + t), da + p * x + q * y)
        through = (crossing >= 0.0) & (crossing <= base) & (straight > np.minimum(da, db))
    return np.where(through & np.isfinite(straight), np.minimum(straight, way), way)
