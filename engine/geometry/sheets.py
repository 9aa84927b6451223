"""Flat sheets in the plane z = 0 with normals along z: rectangles and disks."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay

from engine.core.errors import GeometryError

MAX_POINTS = 500_000
"""Of a sheet that is meshed by a spacing."""


def regular_sheet(width: float, height: float, columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A grid of rectangles, each cut along the same diagonal, centred on the origin in the plane z = 0.

    Returns positions [m], shape ((columns + 1) · (rows + 1), 3), x by x, and triangles with normals along z, shape
    (2 · columns · rows, 3).
    """
    x, y = np.linspace(-0.5, 0.5, columns + 1) * width, np.linspace(-0.5, 0.5, rows + 1) * height
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    number = np.arange(len(grid)).reshape(columns + 1, rows + 1)
    a, b, c, d = (part.reshape(-1) for part in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return _flat(grid), triangles


def scattered_sheet(
    width: float, height: float, columns: int, rows: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `regular_sheet`, with the inner vertices anywhere: the Delaunay triangulation of random points."""
    positions, _ = regular_sheet(width, height, columns, rows)
    half = 0.5 * np.array([width, height])
    inner = (np.abs(positions[:, :2]) < half * (1.0 - 1e-9)).all(axis=1)
    # Not so close to the border that a triangle there has no height.
    margin = 1.0 - 0.6 / np.array([columns, rows])
    generator = np.random.default_rng(seed)
    positions[inner, :2] = generator.uniform(-half * margin, half * margin, (int(inner.sum()), 2))
    triangles = np.asarray(Delaunay(positions[:, :2]).simplices, np.int64)
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    turned = np.cross(b - a, c - a)[:, 2] < 0.0
    triangles[turned] = triangles[turned][:, ::-1]
    return positions, triangles


def disk_sheet(radius: float, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """A disk about the origin: rings about `spacing` apart, six more vertices on each than on the one within.

    The outermost lie on the circle. Returns positions, shape (vertex_count, 3), ring by ring from the middle, and
    triangles, shape (triangle_count, 3). Raises `GeometryError` for more than `MAX_POINTS`.
    """
    if 3.0 * (radius / spacing) ** 2 > MAX_POINTS:
        raise GeometryError("The sheet would have too many triangles.", remedy="Use a larger spacing.")
    count = max(1, round(radius / spacing))
    points = [np.zeros((1, 2))]
    for ring in range(1, count + 1):
        angle = 2.0 * np.pi * np.arange(6 * ring) / (6 * ring)
        points.append(radius * ring / count * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    numbers = disk_rings(count)
    triangles = []
    for ring in range(1, count + 1):
        inner, outer = numbers[ring - 1], numbers[ring]
        for sixth in range(6):
            out = outer[(sixth * ring + np.arange(ring + 1)) % (6 * ring)]
            within = inner[(sixth * (ring - 1) + np.arange(ring)) % max(6 * (ring - 1), 1)]
            triangles.append(np.stack([within, out[:-1], out[1:]], axis=1))
            triangles.append(np.stack([within[:-1], out[1:-1], within[1:]], axis=1))
    return _flat(np.concatenate(points)), np.concatenate(triangles)


def disk_rings(count: int) -> list[np.ndarray]:
    """Numbers of a disk's vertices, ring by ring from the middle, counter-clockwise."""
    first = [0, *(1 + 3 * ring * (ring - 1) for ring in range(1, count + 1))]
    return [np.arange(1), *(first[ring] + np.arange(6 * ring) for ring in range(1, count + 1))]


def _flat(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points, np.zeros((len(points), 1))], axis=1)
