"""Samples of surfaces and point sets, each reproducible from a seed.

Surface samples are faces with barycentric weights, so that a Term evaluates positions differentiably.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.thinning import spread_indices


@dataclass(frozen=True)
class SurfaceSamples:
    """Points of a surface: `faces`, shape (n,), int64, and barycentric `weights`, shape (n, 3); no gradient."""

    faces: Tensor
    weights: Tensor

    def positions(self, vertices: Tensor, triangles: Tensor) -> Tensor:
        """Positions, shape (n, 3), differentiable in `vertices`."""
        return interpolate(vertices, triangles, self.faces, self.weights)


def interpolate(values: Tensor, triangles: Tensor, faces: Tensor, weights: Tensor) -> Tensor:
    """Vertex values at barycentric points, shape (n, ...); differentiable in `values`.

    values : of the vertices, shape (vertex_count, k)
    triangles : shape (triangle_count, 3)
    faces, weights : shape (n,) and (n, 3)
    """
    corners = triangles.index_select(0, faces.long()).long().reshape(-1)
    # index_select, for its backward is a plain index_add; fancy indexing sorts.
    return (values.index_select(0, corners).reshape(len(faces), 3, -1) * weights[:, :, None]).sum(dim=1)


def sample_surface(
    vertices: Tensor, triangles: Tensor, count: int, generator: torch.Generator | None = None
) -> SurfaceSamples:
    """`count` points spread evenly by area, stratified: one in each of `count` equal shares of the area.

    Stratifying lowers the variance and leaves samples in the order of the faces, so that queries run through memory
    in order. Raises `GeometryError` where the surface has no finite, positive area.

    vertices : shape (vertex_count, 3); a gradient is ignored
    triangles : shape (triangle_count, 3), any integer type
    generator : source of randomness, on the device of `vertices`
    """
    if count <= 0:
        empty = torch.zeros(0, dtype=torch.int64, device=vertices.device)
        return SurfaceSamples(empty, torch.zeros(0, 3, dtype=vertices.dtype, device=vertices.device))
    with torch.no_grad():
        corners = vertices.detach().index_select(0, triangles.reshape(-1).long()).reshape(-1, 3, 3)
        a, b, c = corners.unbind(dim=1)
        # float64: a float32 running sum over many faces would starve the last ones.
        cumulative = torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1).double().cumsum(dim=0)
        total = float(cumulative[-1]) if len(cumulative) else 0.0
        if not 0.0 < total < float("inf"):
            raise GeometryError("The surface has no area to take samples of.")
        random = torch.rand(3, count, generator=generator, dtype=vertices.dtype, device=vertices.device)
        shares = (torch.arange(count, device=vertices.device, dtype=torch.float64) + random[0].double()) / count
        faces = torch.searchsorted(cumulative, shares * total).clamp(max=len(cumulative) - 1)
        # Square-root mapping of the unit square to the triangle (Turk 1990).
        root = random[1].sqrt()
        weights = torch.stack([1.0 - root, root * (1.0 - random[2]), root * random[2]], dim=1)
    return SurfaceSamples(faces, weights)


def sample_mesh(mesh: Mesh, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions [mm] and unit face normals, both shape (count, 3), float64, and faces, shape (count,)."""
    vertices, triangles = torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.triangles)
    samples = sample_surface(vertices, triangles, count, torch.Generator().manual_seed(seed))
    a, b, c = mesh.vertices[mesh.triangles[samples.faces.numpy()]].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    return samples.positions(vertices, triangles).numpy(), normals, samples.faces.numpy()


def morton_order(positions: np.ndarray | Tensor) -> np.ndarray:
    """Indices, shape (n,), that put points along a Morton curve of 2^16 cells a side, so that neighbours in space are
    neighbours in memory (Morton 1966). Sort fixed query points once."""
    points = positions.detach().cpu().numpy() if isinstance(positions, Tensor) else np.asarray(positions)
    if not len(points):
        return np.zeros(0, np.int64)
    low = points.min(axis=0)
    extent = float((points.max(axis=0) - low).max())
    cells = ((points - low) * (65535.0 / extent if extent > 0 else 0.0)).astype(np.uint64)
    code = _spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1)) | (_spread(cells[:, 2]) << np.uint64(2))
    return np.argsort(code, kind="stable")


def _spread(bits: np.ndarray) -> np.ndarray:
    """Every one of 16 bits followed by two zeros."""
    for shift, mask in ((16, 0x0000FF0000FF), (8, 0x00F00F00F00F), (4, 0x0C30C30C30C3), (2, 0x249249249249)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def thin(points: Points, count: int, seed: int = 0) -> Points:
    """At most `count` of the points, drawn evenly with a seed, in their old order, with normals and Fields."""
    if points.point_count <= count:
        return points
    return select(points, spread_indices(points.point_count, count, seed))


def select(points: Points, kept: np.ndarray) -> Points:
    """The points at `kept` (indices or a mask), with their normals and Fields."""
    fields = {name: replace(field, values=field.values[kept]) for name, field in points.fields.items()}
    normals = None if points.normals is None else points.normals[kept]
    return replace(points, positions=points.positions[kept], normals=normals, fields=fields)
