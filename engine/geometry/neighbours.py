"""Who is next to whom: vertices along the edges of a mesh, points of a cloud to their nearest. No torch, no Warp."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import half_edges, part_labels, proper_triangles

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

NEAREST = 8
"""Neighbours that a point of a cloud asks for; those that ask for it are its neighbours too."""


@dataclass(frozen=True)
class Neighbours:
    """The elements (vertices, or points) of a geometry as the nodes of a graph, made once for many questions.

    Vertices at exactly the same place are one node where the mesh is open there: loose triangles and seams hang
    together, and two closed shells that touch stay two. Coinciding points of a cloud are one node.

    node : of each element, shape (element_count,), int64
    positions : of the nodes [mm], shape (node_count, 3), float64
    triangles : between nodes, without degenerate ones, shape (triangle_count, 3), int64; none for a cloud
    first, other, length : the neighbours of node i are other[first[i]:first[i + 1]], so far away along the edge [mm]
    """

    node: np.ndarray
    positions: np.ndarray
    triangles: np.ndarray
    first: np.ndarray
    other: np.ndarray
    length: np.ndarray

    @staticmethod
    def of(geometry: Mesh | Points) -> Neighbours:
        """Of a mesh along its edges, of a cloud to the nearest points."""
        if isinstance(geometry, Mesh):
            return Neighbours.of_mesh(geometry.vertices, geometry.triangles)
        return Neighbours.of_points(geometry.positions)

    @staticmethod
    def of_mesh(vertices: np.ndarray, triangles: np.ndarray) -> Neighbours:
        """Along the edges of a mesh: `vertices` (n, 3) [mm], `triangles` (m, 3)."""
        vertices = _finite(vertices)
        faces = proper_triangles(np.asarray(triangles, np.int64).reshape(-1, 3))
        node = np.arange(len(vertices))
        edges = half_edges(faces)
        open_at = edges.order[edges.first[edges.count == 1]]
        if len(open_at):
            on_border = np.zeros(len(vertices), bool)
            on_border[edges.start[open_at]] = on_border[edges.end[open_at]] = True
            border = np.flatnonzero(on_border)
            node[border] = border[_first_at_the_same_place(vertices[border])]
        kept, node = _renumbered(node)
        if len(kept) < len(vertices):
            faces = proper_triangles(node[faces])
            edges = half_edges(faces)
        one = edges.order[edges.first]
        return _graph(node, vertices[kept], faces, edges.start[one], edges.end[one])

    @staticmethod
    def of_points(positions: np.ndarray, *, count: int = NEAREST, radius: float = np.inf) -> Neighbours:
        """Of each point of a cloud, `positions` (n, 3) [mm], the `count` nearest others that lie within `radius`."""
        positions = _finite(positions)
        same = _first_at_the_same_place(positions)
        kept, node = _renumbered(same)
        places = positions[kept]
        nearest = min(count + 1, len(places))
        none = np.zeros((0, 3), np.int64)
        if nearest < 2:
            return _graph(node, places, none, np.zeros(0, np.int64), np.zeros(0, np.int64))
        from scipy.spatial import cKDTree  # slow to load

        tree = cKDTree(places)
        # In the order of the tree: neighbours find the same branches in the processor's cache.
        order = tree.indices
        distance, index = tree.query(places[order], k=nearest, distance_upper_bound=radius, workers=-1)
        row = np.repeat(order, nearest)
        column, near = np.asarray(index).reshape(-1), np.isfinite(np.asarray(distance).reshape(-1))
        near[near] &= row[near] != column[near]
        return _graph(node, places, none, row[near], column[near])

    @property
    def element_count(self) -> int:
        return len(self.node)

    @property
    def node_count(self) -> int:
        return len(self.positions)

    @property
    def is_mesh(self) -> bool:
        return len(self.triangles) > 0

    @cached_property
    def tree(self) -> cKDTree:
        """Finds nodes by their place."""
        from scipy.spatial import cKDTree  # slow to load

        return cKDTree(self.positions)

    @cached_property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and parts that they belong to, as pairs, (k,) and (k,).

        The parts of a mesh hang together through edges of triangles, so a node in which two of them touch belongs to
        both; a node without triangle is a part of its own. Those of a cloud hang together through neighbours.
        """
        if not self.is_mesh:
            from scipy.sparse import csr_array  # slow to load
            from scipy.sparse.csgraph import connected_components

            lengths = csr_array((self.length, self.other, self.first), shape=(self.node_count, self.node_count))
            labels = connected_components(lengths, directed=False)[1]
            return np.arange(self.node_count), np.asarray(labels, np.int64)
        labels = part_labels(self.triangles)
        count = int(labels.max()) + 1
        pairs = np.sort(self.triangles.reshape(-1) * count + np.repeat(labels, 3))
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        used = np.zeros(self.node_count, bool)
        used[self.triangles] = True
        alone = np.flatnonzero(~used)
        nodes = np.concatenate([pairs // count, alone])
        return nodes, np.concatenate([pairs % count, count + np.arange(len(alone))])

    @cached_property
    def incident(self) -> tuple[np.ndarray, np.ndarray]:
        """`first` and `triangle`: those round node i are triangle[first[i]:first[i + 1]]."""
        corners = self.triangles.reshape(-1)
        first = np.concatenate([[0], np.bincount(corners, minlength=self.node_count).cumsum()])
        return first, np.argsort(corners, kind="stable") // 3

    def to_nodes(self, values: np.ndarray, join: np.ufunc) -> np.ndarray:
        """One value a node from `values`, one an element, by `join` (`np.maximum`, `np.minimum`)."""
        values = self.check(values)
        joined = values[self._representative].copy()
        if self.node_count < self.element_count:
            join.at(joined, self.node, values)
        return joined

    def around(self, values: np.ndarray, join: np.ufunc) -> np.ndarray:
        """`join` over each node and its neighbours, of `values`, one a node."""
        result = values.copy()
        rows = np.flatnonzero(self.first[:-1] < self.first[1:])
        if len(rows):
            result[rows] = join(result[rows], join.reduceat(values[self.other], self.first[rows]))
        return result

    def check(self, values: np.ndarray) -> np.ndarray:
        """`values` if there is one an element; raises `GeometryError`."""
        values = np.asarray(values)
        if values.shape != (self.element_count,):
            raise GeometryError(f"{values.size} values cannot lie on {self.element_count} vertices or points.")
        return values

    @cached_property
    def _representative(self) -> np.ndarray:
        """An element of every node."""
        element = np.empty(self.node_count, np.int64)
        element[self.node[::-1]] = np.arange(self.element_count)[::-1]
        return element


def ranges(first: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Indices first[i] … first[i + 1] − 1 of all `rows` i, one after the other."""
    count = first[rows + 1] - first[rows]
    offset = np.repeat(first[rows] - np.concatenate([[0], count.cumsum()[:-1]]), count) if len(rows) else count
    return offset + np.arange(len(offset))


def _graph(
    node: np.ndarray, positions: np.ndarray, triangles: np.ndarray, start: np.ndarray, end: np.ndarray
) -> Neighbours:
    """The graph over `positions` with the edges from `start` to `end`, each way once."""
    from scipy.sparse import coo_array  # slow to load

    count = len(positions)
    row, column = np.concatenate([start, end]), np.concatenate([end, start])
    # Sorts without comparing; `np.unique` takes thirty times as long.
    matrix = coo_array((np.ones(len(row), bool), (row, column)), shape=(count, count)).tocsr()
    first, other = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
    length = np.linalg.norm(np.repeat(positions, np.diff(first), axis=0) - positions[other], axis=1)
    return Neighbours(node, positions, triangles, first, other, length)


def _renumbered(least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The elements that stand for themselves, and the number of each element's own among them."""
    stands = least == np.arange(len(least))
    return np.flatnonzero(stands), (stands.cumsum() - 1)[least]


def _first_at_the_same_place(positions: np.ndarray) -> np.ndarray:
    """For every position the least index that has exactly the same coordinates."""
    if not len(positions):
        return np.zeros(0, np.int64)
    order = np.lexsort(positions.T)
    place = positions[order]
    new = np.concatenate([[True], (place[1:] != place[:-1]).any(axis=1)])
    least = np.minimum.reduceat(order, np.flatnonzero(new))
    same = np.empty(len(positions), np.int64)
    same[order] = least[new.cumsum() - 1]
    return same


def _finite(positions: np.ndarray) -> np.ndarray:
    positions = np.asarray(positions, np.float64).reshape(-1, 3)
    if not np.isfinite(positions).all():
        raise GeometryError("A position is not a number.", repairs=("drop-non-finite",))
    return positions
