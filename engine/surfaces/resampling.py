"""From one grid to another."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.start import mesh_distance_field
from engine.geometry.topology import boundary_edges
from engine.surfaces.grid import SIDE, Grid
from engine.surfaces.surface import GridField, Surface


def sample_nodes(grid: Grid, flat: Tensor, positions: Tensor) -> Tensor:
    """Trilinear interpolation of a flat array over all ids at positions (count, 3), working frame."""
    volume = grid.unpad(flat)[None, None]
    # grid_sample counts its coordinates from the last axis of the volume.
    points = (positions * (2.0 / SIDE)).flip(-1)[None, None, None]
    sampled = torch.nn.functional.grid_sample(volume, points, align_corners=True, padding_mode="border")
    return sampled.reshape(-1)


def parent_cells(old: Grid, new: Grid, ids: Tensor) -> Tensor:
    """Ids of the old cells in which the centres of the new cells `ids` lie; virtual cells have virtual parents."""
    coordinates = new.coordinates(ids)
    inner = torch.div((2 * (coordinates - 1) + 1) * old.resolution, 2 * new.resolution, rounding_mode="floor") + 1
    inner = torch.where(coordinates < 1, 0, inner)
    inner = torch.where(coordinates > new.resolution, old.resolution + 1, inner)
    return old.ids(inner)


def interpolate_field(old: Grid, new: Grid, flat: Tensor) -> Tensor:
    """The old field (over all ids) at the real nodes of the new grid, shape (n + 1, n + 1, n + 1)."""
    values = sample_nodes(old, flat, node_positions(new, flat))
    return values.reshape((new.resolution + 1,) * 3)


def resample_field(
    old: Grid,
    new: Grid,
    flat: Tensor,
    cells: Tensor,
    vertices: Tensor,
    triangles: Tensor,
    on_cap: Tensor,
    device: Device,
) -> Tensor:
    """A field whose surface on the new grid is that of the old design, shape (n + 1, n + 1, n + 1).

    Near the surface the value is the exact signed distance to the mesh, which carries what offsets and weights have
    shaped (it keeps the surface two to three times as close as interpolation does); elsewhere, and where the cap at
    the border is nearest, the field is interpolated.

    flat : the old field over all ids
    cells : ids of the old cells that the surface passes through
    vertices, triangles : the closed mesh, working frame
    on_cap : whether each of its vertices lies on the cap
    """
    positions = node_positions(new, flat)
    values = sample_nodes(old, flat, positions)
    near = torch.nonzero(near_surface(old, cells, positions)).reshape(-1)
    if len(near):
        index = TriangleIndex(vertices, triangles, device, winding=True)
        distances = index.signed_distance(positions[near]).to(flat.dtype)
        nearest = index.closest(positions[near]).faces.to(torch.int64)
        capped = on_cap[triangles.to(torch.int64)].any(dim=1)
        keep = ~capped[nearest] & torch.isfinite(distances)
        values[near[keep]] = distances[keep]
    return values.reshape((new.resolution + 1,) * 3)


def distances_to(surface: Surface) -> Tensor:
    """Signed distance to a surface at the nodes of its own grid, shape (n + 1, n + 1, n + 1), negative inside.

    Of one that is open, the field of what it is a part of.
    """
    vertices, triangles = surface.present_output()
    if isinstance(surface, GridField) and len(boundary_edges(triangles)):
        return surface.field()
    return mesh_distance_field(vertices, triangles, surface.resolution, surface.device)


def node_positions(grid: Grid, like: Tensor) -> Tensor:
    index = torch.arange((grid.resolution + 1) ** 3, device=like.device)
    return grid.positions(grid.from_node_index(index), like.dtype)


def near_surface(grid: Grid, cells: Tensor, positions: Tensor) -> Tensor:
    """Whether positions lie in a surface cell or next to one."""
    marked = torch.zeros(grid.side**3, device=cells.device)
    marked[cells] = 1.0
    volume = marked.reshape(1, 1, grid.side, grid.side, grid.side)
    wide = torch.nn.functional.max_pool3d(volume, 3, stride=1, padding=1).reshape(-1) > 0
    steps = torch.floor((positions + SIDE / 2) / grid.cell_size).to(torch.int64).clamp(0, grid.resolution - 1) + 1
    return wide[grid.ids(steps)]
