"""Contours of values on a grid."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.contour import closed_contour
from engine.geometry.topology import measure_topology


@pytest.mark.parametrize("inside", [-1.0, 1.0])
def test_an_ellipsoid_comes_out_closed_facing_out_and_in_its_place(inside: float) -> None:
    x, y, z = np.meshgrid(np.arange(20), np.arange(24), np.arange(28), indexing="ij")
    values = -inside * (np.sqrt(((x - 9) / 6.0) ** 2 + ((y - 11) / 8.0) ** 2 + ((z - 13) / 10.0) ** 2) - 1.0)
    vertices, triangles = closed_contour(values + 5.0, 5.0)
    topology = measure_topology(triangles)
    assert topology.watertight and topology.consistent_winding and topology.euler_characteristic == 2
    radius = np.linalg.norm((vertices - [9, 11, 13]) / [6.0, 8.0, 10.0], axis=1)
    assert np.abs(radius - 1.0).max() < 0.02
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0
    assert volume == pytest.approx(4.0 / 3.0 * np.pi * 6 * 8 * 10, rel=0.02)


def test_a_level_that_is_not_crossed_has_no_surface() -> None:
    vertices, triangles = closed_contour(np.ones((4, 4, 4)))
    assert vertices.shape == (0, 3) and triangles.shape == (0, 3)
