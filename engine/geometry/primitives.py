"""Closed surfaces of simple bodies about the origin, wound outwards, in any unit of length.

Each returns vertices, shape (vertex_count, 3), and triangles, shape (triangle_count, 3), int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from engine.core.errors import GeometryError
from engine.geometry.sheets import disk_rings, disk_sheet, regular_sheet

MAX_CYLINDER_POINTS = 2_000_000
"""Of one filled with tetrahedra: a slender one has as many layers as its length over the size of its cells."""


def square(size: float, cells: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A square in the plane z = 0 with its normal along z: open, the one that encloses nothing."""
    return regular_sheet(size, size, cells, cells)


def box_surface(size: Sequence[float], cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A box of `size` along x, y and z, in `cells` along its longest side."""
    counts = box_cells(size, cells)
    lattice, triangles = _lattice_box(counts)
    return (lattice / counts - 0.5) * np.asarray(size), triangles


def ball_surface(radius: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A ball whose vertices lie on the sphere: each side of a cube, in `cells` along and across, blown up."""
    lattice, triangles = _lattice_box(np.full(3, cells))
    # The tangent makes the cells of a side as large at its edges as in its middle.
    cube = np.tan(0.25 * np.pi * (2.0 * lattice / cells - 1.0))
    return radius * cube / np.linalg.norm(cube, axis=1, keepdims=True), triangles


def cylinder_surface(radius: float, height: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A cylinder along z whose vertices lie on it, in `cells` across its diameter."""
    rings, layers = cylinder_cells(radius, height, cells)
    disk, faces = disk_sheet(radius, radius / rings)
    rim = disk_rings(rings)[-1]
    count, round_ = len(disk), len(rim)
    levels = np.linspace(-0.5, 0.5, layers + 1) * height
    up = np.array([0.0, 0.0, 1.0])
    inner = [disk[rim] + level * up for level in levels[1:-1]]
    vertices = np.concatenate([disk + levels[0] * up, *inner, disk + levels[-1] * up])
    between = [count + round_ * layer + np.arange(round_) for layer in range(layers - 1)]
    top = count + round_ * (layers - 1)
    walls = [rim, *between, rim + top]
    triangles = [faces[:, ::-1], faces + top]
    for low, high in pairwise(walls):
        triangles.append(np.stack([low, np.roll(low, -1), np.roll(high, -1)], axis=1))
        triangles.append(np.stack([low, np.roll(high, -1), high], axis=1))
    return vertices, np.concatenate(triangles)


def box_cells(size: Sequence[float], cells: int) -> np.ndarray:
    """Cells along x, y and z that are as long as wide, or nearly: `cells` along the longest side, at least one."""
    return np.maximum(1, np.rint(cells * np.asarray(size) / max(size))).astype(np.int64)


def cylinder_cells(radius: float, height: float, cells: int) -> tuple[int, int]:
    """Rings round the axis and layers along it, for `cells` across the diameter. Raises `GeometryError` for far too
    many of them."""
    rings = max(1, round(cells / 2))
    layers = max(1.0, height * rings / radius)
    if 3.0 * rings**2 * layers > MAX_CYLINDER_POINTS:
        raise GeometryError(
            "The cylinder would have too many vertices.", remedy="Use fewer cells, or make it less slender."
        )
    return rings, round(layers)


def _lattice_box(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Surface of a box of counts[0] · counts[1] · counts[2] cells: whole coordinates, and triangles."""
    points, triangles, first = [], [], 0
    for axis in range(3):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        _, faces = regular_sheet(1.0, 1.0, int(counts[one]), int(counts[other]))
        u, v = np.meshgrid(np.arange(counts[one] + 1), np.arange(counts[other] + 1), indexing="ij")
        for level in (0, counts[axis]):
            side = np.empty((u.size, 3), np.int64)
            side[:, axis], side[:, one], side[:, other] = level, u.reshape(-1), v.reshape(-1)
            points.append(side)
            triangles.append((faces if level else faces[:, ::-1]) + first)
            first += len(side)
    lattice, number = np.unique(np.concatenate(points), axis=0, return_inverse=True)
    return lattice, number.reshape(-1)[np.concatenate(triangles)]
