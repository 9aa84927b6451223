"""Which pairs of features push, and how often each counts.

A vertex near the meeting of several triangles is near each of them, and shall be pushed as by one. So what all its
triangles say is summed, edges between them are taken away as often as they were counted too much, and vertices are put
back: as for the sizes of overlapping sets (M. Li et al.: Convergent incremental potential contact, arXiv:2307.15908).
The sum is as smooth as its parts; over flat ground it is the same everywhere.

Edges count with all edges near them, but for inner edges of what is flat and rigid: nothing meets those before it meets
a face or the border, and counting them would give flat ground ridges. The same holds for inner vertices of flat ground.
"""

from __future__ import annotations

import numpy as np

from engine.simulation.contact.nearest import CROSSING, FACE, FIRST, INSIDE, SECOND, of_edges, on_segment, on_triangle
from engine.simulation.contact.stencils import FIRST_EDGE_EDGE

FLAT = 1e-6
"""How far out of its neighbour's plane a triangle may be, over the gap, and both are flat ground."""
PARALLEL = 1e-3
"""Squared sine of the angle between two edges at rest below which they fade out as parallel."""
VERTEX_VERTEX, VERTEX_EDGE, VERTEX_FACE = range(FIRST_EDGE_EDGE)


class Counting:
    """Pairs of the features of one set of triangles.

    triangles, edges : numbers of vertices, shapes (t, 3) and (e, 2), each edge with its smaller number first
    positions : at rest or at the start [m], shape (v, 3)
    rigid : vertices that move with all of their body as one, bool, shape (v,)
    gap : [m]
    """

    def __init__(
        self, triangles: np.ndarray, edges: np.ndarray, positions: np.ndarray, rigid: np.ndarray, gap: float
    ) -> None:
        self._triangles = triangles.astype(np.int64)
        self._edges = np.sort(edges.astype(np.int64), axis=1)
        self._gap = gap
        self._count = len(positions)
        keys = self._edges[:, 0] * self._count + self._edges[:, 1]
        order = np.argsort(keys)
        sides = np.sort(self._triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
        self._sides = order[np.searchsorted(keys, sides[..., 0] * self._count + sides[..., 1], sorter=order)]
        ends = positions[self._edges]
        self._squared_length = np.sum((ends[:, 1] - ends[:, 0]) ** 2, axis=1)
        self.flat_edges = self._flat_edges(positions, rigid)
        self.flat_vertices = rigid & np.isin(np.arange(self._count), self._triangles)
        self.flat_vertices[self._edges[~self.flat_edges]] = False

    def pairs(
        self, positions: np.ndarray, vertex_faces: np.ndarray, edge_edges: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Vertices (n, 4), kinds, weights and limits of parallel edges (n,), as of `Contacts`, of all candidates that
        are nearer than the gap.

        vertex_faces, edge_edges : candidates, shapes (a, 2) and (b, 2)
        """
        found = [*self._of_vertices(positions, vertex_faces), *self._of_edges(positions, edge_edges)]
        vertices = np.concatenate([rows for rows, _, _, _ in found])
        kinds = np.concatenate([np.broadcast_to(kind, len(rows)) for rows, kind, _, _ in found])
        weights = np.concatenate(
            [np.broadcast_to(np.asarray(weight, np.float64), len(rows)) for rows, _, weight, _ in found]
        )
        parallel = np.concatenate([np.broadcast_to(limit, len(rows)) for rows, _, _, limit in found])
        names = np.concatenate([vertices, kinds[:, None]], axis=1)
        _, first, same = np.unique(names, axis=0, return_index=True, return_inverse=True)
        total = np.bincount(same.reshape(-1), weights, minlength=len(first))
        kept = first[total != 0.0]
        return vertices[kept], kinds[kept], total[total != 0.0], parallel[kept]

    def _of_vertices(self, positions: np.ndarray, candidates: np.ndarray) -> list[Found]:
        candidates = candidates[~self.flat_vertices[candidates[:, 0]]]
        near = on_triangle(positions[candidates[:, 0]], positions[self._triangles[candidates[:, 1]]])
        active = near.squared < self._gap**2
        vertex, face, part = candidates[active, 0], candidates[active, 1], near.part[active]
        corners, sides = self._triangles[face], self._sides[face]
        inside = part == FACE
        rows = np.concatenate([vertex[inside, None], corners[inside]], axis=1)
        found: list[Found] = [(rows, VERTEX_FACE, 1.0, 0.0)]
        for side in range(3):
            chosen = part == 3 + side
            found.append(self._with_edge(vertex[chosen], sides[chosen, side], 1.0))
            chosen = part == side
            found.append(_with_vertex(vertex[chosen], corners[chosen, side], 1.0))
        # How often each edge and each vertex is part of the triangles that a vertex is near.
        edge_names, faces_at_edge = np.unique(
            (vertex[:, None] * len(self._edges) + sides).reshape(-1), return_counts=True
        )
        several = faces_at_edge > 1
        whose, edge = np.divmod(edge_names[several], len(self._edges))
        surplus = faces_at_edge[several] - 1.0
        found += self._nearest_of_edges(positions, whose, edge, -surplus)
        corner_names, faces_at_corner = np.unique(
            (vertex[:, None] * self._count + corners).reshape(-1), return_counts=True
        )
        share = 1.0 - faces_at_corner
        ends = (whose[:, None] * self._count + self._edges[edge]).reshape(-1)
        np.add.at(share, np.searchsorted(corner_names, ends), np.repeat(surplus, 2))
        whose, corner = np.divmod(corner_names, self._count)
        apart = positions[whose] - positions[corner]
        counts = (share != 0.0) & (np.einsum("ij,ij->i", apart, apart) < self._gap**2)
        found.append(_with_vertex(whose[counts], corner[counts], share[counts]))
        return found

    def _nearest_of_edges(
        self, positions: np.ndarray, vertex: np.ndarray, edge: np.ndarray, weight: np.ndarray
    ) -> list[Found]:
        ends = positions[self._edges[edge]]
        near = on_segment(positions[vertex], ends[:, 0], ends[:, 1])
        active = near.squared < self._gap**2
        vertex, edge, weight, part = vertex[active], edge[active], weight[active], near.part[active]
        inside = part == INSIDE
        found = [self._with_edge(vertex[inside], edge[inside], weight[inside])]
        for end in (FIRST, SECOND):
            chosen = part == end
            found.append(_with_vertex(vertex[chosen], self._edges[edge[chosen], end], weight[chosen]))
        return found

    def _of_edges(self, positions: np.ndarray, candidates: np.ndarray) -> list[Found]:
        candidates = candidates[~self.flat_edges[candidates].any(axis=1)]
        one, other = self._edges[candidates[:, 0]], self._edges[candidates[:, 1]]
        near = of_edges(positions[one], positions[other])
        active = near.squared < self._gap**2
        candidates, one, other, part = candidates[active], one[active], other[active], near.part[active]
        limit = PARALLEL * self._squared_length[candidates].prod(axis=1)
        cross = np.cross(positions[one[:, 1]] - positions[one[:, 0]], positions[other[:, 1]] - positions[other[:, 0]])
        fades = np.einsum("ij,ij->i", cross, cross) < limit
        whole = fades | (part == CROSSING)
        rows = np.concatenate([one[whole], other[whole]], axis=1)
        found: list[Found] = [(rows, FIRST_EDGE_EDGE + part[whole], 1.0, limit[whole])]
        for name in range(CROSSING):
            chosen = ~whole & (part == name)
            if name < 4:
                found.append(_with_vertex(one[chosen, name // 2], other[chosen, name % 2], 1.0))
            elif name < 6:
                found.append(self._with_edge(other[chosen, name - 4], candidates[chosen, 0], 1.0))
            else:
                found.append(self._with_edge(one[chosen, name - 6], candidates[chosen, 1], 1.0))
        return found

    def _with_edge(self, vertex: np.ndarray, edge: np.ndarray, weight: np.ndarray | float) -> Found:
        rows = np.concatenate([vertex[:, None], self._edges[edge], vertex[:, None]], axis=1)
        return rows, VERTEX_EDGE, weight, 0.0

    def _flat_edges(self, positions: np.ndarray, rigid: np.ndarray) -> np.ndarray:
        """Inner edges of what is rigid and flat, bool, shape (e,)."""
        sides = self._sides.reshape(-1)
        inner = np.bincount(sides, minlength=len(self._edges)) == 2
        flat = inner & rigid[self._edges].all(axis=1)
        # The two triangles of an edge, and the corner of each that is not on it.
        order = np.argsort(sides, kind="stable")
        order = order[flat[sides[order]]].reshape(-1, 2)
        across = self._triangles.reshape(-1)[_opposite(order)]
        chosen = np.flatnonzero(flat)
        start, end = positions[self._edges[chosen, 0]], positions[self._edges[chosen, 1]]
        along = (end - start) / np.linalg.norm(end - start, axis=1)[:, None]
        to = positions[across] - start[:, None]
        to = to - (to * along[:, None]).sum(axis=2)[:, :, None] * along[:, None]
        heights = np.linalg.norm(np.cross(to[:, 0], to[:, 1]), axis=1)
        smaller = np.linalg.norm(to, axis=2).min(axis=1)
        # The height of each corner over the plane of the other triangle.
        flat[chosen] = (heights <= FLAT * self._gap * smaller) & (smaller > 0.0)
        flat[chosen] &= (to[:, 0] * to[:, 1]).sum(axis=1) < 0.0
        return flat


Found = tuple[np.ndarray, "int | np.ndarray", "np.ndarray | float", "np.ndarray | float"]
"""Vertices, kinds, weights, limits of parallel edges."""


def _with_vertex(vertex: np.ndarray, other: np.ndarray, weight: np.ndarray | float) -> Found:
    first, second = np.minimum(vertex, other), np.maximum(vertex, other)
    return np.stack([first, second, first, first], axis=1), VERTEX_VERTEX, weight, 0.0


def _opposite(side_slots: np.ndarray) -> np.ndarray:
    """Slots of the corners opposite to sides, in (t, 3) arrays laid flat: side 01 lies opposite to corner 2."""
    triangle, side = np.divmod(side_slots, 3)
    return 3 * triangle + (side + 2) % 3
