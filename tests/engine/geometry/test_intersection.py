"""Crossing triangles against libigl's pairwise test, and cases that must not count."""

from __future__ import annotations

import igl
import numpy as np

from engine.geometry.intersection import intersecting_triangles
from engine.geometry.mesh import Mesh
from engine.geometry.verification import sphere_mesh


def crossing_by_libigl(vertices: np.ndarray, triangles: np.ndarray) -> set[int]:
    found = set()
    for i in range(len(triangles)):
        for j in range(i + 1, len(triangles)):
            if set(triangles[i]) & set(triangles[j]):
                continue
            corners = [vertices[index][None] for index in (*triangles[i], *triangles[j])]
            hit, coplanar, _, _ = igl.tri_tri_intersection_test_3d(*corners)
            if hit and not coplanar:
                found |= {i, j}
    return found


def test_random_soup_agrees_with_libigl() -> None:
    random = np.random.default_rng(1)
    vertices = random.uniform(size=(90, 3))
    triangles = random.permutation(90).reshape(-1, 3)
    vertices = vertices.mean(axis=0) + (vertices - vertices.mean(axis=0))
    expected = crossing_by_libigl(vertices, triangles)
    assert len(expected) > 5
    assert set(intersecting_triangles(vertices, triangles).tolist()) == expected


def test_two_spheres_that_overlap_agree_with_libigl() -> None:
    vertices, triangles = sphere_mesh(8)
    both = np.concatenate([vertices, vertices * [1, 1, 1.1] + [0.71, 0.13, 0.29]])
    faces = np.concatenate([triangles, triangles + len(vertices)])
    expected = crossing_by_libigl(both, faces)
    assert len(expected) > 20
    assert set(intersecting_triangles(both, faces).tolist()) == expected
    far = both + np.array([1e6, 2e6, -1e6])
    assert set(intersecting_triangles(far, faces).tolist()) == expected


def test_clean_meshes_have_none(ball: Mesh, torus: Mesh, moebius: Mesh, kissing_bricks: Mesh) -> None:
    for mesh in (ball, torus, moebius, kissing_bricks):
        assert not len(intersecting_triangles(mesh.vertices, mesh.triangles))


def test_touching_and_coplanar_triangles_do_not_count() -> None:
    flat = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, 0], [0.8, 0.2, 0], [0.2, 0.8, 0]])
    assert not len(intersecting_triangles(flat, np.array([[0, 1, 2], [3, 4, 5]])))
    resting = np.concatenate([flat[:3], [[0.2, 0.2, 0.0], [0.3, 0.2, 1.0], [0.2, 0.3, 1.0]]])
    assert not len(intersecting_triangles(resting, np.array([[0, 1, 2], [3, 4, 5]])))
    resting[3, 2] = -0.1
    assert intersecting_triangles(resting, np.array([[0, 1, 2], [3, 4, 5]])).tolist() == [0, 1]


def test_nothing_crosses_nothing() -> None:
    assert not len(intersecting_triangles(np.zeros((0, 3)), np.zeros((0, 3), np.int32)))
