"""Nasty and simple meshes shared by the tests of the geometry room."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.geometry.verification import box_mesh, sphere_mesh, torus_mesh


@pytest.fixture
def ball() -> Mesh:
    return Mesh(*sphere_mesh(24), name="ball")


@pytest.fixture
def box() -> Mesh:
    return Mesh(*box_mesh((1.0, 2.0, 3.0)), name="box")


@pytest.fixture
def torus() -> Mesh:
    return Mesh(*torus_mesh(1.0, 0.4, 20), name="torus")


@pytest.fixture
def moebius() -> Mesh:
    """A strip with a half twist: one side, one boundary loop, Euler characteristic 0."""
    count = 12
    angle = 2.0 * np.pi * np.arange(count) / count
    rim = [
        np.stack(
            [
                (1 + s * np.cos(angle / 2)) * np.cos(angle),
                (1 + s * np.cos(angle / 2)) * np.sin(angle),
                s * np.sin(angle / 2),
            ],
            axis=1,
        )
        for s in (-0.3, 0.3)
    ]
    triangles = []
    for i in range(count):
        low, high = i, count + i
        next_low, next_high = (i + 1, count + i + 1) if i + 1 < count else (count, 0)
        triangles += [(low, next_low, next_high), (low, next_high, high)]
    return Mesh(np.concatenate(rim), np.array(triangles), name="strip")


@pytest.fixture
def two_bricks() -> Mesh:
    """Two cubes that share one edge, welded: an edge with four triangles."""
    vertices, triangles = box_mesh((0.5, 0.5, 0.5))
    return _welded(vertices, vertices + np.array([1.0, 1.0, 0.0]), triangles)


@pytest.fixture
def kissing_bricks() -> Mesh:
    """Two cubes that share one vertex, welded."""
    vertices, triangles = box_mesh((0.5, 0.5, 0.5))
    return _welded(vertices, vertices + 1.0, triangles)


def _welded(first: np.ndarray, second: np.ndarray, triangles: np.ndarray) -> Mesh:
    vertices, inverse = np.unique(np.concatenate([first, second]), axis=0, return_inverse=True)
    return Mesh(vertices, inverse.reshape(-1)[np.concatenate([triangles, triangles + len(first)])], name="bricks")
