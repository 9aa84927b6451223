"""Triangles to pixels: which triangle is seen where. With no OpenGL, so that it is the same on every screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_PAIRS = 2_000_000
"""Pairs of a pixel and a triangle's box that are looked at together: more would take too much memory at once."""
SLACK = 1e-6
"""How far outside a triangle a pixel's centre still counts, in parts of it: no seams between neighbours."""


@dataclass(frozen=True)
class Raster:
    """What is seen.

    faces : the triangle at each pixel, -1 for none, shape (height, width)
    planes : of each triangle's three barycentric weights over the pixels: weight k of triangle f at the centre of
        pixel (x, y) is planes[f, k] @ (x + ½, y + ½, 1); shape (triangle_count, 3, 3)
    """

    faces: np.ndarray
    planes: np.ndarray

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Values at the nodes, shape (node_count,), at every pixel; NaN where there is no triangle."""
        rows, columns = np.nonzero(self.faces >= 0)
        found = self.faces[rows, columns]
        corners = np.asarray(values, np.float64)[triangles]
        slopes = (self.planes * corners[:, :, None]).sum(axis=1)[found]
        out = np.full(self.faces.shape, np.nan)
        out[rows, columns] = slopes[:, 0] * (columns + 0.5) + slopes[:, 1] * (rows + 0.5) + slopes[:, 2]
        return out

    def node_at(self, column: int, row: int, triangles: np.ndarray) -> int:
        """The node nearest to a pixel, of the triangle that is seen there; -1 where there is none."""
        height, width = self.faces.shape
        if not (0 <= column < width and 0 <= row < height):
            return -1
        face = int(self.faces[row, column])
        if face < 0:
            return -1
        weights = self.planes[face] @ (column + 0.5, row + 0.5, 1.0)
        return int(triangles[face, int(np.argmax(weights))])


def rasterize(places: np.ndarray, triangles: np.ndarray, width: int, height: int) -> Raster:
    """See triangles on a grid of pixels.

    places : of the nodes in pixels, y down, shape (node_count, 2), and their depth (greater: nearer) where there is a
        third column: what is nearer hides what is behind
    triangles : shape (triangle_count, 3)
    """
    corners = np.asarray(places[:, :2], np.float64)[triangles]
    planes, seen = _planes(corners)
    low = np.floor(corners.min(axis=1) - 0.5).astype(np.int64)
    high = np.ceil(corners.max(axis=1) - 0.5).astype(np.int64)
    low, high = np.maximum(low, 0), np.minimum(high, [width - 1, height - 1])
    seen &= (high >= low).all(axis=1)
    order = np.flatnonzero(seen)
    if places.shape[1] > 2 and len(order):
        depth = places[:, 2][triangles[order]].mean(axis=1)
        order = order[np.argsort(depth, kind="stable")]
    faces = np.full(height * width, -1, np.int32)
    size = high - low + 1
    ends = np.cumsum(size[order].prod(axis=1))
    begin = 0
    while begin < len(order):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + MOST_PAIRS, side="right")))
        _fill(faces, order[begin:end], low, size, planes, width)
        begin = end
    return Raster(faces.reshape(height, width), planes)


def _fill(
    faces: np.ndarray, chosen: np.ndarray, low: np.ndarray, size: np.ndarray, planes: np.ndarray, width: int
) -> None:
    """Let the pixels inside of these triangles be theirs; the last one wins."""
    counts = size[chosen].prod(axis=1)
    face = np.repeat(chosen, counts)
    place = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    down, across = np.divmod(place, size[face, 0])
    x, y = across + low[face, 0], down + low[face, 1]
    inside = np.ones(len(face), bool)
    for k in range(3):
        plane = planes[:, k][face]
        inside &= plane[:, 0] * (x + 0.5) + plane[:, 1] * (y + 0.5) + plane[:, 2] >= -SLACK
    faces[(y * width + x)[inside]] = face[inside]


def _planes(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The barycentric weights as planes over the pixels, and which triangles have an area."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    seen = np.isfinite(area) & (area != 0.0)
    safe = np.where(seen, area, 1.0)[:, None]
    planes = []
    for p, q in ((b, c), (c, a), (a, b)):
        plane = np.stack([p[:, 1] - q[:, 1], q[:, 0] - p[:, 0], p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]], axis=1)
        planes.append(plane / safe)
    return np.nan_to_num(np.stack(planes, axis=1)), seen
