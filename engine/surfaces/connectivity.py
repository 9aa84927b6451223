"""Which cells the surface passes through, and how its dual vertices and quads hang together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import warp as wp
from torch import Tensor

from engine.core.bridge import launch, view
from engine.surfaces.active_set import ActiveSet
from engine.surfaces.flexicubes_kernels import connectivity_kernels
from engine.surfaces.grid import Grid
from engine.surfaces.tables import dual_tables


@dataclass(frozen=True)
class DeviceTables:
    """`DualTables` on a device, as the kernels take them."""

    group_count: wp.array
    group_edges: wp.array
    edge_group: wp.array
    ambiguous_face: wp.array
    edge_corners: wp.array

    @staticmethod
    def on(device: torch.device) -> DeviceTables:
        tables = dual_tables()
        arrays = (
            tables.group_count, tables.group_edges, tables.edge_group, tables.ambiguous_face, tables.edge_corners,
        )  # fmt: skip
        return DeviceTables(*(view(torch.tensor(array, device=device)) for array in arrays))


@dataclass(frozen=True)
class Connectivity:
    """The surface for one set of signs.

    cells : ids of the surface cells, shape (cell_count,), int64
    cell_rows : their rows in the active set, int64
    corners : rows of their eight nodes (negative: virtual, see `ActiveSet`), shape (cell_count, 8), int32
    cases : case + 256 · case after the ambiguous ones are inverted, int32
    first_dual : first dual vertex of each cell, int32
    quad_duals, quad_slots : dual vertices and surface cells of a quad, counter-clockwise, (quad_count, 4), int32
    triangles : four a quad round its centre, shape (4 · quad_count, 3), int32
    crossing_rows : node rows at the ends of every sign-changing edge between real nodes, shape (edge_count, 2), int64
    """

    cells: Tensor
    cell_rows: Tensor
    corners: Tensor
    cases: Tensor
    first_dual: Tensor
    quad_duals: Tensor
    quad_slots: Tensor
    triangles: Tensor
    crossing_rows: Tensor
    dual_count: int

    @cached_property
    def cell_arguments(self) -> list[wp.array]:
        """Views of cases, corners and first_dual, as the kernels take them."""
        return [view(self.cases), view(self.corners), view(self.first_dual)]

    @cached_property
    def quad_arguments(self) -> list[wp.array]:
        """Views of quad_duals and quad_slots, as the kernels take them."""
        return [view(self.quad_duals), view(self.quad_slots)]

    @property
    def quad_count(self) -> int:
        return len(self.quad_duals)


def dense_cases(occupancy: Tensor, grid: Grid) -> Tensor:
    """Case of every cell from the inside flags of every id, uint8, shape (id_count,); flat shifts, no loop."""
    x, y, z = grid.strides
    cases = torch.zeros_like(occupancy)
    pairs = torch.add(occupancy[:-x], occupancy[x:], alpha=2)
    squares = torch.add(pairs[:-y], pairs[y:], alpha=4)
    torch.add(squares[:-z], squares[z:], alpha=16, out=cases[: len(squares) - z])
    return cases


def surface_cells(cases: Tensor, grid: Grid, *, closed: bool) -> Tensor:
    """Ids of the cells with nodes on both sides, int64; without the virtual layer unless `closed`."""
    # Cases are uint8: 0 wraps to 255, so one comparison leaves out both 0 and 255.
    if cases.device.type == "cpu":
        ids = torch.from_numpy(np.flatnonzero(cases.numpy() - np.uint8(1) < np.uint8(254)))
    else:
        ids = torch.nonzero(cases - 1 < 254).reshape(-1)
    return ids if closed else ids[grid.is_real_cell(ids)]


def connect(
    cells: Tensor, dense: Tensor, active: ActiveSet, slots: Tensor, tables: DeviceTables, *, closed: bool
) -> Connectivity:
    """Dual vertices and quads of the surface cells.

    dense : `dense_cases`
    slots : scratch over all ids, int32
    """
    grid, device = active.grid, active.device
    kernels = connectivity_kernels()
    strides = wp.vec3i(*grid.strides)
    count = len(cells)
    cases, counts, corners = (
        torch.empty(shape, dtype=torch.int32, device=device) for shape in ((count,), (count,), (count, 8))
    )
    crossed = torch.empty((count, 3), dtype=torch.uint8, device=device)
    launch(
        kernels.classify,
        count,
        [
            cells, dense, active.node_row, active.corner_offsets, strides, tables.ambiguous_face, tables.group_count,
            slots, cases, counts, corners, crossed,
        ],
        device=device,
    )  # fmt: skip
    ends = torch.cumsum(counts, 0, dtype=torch.int32)
    first_dual = ends - counts
    dual_count = int(ends[-1]) if count else 0
    edges = _crossed_edges(cells, crossed, grid, closed=closed)
    quad_count = len(edges)
    quad_duals = torch.empty((quad_count, 4), dtype=torch.int32, device=device)
    quad_slots = torch.empty_like(quad_duals)
    triangles = torch.empty((4 * quad_count, 3), dtype=torch.int32, device=device)
    crossing_rows = torch.empty((quad_count, 2), dtype=torch.int64, device=device)
    launch(
        kernels.build_quads,
        quad_count,
        [
            cells, cases, corners, first_dual, slots, tables.edge_group, edges, strides, dual_count,
            quad_duals, quad_slots, triangles, crossing_rows,
        ],
        device=device,
    )  # fmt: skip
    if closed and quad_count and int(crossing_rows.amin()) < 0:
        crossing_rows = crossing_rows[(crossing_rows[:, 0] >= 0) & (crossing_rows[:, 1] >= 0)]
    return Connectivity(
        cells=cells,
        cell_rows=active.cell_row[cells].to(torch.int64),
        corners=corners,
        cases=cases,
        first_dual=first_dual,
        quad_duals=quad_duals,
        quad_slots=quad_slots,
        triangles=triangles,
        crossing_rows=crossing_rows,
        dual_count=dual_count,
    )


def _nonzero(mask: Tensor) -> Tensor:
    """Flat indices of the true entries; numpy is six times as fast as torch on a CPU."""
    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return torch.nonzero(mask.reshape(-1)).reshape(-1)


def _crossed_edges(cells: Tensor, crossed: Tensor, grid: Grid, *, closed: bool) -> Tensor:
    """3 · slot + axis of every sign-changing edge at the lowest corner of a surface cell, int64."""
    edges = _nonzero(crossed.view(torch.bool))
    if closed:
        return edges
    axis = edges % 3
    coordinates = grid.coordinates(cells[edges // 3])
    across = torch.stack([coordinates.gather(1, ((axis + turn) % 3)[:, None])[:, 0] for turn in (1, 2)], dim=1)
    return edges[(across >= 2).all(dim=1)]
