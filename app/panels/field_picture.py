"""A mesh in colour as pixels, from where it is seen: what views and small pictures of fields have in common."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from app.panels.colour_scale import ColourScale
from app.panels.field_raster import Raster, rasterize

PLAIN = 165
"""Grey of a mesh without values, of 255."""


def still(
    nodes: np.ndarray, triangles: np.ndarray, values: np.ndarray | None, scale: ColourScale, size: QSize
) -> QImage:
    """A small picture of a mesh, for lists. Arguments as of `FieldView`; size : in pixels"""
    flat = nodes.shape[1] == 2
    wide = np.pad(np.asarray(nodes, np.float64), ((0, 0), (0, 3 - nodes.shape[1])))
    turn = np.eye(3) if flat else from_the_front()
    seen = placed(wide, turn, size, 1.0, 1.0, np.zeros(2), flat=flat)
    return coloured(seen, triangles, values, scale, size.width(), size.height(), flat=flat)[1]


def placed(
    nodes: np.ndarray, turn: np.ndarray, size: QSize, margin: float, zoom: float, shift: np.ndarray, *, flat: bool
) -> np.ndarray:
    """Nodes in pixels, y down, and their depth, shape (node_count, 3)."""
    low, high = nodes.min(axis=0), nodes.max(axis=0)
    seen = (nodes - 0.5 * (low + high)) @ turn.T
    # What turns has the same size from all sides.
    extent = np.ptp(seen, axis=0)[:2] if flat else np.full(2, 2.0 * float(np.linalg.norm(seen, axis=1).max()))
    room = np.maximum(np.array([size.width(), size.height()], float) - 2 * margin, 10.0)
    seen *= float((room / np.maximum(extent, 1e-300)).min()) * zoom
    seen[:, 0] += 0.5 * size.width() + shift[0]
    seen[:, 1] = 0.5 * size.height() + shift[1] - seen[:, 1]
    return np.asarray(seen)


def coloured(
    seen: np.ndarray,
    triangles: np.ndarray,
    values: np.ndarray | None,
    scale: ColourScale,
    width: int,
    height: int,
    *,
    flat: bool,
) -> tuple[Raster, QImage]:
    """The mesh as pixels, with nothing behind it; grey where it has no values."""
    raster = rasterize(seen[:, :2] if flat else seen, triangles, width, height)
    covered = raster.faces >= 0
    pixels = np.zeros((height, width, 4), np.uint8)
    if values is None:
        pixels[..., :3] = PLAIN
    else:
        inside = raster.interpolate(values, triangles)[covered]
        known = np.isfinite(inside)[:, None]
        pixels[covered, :3] = np.where(known, scale.colours(inside)[:, ::-1], PLAIN)
    if not flat:
        shade = raster.interpolate(_facing(seen, triangles), triangles)[covered]
        pixels[covered, :3] = (pixels[covered, :3] * (0.45 + 0.55 * shade)[:, None]).astype(np.uint8)
    pixels[..., 3] = np.where(covered, 255, 0)
    return raster, QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_ARGB32).copy()


def from_the_front() -> np.ndarray:
    """How a surface is seen first: from the front, the right and above, its third axis up."""
    return turned(np.eye(3), 0.0, math.radians(-65.0)) @ _turned_flat(math.radians(-30.0))


def _turned_flat(angle: float) -> np.ndarray:
    """A rotation about the third axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def turned(turn: np.ndarray, across: float, down: float) -> np.ndarray:
    """A rotation turned further about the upright and the level axis of the screen [rad]."""
    c, s = math.cos(across), math.sin(across)
    upright = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    c, s = math.cos(down), math.sin(down)
    level = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return level @ upright @ turn


def _facing(seen: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """How much the surface at each node looks at the viewer, in [0, 1], shape (node_count,)."""
    return np.abs(normals(seen, triangles)[:, 2])


def normals(seen: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals at the nodes, shape (node_count, 3); the third part is positive where they look at the viewer."""
    corners = seen[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(seen)
    for k in range(3):
        np.add.at(total, triangles[:, k], normals)
    # y is down in pixels, so that normals that look at the viewer point away from him.
    return -total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)


def edges_of(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All edges once, and those with one triangle only, shape (edge_count, 2)."""
    if not len(triangles):
        return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64), axis=1)
    base = int(triangles.max()) + 1
    keys, count = np.unique(edges[:, 0] * base + edges[:, 1], return_counts=True)
    unique = np.stack(np.divmod(keys, base), axis=1)
    return unique, unique[count == 1]


def chains(edges: np.ndarray) -> list[np.ndarray]:
    """Edges that follow each other, as lists of nodes: drawn one by one they would look dashed."""
    beside: dict[int, list[int]] = {}
    for a, b in edges.tolist():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    chains = []
    for start in list(beside):
        while beside[start]:
            chain = [start]
            while beside[chain[-1]]:
                node = beside[chain[-1]].pop()
                beside[node].remove(chain[-1])
                chain.append(node)
            chains.append(np.array(chain))
    return chains
