"""Marching tetrahedra on the surface cells of the grid: six tetrahedra a cell, one vertex on each edge that crosses.

Every cell is cut along its diagonal from corner 0 to corner 7 (Kuhn's triangulation), so that neighbours agree on the
diagonals of their common face. An edge runs from its lower node in one of seven directions, the bits of (x, y, z).

Source: Shen et al., Deep marching tetrahedra, NeurIPS 2021; Kuhn, Some combinatorial lemmas in topology, 1960.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
import torch
from torch import Tensor

from engine.surfaces.active_set import ActiveSet
from engine.surfaces.flexicubes_kernels import OUTSIDE

DIRECTIONS = 7


@dataclass(frozen=True)
class TetrahedralConnectivity:
    """The surface for one set of signs.

    ends : corner entries of the two nodes of each crossed edge (negative: virtual, see `ActiveSet`), shape
        (vertex_count, 2), int64
    triangles : counter-clockwise from outside, shape (triangle_count, 3), int32
    """

    ends: Tensor
    triangles: Tensor

    @property
    def on_cap(self) -> Tensor:
        """Whether each vertex lies on an edge to a virtual node."""
        return (self.ends < 0).any(dim=1)


@dataclass(frozen=True)
class TetrahedralTables:
    """Edges and cases of the six tetrahedra of a cell.

    edge_low : lower corner of each of the 19 edges of a cell, shape (19,)
    edge_direction : corners' difference as bits, 1 … 7, shape (19,)
    corners : of each tetrahedron, shape (6, 4)
    triangles : edges of up to two triangles for each tetrahedron and its case (bits: corners inside), −1 where there is
        none, shape (6, 16, 2, 3)
    """

    edge_low: np.ndarray
    edge_direction: np.ndarray
    corners: np.ndarray
    triangles: np.ndarray


@lru_cache(maxsize=1)
def tetrahedral_tables() -> TetrahedralTables:
    """The tables, computed once."""
    corners = np.array([[0, 1 << a, 1 << a | 1 << b, 7] for a, b, _ in permutations(range(3))])
    edges = sorted({pair for tet in corners.tolist() for pair in combinations(tet, 2)})
    number = {pair: index for index, pair in enumerate(edges)}
    place = np.array([[corner & 1, corner >> 1 & 1, corner >> 2] for corner in range(8)], np.float64)
    triangles = np.full((6, 16, 2, 3), -1)
    for tet, of in enumerate(corners.tolist()):
        for case in range(1, 15):
            inside = [corner for bit, corner in enumerate(of) if case >> bit & 1]
            outside = [corner for corner in of if corner not in inside]
            # Round the cut: neighbours have an end in common.
            if len(inside) == 2:
                (a, b), (c, d) = inside, outside
                ring = [(a, c), (a, d), (b, d), (b, c)]
            else:
                ring = [(i, o) for i in inside for o in outside]
            middles = np.array([(place[i] + place[o]) / 2 for i, o in ring])
            normal = np.cross(middles[1] - middles[0], middles[2] - middles[0])
            if normal @ (place[outside].mean(axis=0) - place[inside].mean(axis=0)) < 0:
                ring = ring[::-1]
            cut = [number[min(pair), max(pair)] for pair in ring]
            for k in range(len(cut) - 2):
                triangles[tet, case, k] = [cut[0], cut[k + 1], cut[k + 2]]
    low = np.array([pair[0] for pair in edges])
    direction = np.array([pair[0] ^ pair[1] for pair in edges])
    return TetrahedralTables(low, direction, corners, triangles)


def connect_tetrahedra(cells: Tensor, occupancy: Tensor, active: ActiveSet) -> TetrahedralConnectivity:
    """Vertices and triangles in the surface cells.

    cells : ids, int64
    occupancy : whether each id is inside
    """
    tables, device = tetrahedral_tables(), active.device
    offsets = active.corner_offsets
    corner_ids = cells[:, None] + offsets
    flags = occupancy[corner_ids].to(torch.int64)
    corners = torch.tensor(tables.corners, device=device)
    bits = torch.tensor([1, 2, 4, 8], device=device)
    cases = (flags[:, corners.reshape(-1)].reshape(-1, 6, 4) * bits).sum(dim=2)
    found = torch.tensor(tables.triangles, device=device)[torch.arange(6, device=device), cases]
    slots = torch.arange(len(cells), device=device)[:, None, None].expand(-1, 6, 2)
    exists = found[..., 0] >= 0
    local, slot = found[exists], slots[exists]
    low = torch.tensor(tables.edge_low, device=device)
    direction = torch.tensor(tables.edge_direction, device=device)
    ids = corner_ids[slot[:, None], low[local]] * DIRECTIONS + direction[local] - 1
    # Marks over all edges number them without sorting.
    marks = torch.zeros(active.grid.id_count * DIRECTIONS, dtype=torch.bool, device=device)
    marks[ids.reshape(-1)] = True
    edges = torch.nonzero(marks)[:, 0]
    row = torch.empty(len(marks), dtype=torch.int32, device=device)
    row[edges] = torch.arange(len(edges), dtype=torch.int32, device=device)
    lower = edges // DIRECTIONS
    higher = lower + offsets[edges % DIRECTIONS + 1]
    entries = active.node_row.to(torch.int64)
    return TetrahedralConnectivity(torch.stack([entries[lower], entries[higher]], dim=1), row[ids])


def tetrahedral_vertices(
    connectivity: TetrahedralConnectivity, nodes: Tensor, values: Tensor, tiny: float = 1e-18
) -> tuple[Tensor, Tensor]:
    """Vertices u = x_a + t (x_b − x_a) with t = s_a/(s_a − s_b), with graph.

    nodes : coordinates of the active nodes, and whatever is carried along, shape (node_count, columns)
    values : field at the active nodes, shape (node_count,)

    Returns the vertices, shape (vertex_count, columns), and t, shape (vertex_count,).
    """
    ends = connectivity.ends
    rows = torch.where(ends < 0, -2 - ends, ends)
    at_ends = values[rows]
    at_ends = torch.where(ends < 0, torch.full_like(at_ends, OUTSIDE), at_ends)
    difference = at_ends[:, 0] - at_ends[:, 1]
    steep = difference.abs() >= tiny
    t = torch.where(steep, at_ends[:, 0] / torch.where(steep, difference, 1.0), 0.5)
    start, end = nodes.index_select(0, rows[:, 0]), nodes.index_select(0, rows[:, 1])
    return start + t[:, None] * (end - start), t
