"""Start fields of an open surface on the nodes of [-1, 1]^3: a closed template that runs through it, and where it is
open.

Behind the surface (against its normals) the template is a slab. Round its border the slab goes on straight, so that the
border lies on the template's flat part; its far side, and what goes beyond the border, is where the manifold signed
distance is negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex
from engine.geometry.segments import SegmentIndex
from engine.geometry.start import grid_nodes
from engine.geometry.topology import half_edges

THICKNESS_CELLS = 4.0
"""Of the slab. Half of it is more than the reach of a cell, so that the far side shows nowhere."""

DEEPEST = 0.09
"""Working lengths: what lies further behind the surface is hidden. Less than the room beside the target in the grid, so
that no slab shows where it leaves the grid."""

EXTENSION_CELLS = 2.5
"""How far the template goes on beyond the border."""

ON_FEATURE = 1e-9
"""Barycentric weights below this are zero: the nearest point lies on an edge or at a vertex."""


@dataclass(frozen=True)
class OpenStart:
    """At the grid's nodes, shape (n + 1, n + 1, n + 1), float32.

    field : negative inside the template; msdf : negative where it is open
    inward : distance from the border along the surface, negative beyond it and wherever it is not looked at
    """

    field: Tensor
    msdf: Tensor
    inward: Tensor


@dataclass(frozen=True)
class SheetPlaces:
    """Where places are, seen from an open surface.

    height : above it, along its normals, shape (count,)
    inward : distance from its border along it, negative beyond, shape (count,)
    depth : how far behind it, negative in front, shape (count,); where the surface folds, more than −height
    """

    height: Tensor
    inward: Tensor
    depth: Tensor


class OpenMesh:
    """A triangle mesh with a border, for start fields.

    vertices, triangles : working frame; neighbours run through their common edge in opposite directions
    """

    def __init__(self, vertices: Tensor, triangles: Tensor, device: Device) -> None:
        self._vertices = vertices.to(device.torch, torch.float64)
        self._triangles = triangles.to(device.torch, torch.int64)
        self._device = device
        self._index = TriangleIndex(self._vertices, triangles, device)
        normals, border_sides = _feature_normals(self._vertices.cpu().numpy(), self._triangles.cpu().numpy())
        self._normals = torch.from_numpy(normals).to(device.torch)
        self._border_sides = torch.from_numpy(border_sides).to(device.torch)
        at_border = torch.zeros(len(vertices), dtype=torch.bool, device=device.torch)
        sides = torch.stack([self._triangles, self._triangles.roll(-1, dims=1)], dim=2)[self._border_sides]
        at_border[sides.reshape(-1)] = True
        self._at_border = at_border
        self.border = sides
        if not len(sides):
            raise GeometryError("A mesh without a border is closed.")
        self._border = SegmentIndex(self._vertices[sides], device)

    def near(self, points: Tensor, reach: float) -> Tensor:
        """Which of `points` lie within `reach`, shape (count,), bool."""
        return self._index.closest(points, reach).faces >= 0

    def places(self, points: Tensor) -> SheetPlaces:
        """Of `points`, shape (count, 3), float32."""
        found = self._index.closest(points.to(torch.float64))
        face = found.faces.to(torch.int64)
        weights, away = found.weights, points.to(torch.float64) - found.positions
        zero = weights < ON_FEATURE
        count = zero.sum(dim=1)
        # Features of a triangle: 0 its face, 1 … 3 its sides (i, i + 1), 4 … 6 its corners.
        side = 1 + (zero.to(torch.int64).argmax(dim=1) + 1) % 3
        corner = 4 + weights.argmax(dim=1)
        feature = torch.where(count == 0, 0, torch.where(count == 1, side, corner))
        normal = self._normals[face, feature]
        beyond = (count == 1) & self._border_sides[face, (side - 1)]
        beyond |= (count >= 2) & self._at_border[self._triangles[face, corner - 4]]
        distance = found.distances
        along = (away * normal).sum(dim=1)
        height = torch.where(beyond, along, torch.where(along < 0, -distance, distance))
        to_border = self._border.distance(found.positions)
        inward = torch.where(beyond, -(distance**2 - along**2).clamp(min=0.0).sqrt(), to_border)
        return SheetPlaces(height, inward, -height)


def slab_start(places: SheetPlaces, near: Tensor, resolution: int) -> OpenStart:
    """Template and mSDF of an open surface.

    places : of those nodes of the grid, in C order of (x, y, z), that are `near`; all others are outside and open
    """
    cell = 2.0 / resolution
    thickness, extension = slab_size(resolution)
    inside = torch.maximum(places.height, -places.height - thickness)
    inside = torch.maximum(inside, -places.inward - extension)
    shape = (resolution + 1,) * 3
    field = torch.full((len(near),), 2.0 * cell, dtype=torch.float32, device=near.device)
    msdf = torch.full((len(near),), -extension, dtype=torch.float32, device=near.device)
    field[near] = inside.clamp(max=2.0 * cell).to(torch.float32)
    msdf[near] = torch.minimum(places.inward, min(thickness / 2.0, DEEPEST) - places.depth).to(torch.float32)
    inward = torch.full_like(msdf, -extension)
    inward[near] = places.inward.to(torch.float32)
    return OpenStart(field.reshape(shape), msdf.reshape(shape), inward.reshape(shape))


def slab_size(resolution: int) -> tuple[float, float]:
    """Thickness and extension beyond the border, working lengths."""
    cell = 2.0 / resolution
    return THICKNESS_CELLS * cell, EXTENSION_CELLS * cell


def slab_reach(resolution: int) -> float:
    """Nodes further than this from the surface are outside."""
    thickness, extension = slab_size(resolution)
    return float(np.hypot(thickness, extension)) + 2.0 * 2.0 / resolution


def open_mesh_start(mesh: OpenMesh, resolution: int, device: Device) -> OpenStart:
    """Template and mSDF of an open mesh."""
    nodes = grid_nodes(resolution, device.torch).reshape(-1, 3)
    near = mesh.near(nodes, slab_reach(resolution))
    return slab_start(mesh.places(nodes[near]), near, resolution)


def _feature_normals(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit pseudonormals of the seven features of every triangle, shape (triangle_count, 7, 3), and whether each of its
    sides has no other triangle, shape (triangle_count, 3).

    The sign of a distance is that of the angle-weighted pseudonormal at the nearest point (Bærentzen and Aanæs, 2005).
    """
    corners = vertices[triangles]
    along = np.roll(corners, -1, axis=1) - corners
    normals = _unfolded(np.cross(along[:, 0], -along[:, 2]), triangles, len(vertices))
    back = np.roll(-along, 1, axis=1)
    cosine = (_unit(along) * _unit(back)).sum(axis=2).clip(-1.0, 1.0)
    at_vertices = np.zeros_like(vertices)
    np.add.at(at_vertices, triangles.reshape(-1), (np.arccos(cosine)[..., None] * normals[:, None]).reshape(-1, 3))
    edges = half_edges(triangles)
    sums = np.add.reduceat(normals[edges.order // 3], edges.first, axis=0)
    at_sides = np.empty((len(triangles) * 3, 3))
    at_sides[edges.order] = np.repeat(sums, edges.count, axis=0)
    alone = np.empty(len(triangles) * 3, bool)
    alone[edges.order] = np.repeat(edges.count == 1, edges.count)
    features = np.concatenate([normals[:, None], at_sides.reshape(-1, 3, 3), at_vertices[triangles]], axis=1)
    return _unit(features), alone.reshape(-1, 3)


def _unfolded(area_vectors: np.ndarray, triangles: np.ndarray, vertex_count: int) -> np.ndarray:
    """Unit normals of triangles. One that faces against all that surround it is folded over its neighbours, as scans
    and fillets have them, and takes their normal: else there is no telling the sides of its edges."""
    around = np.zeros((vertex_count, 3))
    np.add.at(around, triangles.reshape(-1), np.repeat(area_vectors, 3, axis=0))
    others = around[triangles].sum(axis=1) - 3.0 * area_vectors
    folded = (area_vectors * others).sum(axis=1) < 0.0
    return _unit(np.where(folded[:, None], others, area_vectors))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300))
