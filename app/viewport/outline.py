"""What lies within a line drawn on the screen, and what of that is seen. Plain numpy: may be asked in any thread.

What hides what is found in a picture of depths of its own, filled with samples of the drawn triangles. OpenGL's would
have to be read back from the graphics card, at whatever size was drawn last.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from engine.geometry.selection import inside_polygon

DEPTH_PIXELS = 420
"""Pixels of the picture of depths along its longer side, at most."""

SLOPE = 2.5
"""Tangent of the angle to the line of sight that a surface is taken to have where its normals are not known: so much
deeper than what is drawn at its pixel something still counts as seen, in pixels."""

STEEPEST = 6.0
"""The same where they are known, at most."""

MOST_DOTS = 200_000
"""Dots on the screen that hide something; they cover every pixel many times."""

DOT = 2
"""[pixels] that a drawn dot hides around its middle."""


@dataclass(frozen=True)
class Lens:
    """A camera as numbers: all that projecting takes.

    position : (3,) [mm, world]; axes : rows right, up and backward, (3, 3); size : width and height [pixels]
    spread : height of what is seen, [mm] for parallel lines of sight, else per mm of depth
    """

    position: np.ndarray
    axes: np.ndarray
    size: tuple[int, int]
    spread: float
    parallel: bool

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (x right, y down) and depth [mm] of positions (n, 3) [mm, world], shape (n, 3)."""
        local = (points - self.position) @ self.axes.T
        depth = -local[:, 2]
        scale = self.size[1] / (self.spread if self.parallel else self.spread * np.where(depth > 0, depth, np.inf))
        return np.stack([self.size[0] / 2 + local[:, 0] * scale, self.size[1] / 2 - local[:, 1] * scale, depth], axis=1)

    def sights(self, points: np.ndarray) -> np.ndarray:
        """Directions of sight at positions (n, 3), not normalised, shape (n, 3)."""
        return np.broadcast_to(-self.axes[2], points.shape) if self.parallel else points - self.position


