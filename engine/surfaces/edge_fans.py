"""A mesh of FlexiCubes' dual vertices that never runs through itself, whatever field and weights are.

Every crossed edge of the undeformed grid carries an *edge point*, shared by its four cells. In a cell, a dual vertex
and the edge points of its crossed edges make a fan: one triangle for each segment in which the surface runs through a
face of the cell, from the one edge point on it to the other. There is no place for an intersection:

* the segments on a face of the grid are the same for both of its cells, and do not cross (those of an ambiguous face
  each cut off one corner);
* a fan joins a closed curve on the border of a cube, which is convex, to a point inside it;
* two fans in one cell lie in the convex hulls of their crossings, which a plane separates (of all 256 cases);
* fans of different cells lie in different cells.

The mesh is that of four triangles round the centre of each quad with the edges between dual vertices flipped (the idea
of an edge point: Ju and Udeshi, *Intersection-free contouring on an octree grid*, 2006). It keeps as many triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.surfaces.connectivity import Connectivity
from engine.surfaces.grid import Grid
from engine.surfaces.tables import dual_tables

MARGIN = 0.01
"""Cells: an edge point stays so far from the ends of its edge, that rounding moves no triangle through another."""

INWARD = 0.02
"""Share of the mean of its edge points in the place of a dual vertex, which keeps it off the faces of its cell."""


@dataclass(frozen=True)
class EdgeFans:
    """How edge points and dual vertices hang together. Edge points are numbered as quads, behind the dual vertices.

    nodes : ids of the two nodes of each crossed edge, lower first, shape (quad_count, 2), int64
    slots : the four surface cells round it, shape (quad_count, 4), int64
    corners : the edge's two corners in each of them, shape (quad_count, 4, 2), int64
    triangles : shape (4 · quad_count, 3), int32, counter-clockwise from outside
    """

    nodes: Tensor
    slots: Tensor
    corners: Tensor
    triangles: Tensor


def edge_fans(grid: Grid, occupancy: Tensor, connectivity: Connectivity) -> EdgeFans:
    """The fans of a surface that stays off the border of the grid.

    occupancy : 1 at the ids of inside nodes, uint8, shape (id_count,)
    """
    inside, device = occupancy.to(torch.bool), occupancy.device
    strides = torch.tensor(grid.strides, device=device)
    crossed = torch.stack([torch.cat([inside[s:], inside.new_zeros(s)]) ^ inside for s in grid.strides], dim=1)
    ids, axis = torch.nonzero(crossed).unbind(dim=1)  # in the order of the quads
    turns = torch.tensor([0, 1, 2, 3], device=device)
    turn = torch.where(inside[ids][:, None], turns, 3 - turns)  # as a quad is wound
    i, j = (turn == 1) | (turn == 2), turn >= 2
    edge = 4 * axis[:, None] + i + 2 * j
    ends = torch.tensor(dual_tables().edge_corners, device=device).to(torch.int64)
    return EdgeFans(
        nodes=torch.stack([ids, ids + strides[axis]], dim=1),
        slots=connectivity.quad_slots.to(torch.int64),
        corners=ends[edge],
        triangles=_flipped(connectivity),
    )


def fan_vertices(
    fans: EdgeFans, connectivity: Connectivity, duals: Tensor, values: Tensor, positions: Tensor, alpha: Tensor
) -> Tensor:
    """Dual vertices and edge points, with graph, shape (dual_count + quad_count, 3).

    duals : dual vertices by the weights, with graph, shape (dual_count, 3)
    values, positions : of the two nodes of each crossed edge, shapes (quad_count, 2) and (quad_count, 2, 3)
    alpha : activated, of the surface cells' corners, shape (cell_count, 8)

    An edge point is the mean of the four cells' crossings with their alpha.
    """
    low, high = (alpha[fans.slots, fans.corners[:, :, end]] * values[:, end, None] for end in range(2))
    fraction = (low / (low - high)).mean(dim=1).clamp(MARGIN, 1.0 - MARGIN)
    points = positions[:, 0] + fraction[:, None] * (positions[:, 1] - positions[:, 0])
    of_dual = connectivity.quad_duals.to(torch.int64).reshape(-1)
    sums = torch.zeros_like(duals).index_add(0, of_dual, points.repeat_interleave(4, dim=0))
    counts = torch.bincount(of_dual, minlength=len(duals)).to(duals.dtype)
    return torch.cat([torch.lerp(duals, sums / counts[:, None], INWARD), points])


def _flipped(connectivity: Connectivity) -> Tensor:
    """The triangles round the quads' centres, the edges between dual vertices flipped."""
    quads = connectivity.quad_duals.to(torch.int64)
    start, end = quads.reshape(-1), quads.roll(-1, dims=1).reshape(-1)
    there, back = start * connectivity.dual_count + end, end * connectivity.dual_count + start
    if there.device.type == "cpu":  # numpy sorts integers several times as fast
        order = torch.from_numpy(np.argsort(there.numpy(), kind="stable"))
    else:
        order = torch.argsort(there)
    opposite = order[torch.searchsorted(there[order], back)]
    point = torch.arange(4 * len(quads), device=quads.device) // 4 + connectivity.dual_count
    return torch.stack([start, point[opposite], point], dim=1).to(torch.int32)
