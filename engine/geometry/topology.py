"""What a triangle mesh is as a surface: Euler characteristic, parts, boundary, manifoldness, winding. Plain numpy.

Triangles that name a vertex twice are no part of the surface and are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Topology:
    """Counts of a triangle mesh.

    vertices : that a triangle refers to
    edges, triangles : without degenerate triangles
    euler_characteristic : vertices − edges + triangles: 2 for a sphere, 0 for a torus, 2 less for every further handle
    parts : pieces that are connected through edges
    boundary_loops : closed curves of edges that have one triangle
    boundary_edges : edges with one triangle
    nonmanifold_edges : edges with more than two triangles
    nonmanifold_vertices : vertices whose triangles form more than one fan
    flipped_edges : edges that both neighbours run through in the same direction
    """

    vertices: int
    edges: int
    triangles: int
    euler_characteristic: int
    parts: int
    boundary_loops: int
    boundary_edges: int
    nonmanifold_edges: int
    nonmanifold_vertices: int
    flipped_edges: int

    @property
    def edge_manifold(self) -> bool:
        """Every edge has one or two triangles."""
        return self.nonmanifold_edges == 0

    @property
    def vertex_manifold(self) -> bool:
        """The triangles round every vertex form one fan."""
        return self.nonmanifold_vertices == 0

    @property
    def consistent_winding(self) -> bool:
        """Neighbours run through their common edge in opposite directions."""
        return self.flipped_edges == 0

    @property
    def watertight(self) -> bool:
        """Every edge has exactly two triangles."""
        return self.triangles > 0 and self.boundary_edges == 0 and self.nonmanifold_edges == 0


@dataclass(frozen=True)
class HalfEdges:
    """The sides of the triangles, sorted so that those of one edge stand together.

    order : half-edges 3·triangle + side, sorted by edge; side i runs from corner i to corner i + 1
    first : where each edge begins in `order`, shape (edge_count,)
    count : half-edges of each edge, shape (edge_count,)
    start, end : vertices of each half-edge (not sorted)
    """

    order: np.ndarray
    first: np.ndarray
    count: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Half-edges that follow each other on the same edge."""
        linked = np.ones(max(len(self.order) - 1, 0), bool)
        linked[self.first[1:] - 1] = False
        return self.order[:-1][linked], self.order[1:][linked]


def half_edges(triangles: np.ndarray) -> HalfEdges:
    """The sorted half-edges of triangles, shape (triangle_count, 3)."""
    faces = np.asarray(triangles, np.int64).reshape(-1, 3)
    start, end = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    key = np.minimum(start, end) * (int(faces.max(initial=0)) + 1) + np.maximum(start, end)
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.int64)
    return HalfEdges(order, first, np.diff(first, append=len(key)), start, end)


def proper_triangles(triangles: np.ndarray) -> np.ndarray:
    """The triangles that name three different vertices."""
    a, b, c = np.asarray(triangles).reshape(-1, 3).T
    return np.asarray(triangles).reshape(-1, 3)[(a != b) & (b != c) & (c != a)]


def measure_topology(triangles: np.ndarray) -> Topology:
    """All counts of triangles, shape (triangle_count, 3)."""
    faces = proper_triangles(triangles)
    edges = half_edges(faces)
    one, other = edges.pairs()
    fans = corner_fans(edges, one, other, len(faces))
    vertex_count = len(np.unique(edges.start))
    fan_vertices = np.bincount(edges.start[np.unique(fans, return_index=True)[1]]) if len(fans) else np.zeros(0, int)
    boundary = edges.order[edges.first[edges.count == 1]]
    forward = edges.start < edges.end
    double = edges.first[edges.count == 2]
    return Topology(
        vertices=vertex_count,
        edges=len(edges.first),
        triangles=len(faces),
        euler_characteristic=vertex_count - len(edges.first) + len(faces),
        parts=int(part_labels(faces, edges).max(initial=-1)) + 1,
        boundary_loops=_boundary_loops(boundary, fans),
        boundary_edges=len(boundary),
        nonmanifold_edges=int((edges.count > 2).sum()),
        nonmanifold_vertices=int((fan_vertices > 1).sum()),
        flipped_edges=int((forward[edges.order[double]] == forward[edges.order[double + 1]]).sum())
        if len(double)
        else 0,
    )


def euler_and_parts(triangles: np.ndarray) -> tuple[int, int]:
    """Euler characteristic and number of parts alone: cheap enough for every iteration of a Run."""
    faces = proper_triangles(triangles)
    if not len(faces):
        return 0, 0
    edges = half_edges(faces)
    used = np.zeros(int(faces.max()) + 1, bool)
    used[faces] = True
    return int(used.sum()) - len(edges.first) + len(faces), int(part_labels(faces, edges).max()) + 1


def part_labels(triangles: np.ndarray, edges: HalfEdges | None = None) -> np.ndarray:
    """Number of the edge-connected part that each triangle belongs to, shape (triangle_count,)."""
    edges = edges or half_edges(triangles)
    one, other = edges.pairs()
    return components(one // 3, other // 3, len(edges.order) // 3)


def boundary_edges(triangles: np.ndarray) -> np.ndarray:
    """Edges with one triangle, in that triangle's direction, shape (n, 2)."""
    edges = half_edges(proper_triangles(triangles))
    boundary = edges.order[edges.first[edges.count == 1]]
    return np.stack([edges.start[boundary], edges.end[boundary]], axis=1)


def corner_fans(edges: HalfEdges, one: np.ndarray, other: np.ndarray, triangle_count: int) -> np.ndarray:
    """Fan of each corner: corners of one vertex are joined across the edges between their triangles."""
    along = edges.start[one] == edges.start[other]
    other_start, other_end = np.where(along, other, _next(other)), np.where(along, _next(other), other)
    return components(np.concatenate([one, _next(one)]), np.concatenate([other_start, other_end]), 3 * triangle_count)


def _boundary_loops(boundary: np.ndarray, fans: np.ndarray) -> int:
    """Loops of boundary half-edges. Two loops that touch in a vertex stay two, for its fans differ."""
    if not len(boundary):
        return 0
    ends = np.unique(np.stack([fans[boundary], fans[_next(boundary)]]), return_inverse=True)[1].reshape(2, -1)
    return int(components(ends[0], ends[1], int(ends.max()) + 1).max()) + 1


def _next(half_edge: np.ndarray) -> np.ndarray:
    """The corner at which a half-edge ends."""
    return half_edge - half_edge % 3 + (half_edge + 1) % 3


def components(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """Number of the connected piece that each of `count` things belongs to, shape (count,); one[k] and other[k] are
    linked."""
    if not count:
        return np.zeros(0, np.int64)
    from scipy.sparse import coo_array  # slow to load
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
