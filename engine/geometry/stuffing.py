"""Well-shaped tetrahedra within a closed surface: a body-centred lattice whose points near the surface snap to it.

F. Labelle, J. R. Shewchuk: Isosurface stuffing: fast tetrahedral meshes with good dihedral angles, ACM TOG 26(3), 2007.
The surface's vertices lie on the given one; edges sharper than a cell are rounded off.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import bounding_box
from engine.geometry.quality import enclosed_volume
from engine.geometry.tet_mesh import FACES, TetMesh, dihedral_angles, tet_volumes, turned
from engine.geometry.topology import measure_topology

Distance = Callable[[np.ndarray], np.ndarray]
"""Signed distances of points, shape (n, 3), negative inside."""

SNAP_LONG, SNAP_SHORT = 0.24999, 0.41189
"""Part of an edge along and across the lattice within which its point snaps to the surface (the paper's α)."""

SLOPE = 8.0
"""Smallest dihedral angle [degrees] of a tetrahedron all of whose corners have snapped: below, it is left out."""

CRUMB = 0.02
"""Part of the largest group of tetrahedra below which a group of its own is left out."""

MAX_POINTS = 4_000_000
"""Of a lattice: what memory holds."""

# A prism (0, 1, 2 below 3, 4, 5) turned so that corner i comes first, and its cuts into three tetrahedra
# (J. Dompierre et al.: How to subdivide pyramids, prisms and hexahedra into tetrahedra, 1999).
_TURNS = np.array(
    [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [2, 0, 1, 5, 3, 4], [3, 5, 4, 0, 2, 1],
     [4, 3, 5, 1, 0, 2], [5, 4, 3, 2, 1, 0]]
)  # fmt: skip
_CUTS = np.array([[[0, 1, 2, 5], [0, 1, 5, 4], [0, 4, 5, 3]], [[0, 1, 2, 4], [0, 4, 2, 5], [0, 4, 5, 3]]])


def tetrahedralise(vertices: np.ndarray, triangles: np.ndarray, cells: int = 20, *, name: str = "body") -> TetMesh:
    """Fill a closed surface, wound outwards or inwards, with tetrahedra: `cells` along the longest side of its box.

    What is thinner than a cell is lost. Raises `GeometryError` for a surface that is open, and where nothing is left.
    """
    topology = measure_topology(triangles)
    if not topology.watertight:
        raise GeometryError(
            f"{name} is no solid: its surface has {topology.boundary_loops} holes and "
            f"{topology.nonmanifold_edges} edges with more than two triangles.",
            remedy="Repair it first, or simulate it as a sheet.",
            repairs=("fill-holes",),
        )
    outward = triangles if enclosed_volume(vertices, triangles) > 0.0 else triangles[:, ::-1].copy()
    index = TriangleIndex(vertices, outward, Device("cpu"), winding=True)
    bounds = bounding_box(np.asarray(vertices, np.float64), name)

    def distance(points: np.ndarray) -> np.ndarray:
        return np.asarray(index.signed_distance(points).cpu().numpy(), np.float64)

    return stuffed(distance, bounds, float((bounds[1] - bounds[0]).max()) / cells, name=name)


def stuffed(distance: Distance, bounds: np.ndarray, spacing: float, *, name: str = "body") -> TetMesh:
    """Tetrahedra where `distance` is negative, on a lattice of cubes of `spacing` over `bounds`, shape (2, 3)."""
    points, tets, edges, long = _lattice(bounds, spacing, name)
    inside = -distance(points)
    labels = np.sign(inside).astype(np.int8)
    labels[np.abs(inside) < 1e-9 * spacing] = 0
    # Only what touches the body.
    near = (labels[tets] > 0).any(axis=1)
    tets = tets[near]
    crossing = np.flatnonzero(labels[edges[:, 0]] * labels[edges[:, 1]] < 0)
    shares = _crossings(distance, points[edges[crossing]], -inside[edges[crossing]])
    cuts = points[edges[crossing, 0]] + shares[:, None] * (points[edges[crossing, 1]] - points[edges[crossing, 0]])
    alive = _snap(points, labels, edges[crossing], long[crossing], shares, cuts)
    cut_of = {(int(a), int(b)): len(points) + i for i, (a, b) in enumerate(edges[crossing]) if alive[i]}
    everywhere = np.concatenate([points, cuts])
    # Diagonals of quadrilaterals begin at the vertex of the least rank: neighbours then agree.
    rank = np.concatenate([2.0 * np.ones(len(points)), np.where(long[crossing], 0.0, 1.0)])
    rank = rank * len(rank) + np.arange(len(rank))
    filled = _fill(tets, labels, cut_of, rank)
    filled = np.concatenate([filled, _snapped_inside(tets, labels, points, distance)])
    if not len(filled):
        raise GeometryError(
            f"{name} is thinner than a cell everywhere: nothing of it is left.", remedy="Use more cells."
        )
    filled = _without_crumbs(filled, everywhere)
    used, renumbered = np.unique(filled, return_inverse=True)
    return turned(everywhere[used], renumbered.reshape(-1, 4), name)


def _lattice(bounds: np.ndarray, spacing: float, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points, tetrahedra, edges (lower number first), and which of those run along the lattice and not across it."""
    counts = np.ceil((bounds[1] - bounds[0]) / spacing).astype(np.int64) + 2
    if 2 * np.prod(counts + 1) > MAX_POINTS:
        raise GeometryError(f"{name}: the cells are too many to fit into memory.", remedy="Use fewer cells.")
    low = 0.5 * (bounds[0] + bounds[1]) - 0.5 * counts * spacing
    corners = np.stack(np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij"), -1).reshape(-1, 3)
    centres = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), -1).reshape(-1, 3)
    points = np.concatenate([low + spacing * corners, low + spacing * (centres + 0.5)])

    def corner(place: np.ndarray) -> np.ndarray:
        return np.asarray(np.ravel_multi_index(tuple(place.T), tuple(counts + 1)))

    def centre(place: np.ndarray) -> np.ndarray:
        return np.asarray(np.ravel_multi_index(tuple(place.T), tuple(counts)) + len(corners))

    # Round every axis between the centres of two neighbouring cubes: four tetrahedra, one a side of their common face.
    tets = []
    unit = np.eye(3, dtype=np.int64)
    for axis in range(3):
        first = centres[centres[:, axis] < counts[axis] - 1]
        u, v = unit[(axis + 1) % 3], unit[(axis + 2) % 3]
        face = first + unit[axis]
        ring = [corner(face), corner(face + u), corner(face + u + v), corner(face + v)]
        one, other = centre(first), centre(first + unit[axis])
        tets += [np.stack([one, other, ring[i], ring[(i + 1) % 4]], axis=1) for i in range(4)]
    all_tets = np.concatenate(tets)
    pairs = np.sort(all_tets[:, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]].reshape(-1, 2), axis=1)
    key = np.unique(pairs[:, 0] * len(points) + pairs[:, 1])
    edges = np.stack([key // len(points), key % len(points)], axis=1)
    return points, all_tets, edges, (edges[:, 0] < len(corners)) == (edges[:, 1] < len(corners))


def _crossings(distance: Distance, ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where the distance is 0 between `ends`, shape (n, 2, 3), as parts of the way; `values` at them, of two signs.
    Illinois' rule of false position."""
    low, high = np.zeros(len(ends)), np.ones(len(ends))
    at_low, at_high = values[:, 0].copy(), values[:, 1].copy()
    share = np.full(len(ends), 0.5)
    if not len(ends):
        return share
    for _ in range(12):
        share = np.clip((low * at_high - high * at_low) / (at_high - at_low), low, high)
        found = distance(ends[:, 0] + share[:, None] * (ends[:, 1] - ends[:, 0]))
        same = np.sign(found) == np.sign(at_low)
        at_high = np.where(same, 0.5 * at_high, found)
        at_low = np.where(same, found, 0.5 * at_low)
        low, high = np.where(same, share, low), np.where(same, high, share)
        if np.abs(found).max() < 1e-7 * np.abs(values).max():
            break
    return share


def _snap(
    points: np.ndarray, labels: np.ndarray, edges: np.ndarray, long: np.ndarray, shares: np.ndarray, cuts: np.ndarray
) -> np.ndarray:
    """Move lattice points that are too close to a cut onto it, the closest first, and label them 0; returns which cuts
    are left. A point that has snapped takes all cuts of its edges with it."""
    limit = np.where(long, SNAP_LONG, SNAP_SHORT)
    alive = np.ones(len(edges), bool)
    at = np.concatenate([edges[:, 0], edges[:, 1]])
    cut = np.concatenate([np.arange(len(edges))] * 2)
    close = np.concatenate([shares, 1.0 - shares]) / np.concatenate([limit, limit])
    cuts_of: dict[int, list[int]] = {}
    for vertex, index in zip(at.tolist(), cut.tolist(), strict=True):
        cuts_of.setdefault(vertex, []).append(index)
    # A point whose closest cut was taken away may have another further away: it comes again, in its order.
    for place in np.argsort(close, kind="stable"):
        if close[place] >= 1.0:
            break
        vertex, index = int(at[place]), int(cut[place])
        if labels[vertex] and alive[index]:
            points[vertex] = cuts[index]
            labels[vertex] = 0
            alive[cuts_of[vertex]] = False
    return alive


def _fill(tets: np.ndarray, labels: np.ndarray, cut_of: dict[tuple[int, int], int], rank: np.ndarray) -> np.ndarray:
    """The part of every lattice tetrahedron that is inside, by how many of its corners are."""
    order = np.argsort(-labels[tets], axis=1, kind="stable")
    ranked = np.take_along_axis(tets, order, axis=1)
    plus, minus = (labels[ranked] > 0).sum(axis=1), (labels[ranked] < 0).sum(axis=1)
    whole = ranked[(plus > 0) & (minus == 0)]

    def some(inside: int, outside: int) -> np.ndarray:
        return np.asarray(ranked[(plus == inside) & (minus == outside)])

    def cut(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        low, high = np.minimum(one, other), np.maximum(one, other)
        pairs = zip(low.tolist(), high.tolist(), strict=True)
        return np.array([cut_of[pair] for pair in pairs], np.int64)

    result = [whole]
    a, b, c, d = some(1, 1).T
    result.append(np.stack([a, b, c, cut(a, d)], axis=1))
    a, b, c, d = some(1, 2).T
    result.append(np.stack([a, b, cut(a, c), cut(a, d)], axis=1))
    a, b, c, d = some(1, 3).T
    result.append(np.stack([a, cut(a, b), cut(a, c), cut(a, d)], axis=1))
    a, b, c, d = some(2, 1).T
    result.append(_pyramids(np.stack([a, b, cut(b, d), cut(a, d), c], axis=1), rank))
    a, b, c, d = some(2, 2).T
    result.append(_prisms(np.stack([a, cut(a, c), cut(a, d), b, cut(b, c), cut(b, d)], axis=1), rank))
    a, b, c, d = some(3, 1).T
    result.append(_prisms(np.stack([a, b, c, cut(a, d), cut(b, d), cut(c, d)], axis=1), rank))
    return np.concatenate(result)


def _pyramids(corners: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Two tetrahedra of each pyramid: four corners round the base, and the tip."""
    even = rank[corners[:, :4]].argmin(axis=1) % 2 == 0
    one = np.where(even[:, None], corners[:, [0, 1, 2, 4]], corners[:, [0, 1, 3, 4]])
    other = np.where(even[:, None], corners[:, [0, 2, 3, 4]], corners[:, [1, 2, 3, 4]])
    return np.concatenate([one, other])


def _prisms(corners: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Three tetrahedra of each prism, shape (n, 6)."""
    turned_ = np.take_along_axis(corners, _TURNS[rank[corners].argmin(axis=1)], axis=1)
    r = rank[turned_]
    second = np.minimum(r[:, 2], r[:, 4]) < np.minimum(r[:, 1], r[:, 5])
    return np.take_along_axis(turned_[:, None], _CUTS[second.astype(int)].reshape(-1, 1, 12), axis=2).reshape(-1, 4)


def _snapped_inside(tets: np.ndarray, labels: np.ndarray, points: np.ndarray, distance: Distance) -> np.ndarray:
    """Tetrahedra all of whose corners have snapped, where they are inside and well shaped."""
    found = tets[(labels[tets] == 0).all(axis=1)]
    if not len(found):
        return found
    good = dihedral_angles(points, found).min(axis=1) > SLOPE
    return np.asarray(found[good & (distance(points[found].mean(axis=1)) < 0.0)])


def _without_crumbs(tets: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The tetrahedra without small groups that hang at the others by an edge or a corner alone, or not at all: what a
    part thinner than a cell leaves."""
    faces = np.sort(tets[:, FACES].reshape(-1, 3), axis=1)
    order = np.lexsort(faces.T)
    same = (faces[order[:-1]] == faces[order[1:]]).all(axis=1)
    one, other = order[:-1][same] // 4, order[1:][same] // 4
    graph = csr_array((np.ones(len(one)), (one, other)), shape=(len(tets), len(tets)))
    groups = connected_components(graph, directed=False)[1]
    volumes = np.bincount(groups, weights=np.abs(tet_volumes(points, tets)))
    return np.asarray(tets[(volumes > CRUMB * volumes.max())[groups]])
