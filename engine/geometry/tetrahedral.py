"""Simple bodies of well-shaped tetrahedra about the origin, in any unit of length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.geometry.primitives import box_cells, cylinder_cells
from engine.geometry.sheets import disk_sheet
from engine.geometry.stuffing import stuffed
from engine.geometry.tet_mesh import TetMesh, turned

CUBE = np.array([[(corner >> axis) & 1 for axis in range(3)] for corner in range(8)])
"""Corners of a cube: x is the lowest bit."""

CUT = np.array([[0, 3, 5, 6], [1, 0, 3, 5], [2, 3, 0, 6], [4, 0, 5, 6], [7, 5, 3, 6]])
"""A cube in five: a regular tetrahedron, and a corner on each of its faces."""


def box_tets(size: Sequence[float], cells: int) -> TetMesh:
    """A box of `size` along x, y and z, in `cells` along its longest side. Neighbouring cubes are cut as each other's
    mirror images; cubes have no dihedral angle below 54.7°."""
    counts = box_cells(size, cells)
    number = np.arange(int(np.prod(counts + 1))).reshape(counts + 1)
    cubes = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3)
    odd = cubes.sum(axis=1) % 2 == 1
    tets = []
    for mirrored, chosen in ((False, cubes[~odd]), (True, cubes[odd])):
        corners = chosen[:, None] + (np.abs(CUBE - [1, 0, 0]) if mirrored else CUBE)
        cut = number[corners[..., 0], corners[..., 1], corners[..., 2]][:, CUT].reshape(-1, 4)
        tets.append(cut)
    grid = np.stack(np.meshgrid(*(np.arange(count + 1) for count in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    vertices = (grid / counts - 0.5) * np.asarray(size)
    return turned(vertices, np.concatenate(tets), "box")


def cylinder_tets(radius: float, height: float, cells: int) -> TetMesh:
    """A cylinder along z, its round vertices on it: a disk of rings, and prisms over its triangles."""
    rings, layers = cylinder_cells(radius, height, cells)
    disk, triangles = disk_sheet(radius, radius / rings)
    levels = np.linspace(-0.5, 0.5, layers + 1) * height
    vertices = np.concatenate([disk + np.array([0.0, 0.0, level]) for level in levels])
    # Every prism in three, from its lowest number up: neighbours then cut their common side alike.
    a, b, c = np.sort(triangles, axis=1).T
    up = len(disk)
    prism = np.concatenate(
        [
            np.stack([a, b, c, c + up], axis=1),
            np.stack([a, b, b + up, c + up], axis=1),
            np.stack([a, a + up, b + up, c + up], axis=1),
        ]
    )
    return turned(vertices, np.concatenate([prism + up * layer for layer in range(layers)]), "cylinder")


def ball_tets(radius: float, cells: int) -> TetMesh:
    """A ball whose surface vertices lie on the sphere: a lattice of cells, `cells` across the diameter, cut at it."""

    def distance(points: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.norm(points, axis=1) - radius)

    return stuffed(distance, np.array([[-radius] * 3, [radius] * 3]), 2.0 * radius / cells, name="ball")
