"""Marching cubes on the cells that a level set passes through, as array operations: signs in, triangles out.

Source: Lorensen and Cline, *Marching cubes*, SIGGRAPH 1987. On an ambiguous face each inside corner is cut off on its
own, in both cells that share it, so the mesh has no gaps. Conventions of corners and edges: `engine.surfaces.tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engine.surfaces.connectivity import dense_cases, surface_cells
from engine.surfaces.grid import Grid
from engine.surfaces.tables import dual_tables

MAX_TRIANGLES = 5


@dataclass(frozen=True)
class MarchingTables:
    """Tables over the 256 cases: `count` of triangles, shape (256,), and their `edges`, −1 behind the last, shape
    (256, 5, 3), counter-clockwise from outside."""

    count: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True)
class GridMesh:
    """Triangles whose vertices lie on edges of a grid.

    nodes : ids of both ends of each vertex's edge, lower first, shape (vertex_count, 2), int64
    triangles : counter-clockwise from outside, shape (triangle_count, 3), int32
    cells : ids of the cells that the surface passes through, int64
    """

    nodes: Tensor
    triangles: Tensor
    cells: Tensor


def march(occupancy: Tensor, grid: Grid, *, closed: bool) -> GridMesh:
    """The mesh between inside and outside.

    occupancy : 1 inside, 0 outside, of every id of the grid, uint8, shape (id_count,)
    closed : close it where it leaves the grid
    """
    cases = dense_cases(occupancy, grid)
    cells = surface_cells(cases, grid, closed=closed)
    return triangulate(cells, cases[cells].to(torch.int64), grid)


def triangulate(cells: Tensor, cases: Tensor, grid: Grid) -> GridMesh:
    """The mesh of cells with their cases, both shape (cell_count,), int64; vertices on one edge are one."""
    device = cells.device
    tables = marching_tables()
    count = torch.as_tensor(tables.count, device=device)[cases]
    local = torch.as_tensor(tables.edges, device=device)[cases]
    local = local[torch.arange(MAX_TRIANGLES, device=device) < count[:, None]]
    owner = torch.repeat_interleave(cells, count)
    low = torch.as_tensor(dual_tables().edge_corners[:, 0].astype(np.int64), device=device)
    start = owner[:, None] + grid.corner_offsets(device)[low[local]]
    keys = start * 3 + local // 4
    edges, triangles = _numbered(keys.reshape(-1), 3 * grid.id_count)
    strides = torch.tensor(grid.strides, device=device)
    first = edges // 3
    nodes = torch.stack([first, first + strides[edges % 3]], dim=1)
    return GridMesh(nodes, triangles.reshape(-1, 3), cells)


def _numbered(keys: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """The different keys in order, and the place of each key among them, int32."""
    if keys.device.type != "cpu":
        edges, places = torch.unique(keys, return_inverse=True)
        return edges, places.to(torch.int32)
    # Many times as fast as sorting: a mark for every key that there can be.
    flat = keys.numpy()
    marks = np.zeros(limit, np.bool_)
    marks[flat] = True
    edges = np.flatnonzero(marks)
    places = np.empty(limit, np.int32)
    places[edges] = np.arange(len(edges), dtype=np.int32)
    return torch.from_numpy(edges), torch.from_numpy(places[flat])


@lru_cache(maxsize=1)
def marching_tables() -> MarchingTables:
    """The tables, computed once."""
    count = np.zeros(256, np.int64)
    edges = np.full((256, MAX_TRIANGLES, 3), -1, np.int64)
    for case in range(256):
        triangles = [triangle for loop in _loops(case) for triangle in _triangulated(loop)]
        count[case] = len(triangles)
        if triangles:
            edges[case, : len(triangles)] = triangles
    return MarchingTables(count, edges)


def _loops(case: int) -> list[list[int]]:
    """Closed loops of crossed edges, counter-clockwise from outside."""
    following: dict[int, int] = {}
    for face in range(6):
        following.update(_segments(case, face))
    loops = []
    while following:
        start = edge = min(following)
        loop = []
        while edge in following:
            loop.append(edge)
            edge = following.pop(edge)
        assert edge == start
        loops.append(loop)
    return loops


def _segments(case: int, face: int) -> dict[int, int]:
    """From crossed edge to crossed edge over one face, so that seen from outside the cell the inside is on the right:
    the loop is then counter-clockwise where one looks from outside of the surface."""
    axis, side = divmod(face, 2)
    second, third = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
    base = side << axis
    ring = [base, base | second, base | second | third, base | third]
    if not side:
        ring.reverse()
    found = {}
    for place, corner in enumerate(ring):
        before, after = ring[place - 1], ring[(place + 1) % 4]
        if not case >> corner & 1:
            continue
        if not case >> before & 1:
            # A run of inside corners begins here; it ends where the next corner round the face is outside.
            last, nxt = corner, after
            while case >> nxt & 1:
                last, nxt = nxt, ring[(ring.index(nxt) + 1) % 4]
            found[_edge(before, corner)] = _edge(last, nxt)
    return found


def _edge(first: int, second: int) -> int:
    corners = dual_tables().edge_corners.tolist()
    return corners.index(sorted((first, second)))


def _triangulated(loop: list[int]) -> list[tuple[int, int, int]]:
    """A triangulation none of whose diagonals lies in a face of the cell, where the neighbour could have the same."""
    for triangles in _triangulations(tuple(range(len(loop)))):
        sides = {frozenset((i, (i + 1) % len(loop))) for i in range(len(loop))}
        pairs = {frozenset(pair) for a, b, c in triangles for pair in ((a, b), (b, c), (c, a))}
        if not any(_share_face(*(loop[i] for i in pair)) for pair in pairs - sides):
            return [(loop[a], loop[b], loop[c]) for a, b, c in triangles]
    raise AssertionError(f"the loop {loop} has a diagonal in a face whatever is done")


def _triangulations(polygon: tuple[int, ...]) -> list[list[tuple[int, int, int]]]:
    if len(polygon) < 3:
        return [[]]
    first, last = polygon[0], polygon[-1]
    return [
        [(first, polygon[middle], last), *left, *right]
        for middle in range(1, len(polygon) - 1)
        for left in _triangulations(polygon[: middle + 1])
        for right in _triangulations(polygon[middle:])
    ]


def _share_face(first: int, second: int) -> bool:
    corners = dual_tables().edge_corners
    ends = np.concatenate([corners[first], corners[second]])
    return any(len(set((ends >> axis & 1).tolist())) == 1 for axis in range(3))
