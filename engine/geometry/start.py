"""Start fields: signed distances on the (n+1)^3 nodes of [-1, 1]^3, negative inside."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex

EXACT_CELLS = 3.5
"""Half width, in cells, of the band round the surface in which the field is exact. With at least this many, all
corners of the coarse cell round a node of the band are in the coarse band: (3.5/2 + √3) ≤ 3.5."""

COARSEST = 8


def grid_nodes(resolution: int, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """Node positions of the grid on [-1, 1]^3, shape (n+1, n+1, n+1, 3), indexed [x, y, z]."""
    axis = torch.linspace(-1.0, 1.0, resolution + 1, dtype=dtype, device=device)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1)


def mesh_distance_field(
    vertices: Tensor | np.ndarray, triangles: Tensor | np.ndarray, resolution: int, device: Device
) -> Tensor:
    """Signed distance to a mesh in the working frame at the grid's nodes, shape (n+1, n+1, n+1), float32, [x, y, z].

    The sign is the winding number's, so holes and flipped triangles do little harm; a mesh that is inside out as a
    whole is turned. The field is exact within `EXACT_CELLS` of the surface. Beyond, it is interpolated from grids of
    half the resolution, each exact in its own band: off by at most 0.87 of the coarse cell, and always of the right
    sign for a closed mesh.

    A mesh that encloses no node, being flat or thinner than a cell, has a field that is positive everywhere.

    Raises `GeometryError` for a mesh without triangles.
    """
    positions, indices = _outward(vertices, triangles)
    if not len(indices):
        raise GeometryError("A mesh without triangles has no distance field.")
    index = TriangleIndex(positions, indices, device, winding=True)
    resolutions = [resolution]
    while resolutions[0] % 2 == 0 and resolutions[0] // 2 >= COARSEST:
        resolutions.insert(0, resolutions[0] // 2)
    field = index.signed_distance(grid_nodes(resolutions[0], device.torch)).reshape([resolutions[0] + 1] * 3)
    for finer in resolutions[1:]:
        field = _refine(field, finer, index)
    return field


def _refine(coarse: Tensor, resolution: int, index: TriangleIndex) -> Tensor:
    """Twice the resolution: exact near the surface, interpolated elsewhere."""
    field = torch.nn.functional.interpolate(
        coarse[None, None], size=[resolution + 1] * 3, mode="trilinear", align_corners=True
    )[0, 0]
    cell = 2.0 / resolution
    # A distance changes by at most the way moved: interpolation errs by at most half the coarse diagonal, √3 cells.
    near = field.abs() <= (EXACT_CELLS + 3.0**0.5) * cell
    x, y, z = near.nonzero(as_tuple=True)
    nodes = torch.stack([x, y, z], dim=1).to(torch.float32) * cell - 1.0
    field[x, y, z] = index.signed_distance(nodes)
    return field


def _outward(vertices: Tensor | np.ndarray, triangles: Tensor | np.ndarray) -> tuple[Tensor, Tensor]:
    """The mesh, turned where the volume that it encloses is negative."""
    positions = torch.as_tensor(vertices).detach()
    indices = torch.as_tensor(triangles).reshape(-1, 3)
    if not len(indices):
        return positions, indices
    local = positions.double() - positions.double().mean(dim=0)
    a, b, c = local[indices.long()].unbind(dim=1)
    if float((a * torch.linalg.cross(b, c)).sum()) < 0.0:
        indices = indices.flip(1)
    return positions, indices
