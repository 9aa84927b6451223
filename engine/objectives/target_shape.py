"""The shape that a simulated body is to take: a mesh, or the points of a scan. Metres."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import PointIndex, TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sampling import sample_mesh, thin

MOST_SAMPLES = 4000
"""Points of the target that are looked at."""

MILLIMETRE = 1e-3


class TargetShape:
    """geometry : a mesh or a scan [mm]

    vertices : of a mesh, or the points [m], shape (n, 3): for who knows which vertex belongs to which
    samples : points spread over it [m], shape (m, 3)
    """

    def __init__(self, geometry: Mesh | Points, device: Device, *, seed: int = 0) -> None:
        self._device = device
        if isinstance(geometry, Mesh):
            if not geometry.triangle_count:
                raise GeometryError(f"{geometry.name} has no triangles to fit a sheet to.")
            positions = geometry.vertices
            count = min(MOST_SAMPLES, max(4 * len(positions), 500))
            samples = sample_mesh(geometry, count, seed)[0]
        else:
            positions = geometry.positions
            if not len(positions):
                raise GeometryError(f"{geometry.name} has no points to fit a sheet to.")
            many = len(positions) > MOST_SAMPLES
            samples = thin(geometry, MOST_SAMPLES, seed).positions if many else positions
        self.name = geometry.name
        self._first = geometry
        self._first_samples = samples
        self.place(np.eye(4))

    def place(self, matrix: np.ndarray) -> None:
        """Let it stand elsewhere.

        matrix : from where it stood at first [mm], homogeneous, shape (4, 4)
        """
        first, still = self._first, np.array_equal(matrix, np.eye(4))
        self.matrix = np.array(matrix, np.float64)
        mesh = isinstance(first, Mesh)
        positions = _moved(first.vertices if isinstance(first, Mesh) else first.positions, matrix)
        changes: Any = {"vertices": positions} if mesh else {"positions": positions, "normals": None}
        self.geometry = first if still else replace(first, **changes)
        self.vertices = self._metres(positions)
        self.samples = self._metres(_moved(self._first_samples, matrix))
        self._triangles: TriangleIndex | None = None
        if isinstance(first, Mesh):
            self._triangles = TriangleIndex(positions * MILLIMETRE, first.triangles, self._device)
        else:
            self._points = PointIndex(positions * MILLIMETRE)

    def _metres(self, positions: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(positions * MILLIMETRE)).to(self._device.torch)

    def closest(self, points: Tensor) -> Tensor:
        """The place of the target nearest to each of `points` [m], shape (n, 3); without gradient."""
        if self._triangles is not None:
            return self._triangles.closest(points.detach()).positions
        return self.vertices[self._points.nearest(points.detach()).indices]


def _moved(positions: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    if np.array_equal(matrix, np.eye(4)):
        return positions
    moved: np.ndarray = positions @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def nearest_on(positions: Tensor, triangles: Tensor, points: Tensor, device: Device) -> Tensor:
    """The place of a surface nearest to each of `points`, shape (n, 3), with the graph to its `positions`.

    Which triangle that is, and where on it, is held: to first order the distance does not change with them (envelope
    theorem).
    """
    found = TriangleIndex(positions.detach(), triangles, device).closest(points)
    corners = positions[triangles[found.faces.long()]]
    return (corners * found.weights[:, :, None]).sum(dim=1)
