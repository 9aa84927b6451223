"""Which pairs of features push, and how often each counts.

A vertex near the meeting of several triangles is near each of them, and shall be pushed as by one. So what all its
triangles say is summed, edges between them are taken away as often as they were counted too much, and vertices are put
back: as for the sizes of overlapping sets (M. Li et al.: Convergent incremental potential contact, arXiv:2307.15908).
The sum is as smooth as its parts; over flat ground it is the same everywhere.

Edges count with all edges near them, but for inner edges of what is flat and rigid: nothing meets those before it meets
a face or the border, and counting them would give flat ground ridges. The same holds for inner vertices of flat ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.contact import search_kernels as kernels
from engine.simulation.contact.nearest import tensor
from engine.simulation.contact.stencils import KINDS

FLAT = 1e-6
"""How far out of its neighbour's plane a triangle may be, over the gap, and both are flat ground."""
PARALLEL = 1e-3
"""Squared sine of the angle between two edges at rest below which they fade out as parallel."""
KIND_COUNT = len(KINDS)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Candidates:
    """faces : vertices and triangles, by vertices, int32, shape (a, 2)
    starts : first row of each vertex that has any, and a, int32
    edges : pairs of edges, int32, shape (b, 2)
    """

    faces: Tensor
    starts: Tensor
    edges: Tensor


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
        self._lengths = tensor(np.sum((ends[:, 1] - ends[:, 0]) ** 2, axis=1), np.float64)
        self._triangle_table, self._side_table, self._edge_table = (
            tensor(table, np.int32) for table in (self._triangles, self._sides, self._edges)
        )
        self.flat_edges = self._flat_edges(positions, rigid)
        self.flat_vertices = rigid & np.isin(np.arange(self._count), self._triangles)
        self.flat_vertices[self._edges[~self.flat_edges]] = False

    def candidates(self, vertex_faces: np.ndarray, edge_edges: np.ndarray) -> Candidates:
        """Pairs of vertices and faces, shape (a, 2), and of edges, shape (b, 2), without those that never count."""
        faces = vertex_faces[~self.flat_vertices[vertex_faces[:, 0]]]
        faces = faces[np.lexsort((faces[:, 1], faces[:, 0]))]
        starts = np.concatenate([np.flatnonzero(np.diff(faces[:, 0], prepend=-1)), [len(faces)]])
        edges = edge_edges[~self.flat_edges[edge_edges].any(axis=1)]
        return Candidates(tensor(faces, np.int32), tensor(starts, np.int32), tensor(edges, np.int32))

    def pairs(self, positions: Tensor, near: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of vertices and kind, shape (n, 5), weights and limits of parallel edges (n,), as of `Contacts`, of all
        candidates that are nearer than the gap, in an order that depends on nothing but them.

        positions : [m], shape (v, 3)
        """
        room = 4 * (len(near.faces) + len(near.edges))
        while True:
            rows, weights = torch.empty(room, 5, dtype=torch.int32), torch.empty(room, 2, dtype=torch.float64)
            count = torch.zeros(1, dtype=torch.int32)
            found = [rows, weights, count]
            scratch = [
                torch.empty(len(near.faces), dtype=torch.int32),
                torch.empty(len(near.faces), 3, dtype=torch.int32),
            ]
            tables = [self._triangle_table, self._side_table, self._edge_table, self._gap**2]
            arguments = [positions, near.starts, near.faces, *tables, *scratch, *found]
            launch(kernels.count_faces, len(near.starts) - 1, arguments, device=CPU)
            limits = [self._lengths, self._gap**2, PARALLEL]
            launch(
                kernels.count_edges,
                len(near.edges),
                [positions, near.edges, self._edge_table, *limits, *found],
                device=CPU,
            )
            if int(count) <= room:
                break
            room = int(count)
        return self._summed(rows[: int(count)].numpy(), weights[: int(count)].numpy())

    def _summed(self, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What counts several times once, with the sum of the weights, and what counts nothing not at all."""
        wide = rows.astype(np.int64)
        first = wide[:, 0] * self._count + wide[:, 1]
        second = (wide[:, 2] * self._count + wide[:, 3]) * KIND_COUNT + wide[:, 4]
        order = np.lexsort((second, first))
        first, second = first[order], second[order]
        new = np.ones(len(order), bool)
        new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
        starts = np.flatnonzero(new)
        total = np.add.reduceat(weights[order, 0], starts) if len(starts) else np.zeros(0)
        kept = order[starts[total != 0.0]]
        return wide[kept], total[total != 0.0], weights[kept, 1]

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


def _opposite(side_slots: np.ndarray) -> np.ndarray:
    """Slots of the corners opposite to sides, in (t, 3) arrays laid flat: side 01 lies opposite to corner 2."""
    triangle, side = np.divmod(side_slots, 3)
    return 3 * triangle + (side + 2) % 3
