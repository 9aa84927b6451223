"""Triangles to pixels: which triangle is seen where. With no OpenGL, so that it is the same on every screen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MOST_PAIRS = 2_000_000
"""Pairs of a pixel and a triangle's box that are looked at together: more would take too much memory at once."""
NEAR = 1e-6
"""Pixels outside the box of a triangle at which a centre still counts."""
SLACK = 1e-6
"""How far outside a triangle a pixel's centre still counts, in parts of it: no seams between neighbours."""


@dataclass(frozen=True)
class Raster:
    """What is seen.

    faces : the triangle at each pixel, -1 for none, shape (height, width)
    chosen : the triangles that may be seen, those that lie between the centres of pixels left out
    planes : of the three barycentric weights of these over the pixels: weight k of triangle chosen[f] at the centre of
        pixel (x, y) is planes[f, k] @ (x + ½, y + ½, 1); shape (chosen_count, 3, 3)
    rows : where in `chosen` the triangle at each pixel is, -1 for none, shape (height, width)
    """

    faces: np.ndarray
    chosen: np.ndarray
    planes: np.ndarray
    rows: np.ndarray

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Values at the nodes, shape (node_count,), at every pixel; NaN where there is no triangle."""
        y, x = np.nonzero(self.rows >= 0)
        corners = np.asarray(values, np.float64)[triangles[self.chosen]]
        slopes = np.einsum("fkj,fk->jf", self.planes, corners)
        row = self.rows[y, x]
        out = np.full(self.faces.shape, np.nan)
        out[y, x] = slopes[0][row] * (x + 0.5) + slopes[1][row] * (y + 0.5) + slopes[2][row]
        return out

    def node_at(self, column: int, row: int, triangles: np.ndarray) -> int:
        """The node nearest to a pixel, of the triangle that is seen there; -1 where there is none."""
        height, width = self.faces.shape
        if not (0 <= column < width and 0 <= row < height):
            return -1
        face = int(self.faces[row, column])
        if face < 0:
            return -1
        weights = self.planes[self.rows[row, column]] @ (column + 0.5, row + 0.5, 1.0)
        return int(triangles[face, int(np.argmax(weights))])


def rasterize(places: np.ndarray, triangles: np.ndarray, width: int, height: int) -> Raster:
    """See triangles on a grid of pixels.

    places : of the nodes in pixels, y down, shape (node_count, 2), and their depth (greater: nearer) where there is a
        third column: what is nearer hides what is behind
    triangles : shape (triangle_count, 3)
    """
    flat = np.asarray(places[:, :2], np.float64)
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    # The centres of pixels in the box of each triangle: of a fine mesh most boxes hold none.
    low = np.ceil(np.minimum(np.minimum(a, b), c) - (0.5 + NEAR))
    high = np.floor(np.maximum(np.maximum(a, b), c) - (0.5 - NEAR))
    low, high = np.maximum(low, 0.0), np.minimum(high, [width - 1.0, height - 1.0])
    chosen = np.flatnonzero((high[:, 0] >= low[:, 0]) & (high[:, 1] >= low[:, 1]))
    planes, seen = _planes(a[chosen], b[chosen], c[chosen])
    chosen, planes = chosen[seen], planes[seen]
    if places.shape[1] > 2 and len(chosen):
        order = np.argsort(places[:, 2][triangles[chosen]].mean(axis=1), kind="stable")
        chosen, planes = chosen[order], planes[order]
    low, high = low[chosen].astype(np.int64), high[chosen].astype(np.int64)
    rows = np.full(height * width, -1, np.int32)
    size = high - low + 1
    ends = np.cumsum(size[:, 0] * size[:, 1])
    begin = 0
    while begin < len(chosen):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + MOST_PAIRS, side="right")))
        _fill(rows, begin, low[begin:end], size[begin:end], planes[begin:end], width)
        begin = end
    faces = np.append(chosen, -1)[rows]  # the last one, -1, for pixels without a triangle
    return Raster(faces.reshape(height, width), chosen, planes, rows.reshape(height, width))


def _fill(rows: np.ndarray, first: int, low: np.ndarray, size: np.ndarray, planes: np.ndarray, width: int) -> None:
    """Let the pixels inside of these triangles be theirs, whose rows begin with `first`; the last one wins."""
    counts = size[:, 0] * size[:, 1]

    def each(values: np.ndarray) -> np.ndarray:
        """A value a triangle for each of its pixels; much faster than an index."""
        return np.repeat(values, counts)

    place = np.arange(int(counts.sum())) - each(np.cumsum(counts) - counts)
    across = each(size[:, 0])
    down = ((place + 0.5) / across).astype(np.int64)
    across = place - down * across
    at = planes[:, :, 0] * (low[:, 0, None] + 0.5) + planes[:, :, 1] * (low[:, 1, None] + 0.5) + planes[:, :, 2]
    inside = np.ones(len(place), bool)
    for k in range(3):
        inside &= each(at[:, k]) + each(planes[:, k, 0]) * across + each(planes[:, k, 1]) * down >= -SLACK
    pixels = (across + down * width + each(low[:, 0] + low[:, 1] * width))[inside]
    rows[pixels] = each(np.arange(first, first + len(counts), dtype=np.int32))[inside]


def _planes(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The barycentric weights as planes over the pixels, and which triangles have an area, of their corners (n, 2)."""
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    seen = np.isfinite(area) & (area != 0.0)
    share = 1.0 / np.where(seen, area, 1.0)
    planes = np.empty((len(area), 3, 3))
    for k, (p, q) in enumerate(((b, c), (c, a), (a, b))):
        planes[:, k, 0] = (p[:, 1] - q[:, 1]) * share
        planes[:, k, 1] = (q[:, 0] - p[:, 0]) * share
        planes[:, k, 2] = (p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]) * share
    return planes, seen
