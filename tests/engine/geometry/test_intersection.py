"""Crossing triangles against libigl's pairwise test, and cases that must not count."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

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


def crossing_exactly(vertices: np.ndarray, triangles: np.ndarray) -> set[int]:
    """Every pair that shares no edge, edge against triangle in rational numbers."""
    points = [[Fraction(float(x)) for x in vertex] for vertex in vertices]

    def side(a: int, b: int, c: int, d: int) -> int:
        u, v, w = ([points[i][k] - points[a][k] for k in range(3)] for i in (b, c, d))
        volume = (
            u[0] * (v[1] * w[2] - v[2] * w[1]) - u[1] * (v[0] * w[2] - v[2] * w[0]) + u[2] * (v[0] * w[1] - v[1] * w[0])
        )
        return (volume > 0) - (volume < 0)

    def runs_through(p: int, q: int, a: int, b: int, c: int) -> bool:
        if side(a, b, c, p) * side(a, b, c, q) >= 0:
            return False
        return len({side(p, q, a, b), side(p, q, b, c), side(p, q, c, a)}) == 1

    found = set()
    for i, j in combinations(range(len(triangles)), 2):
        one, other = triangles[i].tolist(), triangles[j].tolist()
        if len(set(one) & set(other)) < 2 and any(
            runs_through(*edge, *triangle)
            for first, triangle in ((one, other), (other, one))
            for edge in combinations(first, 2)
        ):
            found |= {i, j}
    return found


def test_triangles_that_share_a_vertex_agree_with_exact_arithmetic() -> None:
    random = np.random.default_rng(7)
    vertices = random.uniform(size=(14, 3))
    triangles = np.array([random.permutation(14)[:3] for _ in range(30)])
    sharing_one = [
        pair for pair in combinations(range(30), 2) if len(set(triangles[pair[0]]) & set(triangles[pair[1]])) == 1
    ]
    assert any(crossing_exactly(vertices, triangles[list(pair)]) for pair in sharing_one)
    for pair in sharing_one[:60]:
        expected = crossing_exactly(vertices, triangles[list(pair)])
        assert set(intersecting_triangles(vertices, triangles[list(pair)]).tolist()) == expected
    assert set(intersecting_triangles(vertices, triangles).tolist()) == crossing_exactly(vertices, triangles)


def test_triangles_that_touch_at_shared_vertices_and_edges_do_not_count() -> None:
    # A fan that is folded back onto itself within one plane, and a leaf whose tip rests on a neighbour's edge.
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0.5, 0], [0.5, 0, 0], [0.5, 0, 1]])
    assert not len(intersecting_triangles(vertices, np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [2, 4, 5]])))


def test_nothing_crosses_nothing() -> None:
    assert not len(intersecting_triangles(np.zeros((0, 3)), np.zeros((0, 3), np.int32)))
