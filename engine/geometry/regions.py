"""Vertices of a body that a Scene's Region means. Plain numpy."""

from __future__ import annotations

import numpy as np

from engine.core.errors import ParameterError
from engine.geometry.topology import half_edges
from engine.protocol.scene import Region

SAME = 1e-6
"""Part of a body's size within which coordinates are the same, and what is at a region's border is in it."""

SIDES = {"left": (0, 0), "right": (0, 1), "bottom": (1, 0), "top": (1, 1)}
"""Axis and end (0 the low one) of the sides of a rectangle."""


def region_vertices(
    region: Region, positions: np.ndarray, triangles: np.ndarray, *, local: np.ndarray | None = None
) -> np.ndarray:
    """Numbers of the vertices, ascending, int64.

    positions : of the body in the world at the start [m], shape (vertex_count, 3)
    triangles : of its surface, by its own numbers, shape (triangle_count, 3)
    local : positions before its placement; sides and corners want them

    Raises `ParameterError` where no vertex is meant, or one that there is not.
    """
    found = np.asarray(np.unique(_vertices(region, positions, triangles, local)), np.int64)
    if not len(found):
        remedy = "The body is closed." if region.kind == "border" else "Move it, or make it larger."
        raise ParameterError("region", f"there is no vertex in it ({_words(region)}).", remedy=remedy)
    return found


def _vertices(
    region: Region, positions: np.ndarray, triangles: np.ndarray, local: np.ndarray | None
) -> np.ndarray | list[int]:
    count = len(positions)
    size = float(np.ptp(positions, axis=0).max()) if count else 0.0
    if region.kind == "all":
        return np.arange(count)
    if region.kind == "border":
        edges = half_edges(triangles)
        alone = edges.order[edges.first[edges.count == 1]]
        return np.concatenate([edges.start[alone], edges.end[alone]])
    if region.kind == "box":
        low, high = np.minimum(region.low, region.high), np.maximum(region.low, region.high)
        return np.flatnonzero(((positions >= low - SAME * size) & (positions <= high + SAME * size)).all(axis=1))
    if region.kind == "ball":
        away = np.linalg.norm(positions - np.asarray(region.centre), axis=1)
        return np.flatnonzero(away <= region.radius + SAME * size)
    if region.kind == "vertices":
        missing = [vertex for vertex in region.vertices if not 0 <= vertex < count]
        if missing:
            raise ParameterError("region", f"there is no vertex {missing[0]}: the body has {count}.")
        return region.vertices
    return _at_ends(region, local)


def _at_ends(region: Region, local: np.ndarray | None) -> np.ndarray:
    """Vertices of a side, or of a corner, of the box round a flat sheet."""
    names = [region.side] if region.kind == "side" else region.corner.split("-")
    if "" in names:
        raise ParameterError("region", f"it does not say which {region.kind}.")
    if local is None:
        raise ParameterError("region", f"only a rectangle has a {region.kind}.", remedy="Use a box or vertices.")
    within = np.ones(len(local), bool)
    size = np.ptp(local, axis=0).max()
    for name in names:
        axis, end = SIDES[name]
        extreme = local[:, axis].max() if end else local[:, axis].min()
        within &= np.abs(local[:, axis] - extreme) <= SAME * size
    return np.flatnonzero(within)


def _words(region: Region) -> str:
    if region.kind == "box":
        return f"a box from {region.low} to {region.high} m"
    if region.kind == "ball":
        return f"a ball of {region.radius:g} m about {region.centre} m"
    return {"side": region.side, "corner": region.corner}.get(region.kind) or region.kind
