"""Meshes of plates by mapping a grid: no mesher is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.regression.generation.grids import grid_triangles
from engine.regression.generation.shapes import HALF_WIDTH, HEIGHT, Flanks


@dataclass(frozen=True)
class PlateMesh:
    """A plate that stands on its bottom side.

    vertices : positions [mm], shape (vertex_count, 2)
    triangles : counter-clockwise, shape (triangle_count, 3), int32
    corners : vertices at bottom left, bottom right, top right and top left, shape (4,)
    """

    vertices: np.ndarray
    triangles: np.ndarray
    corners: np.ndarray


def plate_mesh(flanks: Flanks, *, columns: int, rows: int) -> PlateMesh:
    """Map a grid of columns × rows vertices onto the plate; rows are denser where a flank bends."""
    heights = _graded(flanks, rows)
    left, right = -HALF_WIDTH + flanks.left(heights), HALF_WIDTH - flanks.right(heights)
    share = np.linspace(0.0, 1.0, columns)
    x = left[:, None] * (1.0 - share) + right[:, None] * share
    vertices = np.stack([x, np.repeat(heights[:, None], columns, axis=1)], axis=-1).reshape(-1, 2)
    last = rows * columns - 1
    return PlateMesh(vertices, grid_triangles(rows, columns), np.array([0, columns - 1, last, last - columns + 1]))


def _graded(flanks: Flanks, rows: int) -> np.ndarray:
    """Heights of the rows [mm]: evenly spread over the height, and over the length and the turning of both flanks."""
    y = np.linspace(0.0, HEIGHT, 2001)
    density = np.ones_like(y)
    for flank in (flanks.left, flanks.right):
        slope = np.gradient(flank(y), y)
        turning = np.abs(np.gradient(np.arctan(slope), y))
        density += 0.5 * (np.hypot(1.0, slope) - 1.0) + 0.6 * np.minimum(turning, 4.0)
    window = np.hanning(121)
    smooth = np.convolve(np.pad(density, 60, mode="edge"), window / window.sum(), mode="valid")
    spread = np.concatenate([[0.0], np.cumsum((smooth[1:] + smooth[:-1]) / 2.0)])
    return np.interp(np.linspace(0.0, spread[-1], rows), spread, y)