class Keeps(Protocol):
    """What is cut away, as `app.viewport.clipping.Cut` knows it."""

    def keeps(self, points: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Shape:
    """Something drawn that may hide what is behind it.

    vertices : (n, 3), placed by `linear` (3, 3), or as they are, at `origin` (3,) [mm, world]
    triangles : (k, 3), or None for dots
    thinned : the true surface may lie an edge of the drawn one away
    """

    vertices: np.ndarray
    linear: np.ndarray | None
    origin: np.ndarray
    triangles: np.ndarray | None
    cut: Keeps
    thinned: bool = False

    def place(self) -> tuple[np.ndarray, np.ndarray | None, float]:
        """Positions [mm, world], the triangles of them that are drawn, and how far the true surface may be [mm]."""
        points = self.vertices.astype(np.float64)
        points = (points if self.linear is None else points @ self.linear.T) + self.origin
        kept = self.cut.keeps(points)
        if self.triangles is None:
            return points[kept], None, 0.0
        edge = 0.0
        if self.thinned:
            corners = points[self.triangles[:: max(1, len(self.triangles) // 500)]]
            edge = float(np.median(np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)))
        return points, self.triangles[kept[self.triangles].all(axis=1)], edge


@dataclass(frozen=True)
class Outline:
    """A closed line on the screen, with what was in front of what.

    polygon : corners [pixels], shape (k, 2); shapes : what may hide something, None where one also selects through
    """

    polygon: np.ndarray
    lens: Lens
    shapes: tuple[Shape, ...] | None = None

    @cached_property
    def depths(self) -> tuple[np.ndarray, float]:
        """See `picture_of_depths`; of many dots it takes a moment."""
        return picture_of_depths(self.lens, self.shapes or ())

    def inside(self, points: np.ndarray, normals: np.ndarray | None = None) -> np.ndarray:
        """Which positions (n, 3) [mm, world] lie within the line and are seen, shape (n,), bool.

        normals : (n, 3), where they are reliable: what faces away is then not seen, however thin the wall is
        """
        low, high = self.polygon.min(axis=0), self.polygon.max(axis=0)
        found = np.zeros(len(points), bool)
        # A piece at a time: ten million positions would take several copies of themselves.
        for begin in range(0, len(points), 1_000_000):
            piece = slice(begin, begin + 1_000_000)
            seen = self.lens.project(points[piece])
            near = np.flatnonzero(
                ((seen[:, :2] >= low) & (seen[:, :2] <= high)).all(axis=1) & (self.lens.parallel | (seen[:, 2] > 0))
            )
            near = near[inside_polygon(seen[near, :2], self.polygon)]
            if self.shapes is not None and normals is None:
                near = near[self._seen(seen[near], SLOPE)]
            elif self.shapes is not None and normals is not None:
                slopes = _slopes(self.lens.sights(points[piece][near]), normals[piece][near])
                near = near[(slopes >= 0.0) & self._seen(seen[near], np.minimum(slopes, STEEPEST))]
            found[begin + near] = True
        return found

    def _seen(self, seen: np.ndarray, slopes: np.ndarray | float) -> np.ndarray:
        depths, slack = self.depths
        rows, columns = depths.shape
        width, height = self.lens.size
        x = np.clip((seen[:, 0] * (columns / width)).astype(np.int64), 0, columns - 1)
        y = np.clip((seen[:, 1] * (rows / height)).astype(np.int64), 0, rows - 1)
        pixel = self.lens.spread * (1.0 if self.lens.parallel else seen[:, 2]) / rows
        # What hides a place may have been drawn at the other end of its pixel, or of a dot.
        dots = any(shape.triangles is None for shape in self.shapes or ())
        away = DOT + 1.5 if dots else 1.5
        return seen[:, 2] <= depths[y, x] + slack + pixel * (0.5 + away * slopes)


def _slopes(sights: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Tangents of the angles between surfaces and the plane of view, (n,); below zero where they face away."""
    towards = -np.einsum("ij,ij->i", sights, normals)
    aside = np.linalg.norm(np.cross(sights, normals), axis=1)
    return np.where(towards >= 0.0, aside / np.maximum(towards, 1e-12 * (aside + 1e-300)), -1.0)


def picture_of_depths(lens: Lens, shapes: Iterable[Shape]) -> tuple[np.ndarray, float]:
    """Depth [mm] of the nearest thing at every pixel, infinite where there is none, shape (rows, columns), and how far
    it may lie before the true surface [mm]."""
    width, height = lens.size
    shrink = min(1.0, DEPTH_PIXELS / max(width, height, 1))
    columns, rows = max(1, round(width * shrink)), max(1, round(height * shrink))
    depths, slack = np.full(rows * columns, np.inf), 0.0
    for shape in shapes:
        points, triangles, coarse = shape.place()
        slack = max(slack, coarse)
        seen = lens.project(points) * (columns / width, rows / height, 1.0)
        if triangles is None:
            there = (seen[:, :2] >= 0).all(axis=1) & (seen[:, :2] < (columns, rows)).all(axis=1)
            seen = seen[there]
            seen = seen[:: max(1, len(seen) // MOST_DOTS)]
            for dx in range(-DOT, DOT + 1):
                for dy in range(-DOT, DOT + 1):
                    _put(depths, (rows, columns), seen + np.array([dx, dy, 0.0]), lens.parallel)
        else:
            _put(depths, (rows, columns), seen[np.unique(triangles)], lens.parallel)
            _fill(depths, (rows, columns), lens, points, triangles, (columns / width, rows / height, 1.0))
    return depths.reshape(rows, columns), slack


def _fill(
    depths: np.ndarray,
    shape: tuple[int, int],
    lens: Lens,
    points: np.ndarray,
    triangles: np.ndarray,
    shrink: tuple[float, float, float],
) -> None:
    """Sample the triangles that are larger than a pixel, each as finely as it is large."""
    corners = (lens.project(points) * shrink)[triangles]
    ahead = (corners[:, :, 2] > 0).all(axis=1) | lens.parallel
    edges = np.abs(corners - np.roll(corners, 1, axis=1))[:, :, :2].max(axis=(1, 2))
    on_screen = (corners[:, :, :2].max(axis=1) >= 0).all(axis=1)
    on_screen &= (corners[:, :, :2].min(axis=1) < (shape[1], shape[0])).all(axis=1)
    level = np.ceil(np.log2(np.maximum(edges, 1.0))).astype(int)
    for power in np.unique(level[ahead & on_screen & (level > 0)]):
        count = min(2 ** int(power), 512)
        chosen = triangles[ahead & on_screen & (level == power)]
        row, column = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        kept = row + column <= count
        weights = np.stack([row[kept], column[kept], (count - row - column)[kept]], axis=1) / count
        for begin in range(0, len(chosen), max(1, 400_000 // len(weights))):
            piece = points[chosen[begin : begin + max(1, 400_000 // len(weights))]]
            samples = np.einsum("sc,tcd->tsd", weights, piece).reshape(-1, 3)
            _put(depths, shape, lens.project(samples) * shrink, lens.parallel)


def _put(depths: np.ndarray, shape: tuple[int, int], seen: np.ndarray, parallel: bool) -> None:
    rows, columns = shape
    x, y = np.floor(seen[:, 0]), np.floor(seen[:, 1])
    there = (x >= 0) & (x < columns) & (y >= 0) & (y < rows) & (parallel | (seen[:, 2] > 0))
    places = (y[there] * columns + x[there]).astype(np.int64)
    np.minimum.at(depths, places, seen[there, 2])
