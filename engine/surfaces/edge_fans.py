"""A mesh of FlexiCubes' dual vertices that never runs through itself, whatever field and weights are.

Every crossed edge of the undeformed grid carries an *edge point*, shared by its four cells. Two triangles stand at
every segment in which the surface runs through a face of the grid, between the two edge points on that face: round the
edge that joins the dual vertices of the two cells; or, where one of the cells has several dual vertices, round the
straight line between the two edge points. Within a cell the triangles then make a fan: a dual vertex joined to a curve
of edge points, and of points where the surface goes through a face. There is no place for an intersection:

* both cells at a face have the same curves on it. A single curve does not cross itself, as the line between two dual
  vertices goes through the face that their cells share; two curves, each straight, cut off one corner each;
* a fan joins a simple closed curve on the border of a cube, which is convex, to a point inside it;
* the fans of a cell with several dual vertices lie in the convex hulls of their crossings, and a plane separates these
  (in all of the 256 cases);
* fans of different cells lie in different cells.

The idea of edge points is that of Ju and Udeshi, *Intersection-free contouring on an octree grid*, 2006. There are as
many triangles as with quad centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.surfaces.connectivity import Connectivity
from engine.surfaces.grid import Grid

MARGIN = 0.01
"""Cells: an edge point stays so far from the ends of its edge, that rounding moves no triangle through another."""

INWARD = 0.005
"""Share of the mean of its edge points in the place of a dual vertex, which keeps it off the faces of its cell."""


@dataclass(frozen=True)
class EdgeFans:
    """How edge points and dual vertices hang together. Edge points are numbered as quads, behind the dual vertices.

    nodes : ids of the two nodes of each crossed edge, shape (quad_count, 2), int64
    triangles : shape (4 · quad_count, 3), int32, counter-clockwise from outside
    """

    nodes: Tensor
    triangles: Tensor


def edge_fans(grid: Grid, occupancy: Tensor, connectivity: Connectivity) -> EdgeFans:
    """The fans of a surface that stays off the border of the grid.

    occupancy : 1 at the ids of inside nodes, uint8, shape (id_count,)
    """
    inside = occupancy.to(torch.bool)
    crossed = torch.stack([torch.cat([inside[s:], inside.new_zeros(s)]) ^ inside for s in grid.strides], dim=1)
    ids, axis = torch.nonzero(crossed).unbind(dim=1)  # in the order of the quads
    ends = ids + torch.tensor(grid.strides, device=ids.device)[axis]
    return EdgeFans(torch.stack([ids, ends], dim=1), _triangles(connectivity))


def fan_vertices(connectivity: Connectivity, duals: Tensor, values: Tensor, positions: Tensor) -> Tensor:
    """Dual vertices and edge points, with graph, shape (dual_count + quad_count, 3).

    duals : dual vertices by the weights, with graph, shape (dual_count, 3)
    values, positions : of the two nodes of each crossed edge, shapes (quad_count, 2) and (quad_count, 2, 3)

    An edge point is the crossing without alpha, which is left to the dual vertices: on a crease they lie outside the
    true crossings, and would drag the edge points with them.
    """
    fraction = (values[:, 0] / (values[:, 0] - values[:, 1])).clamp(MARGIN, 1.0 - MARGIN)
    points = positions[:, 0] + fraction[:, None] * (positions[:, 1] - positions[:, 0])
    of_dual = connectivity.quad_duals.to(torch.int64).reshape(-1)
    sums = torch.zeros_like(duals).index_add(0, of_dual, points.repeat_interleave(4, dim=0))
    counts = torch.bincount(of_dual, minlength=len(duals)).to(duals.dtype)
    return torch.cat([torch.lerp(duals, sums / counts[:, None], INWARD), points])


def _triangles(connectivity: Connectivity) -> Tensor:
    """Those round the quads' edge points, flipped at the border of cells with several dual vertices."""
    quads = connectivity.quad_duals.to(torch.int64)
    start, end = quads.reshape(-1), quads.roll(-1, dims=1).reshape(-1)
    point = torch.arange(4 * len(quads), device=quads.device) // 4 + connectivity.dual_count
    third = end.clone()
    several = _of_several(connectivity)
    flipped = torch.nonzero(several[start] | several[end]).reshape(-1)
    if len(flipped):
        there = start[flipped] * connectivity.dual_count + end[flipped]
        back = end[flipped] * connectivity.dual_count + start[flipped]
        order = torch.argsort(there)
        opposite = order[torch.searchsorted(there[order], back)]
        third[flipped] = point[flipped][opposite]
    return torch.stack([start, third, point], dim=1).to(torch.int32)


def _of_several(connectivity: Connectivity) -> Tensor:
    """Whether each dual vertex shares its cell with another."""
    first = connectivity.first_dual.to(torch.int64)
    counts = torch.diff(first, append=first.new_tensor([connectivity.dual_count]))
    return torch.repeat_interleave(counts > 1, counts)
