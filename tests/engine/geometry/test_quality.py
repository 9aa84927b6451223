"""Measures against closed forms and trimesh."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from engine.geometry.mesh import Mesh
from engine.geometry.quality import (
    angle_defects,
    aspect_ratios,
    enclosed_volume,
    smallest_angle,
    surface_area,
    triangle_angles,
    triangle_normals,
    vertex_normals,
)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_box_volume_and_area_also_far_away(box: Mesh, offset: float) -> None:
    vertices = box.vertices + offset
    assert enclosed_volume(vertices, box.triangles) == pytest.approx(48.0, rel=1e-9)
    assert surface_area(vertices, box.triangles) == pytest.approx(88.0, rel=1e-9)
    assert enclosed_volume(vertices, box.triangles[:, ::-1]) == pytest.approx(-48.0, rel=1e-9)


def test_angles_of_a_right_triangle_and_of_a_needle() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1e-9, 0, 0]])
    angles = np.degrees(triangle_angles(vertices, np.array([[0, 1, 2]])))
    np.testing.assert_allclose(angles, [[90, 45, 45]])
    needle = np.array([[2, 0, 3]])
    assert smallest_angle(vertices, needle) == pytest.approx(np.degrees(1e-9))
    assert aspect_ratios(vertices, needle)[0] > 1e8


def test_angles_sum_to_a_half_turn(torus: Mesh) -> None:
    np.testing.assert_allclose(triangle_angles(torus.vertices, torus.triangles).sum(axis=1), np.pi)


def test_equilateral_has_aspect_one_and_a_point_none() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]])
    assert aspect_ratios(vertices, np.array([[0, 1, 2]]))[0] == pytest.approx(1.0)
    assert aspect_ratios(vertices, np.array([[0, 0, 1]]))[0] == np.inf
    assert np.all(triangle_normals(vertices, np.array([[0, 0, 1]])) == 0.0)


def test_normals_agree_with_trimesh(torus: Mesh) -> None:
    shape = trimesh.Trimesh(torus.vertices, torus.triangles, process=False)
    np.testing.assert_allclose(triangle_normals(torus.vertices, torus.triangles), shape.face_normals, atol=1e-9)
    ours = vertex_normals(torus.vertices, torus.triangles)
    assert (ours * shape.vertex_normals).sum(axis=1).min() > 0.999


def test_a_lone_vertex_has_no_normal_and_no_defect(box: Mesh) -> None:
    vertices = np.concatenate([box.vertices, [[9.0, 9, 9]]])
    assert (vertex_normals(vertices, box.triangles)[-1] == 0).all()
    defects = angle_defects(vertices, box.triangles)
    assert defects[-1] == 0 and defects[:-1] == pytest.approx(np.pi / 2)


def test_nothing_has_no_size() -> None:
    empty = np.zeros((0, 3)), np.zeros((0, 3), np.int32)
    assert surface_area(*empty) == 0.0 and enclosed_volume(*empty) == 0.0 and smallest_angle(*empty) == 0.0
    assert vertex_normals(*empty).shape == (0, 3)
