"""Counts on well-behaved and nasty meshes."""

from __future__ import annotations

import numpy as np
import trimesh

from engine.geometry.mesh import Mesh
from engine.geometry.topology import boundary_edges, euler_and_parts, measure_topology


def test_closed_surfaces(ball: Mesh, box: Mesh, torus: Mesh) -> None:
    for mesh, euler in ((ball, 2), (box, 2), (torus, 0)):
        found = measure_topology(mesh.triangles)
        assert (found.euler_characteristic, found.parts, found.boundary_loops) == (euler, 1, 0)
        assert found.watertight and found.edge_manifold and found.vertex_manifold and found.consistent_winding
        assert euler_and_parts(mesh.triangles) == (euler, 1)


def test_moebius_strip(moebius: Mesh) -> None:
    found = measure_topology(moebius.triangles)
    assert (found.euler_characteristic, found.parts, found.boundary_loops) == (0, 1, 1)
    assert found.edge_manifold and found.vertex_manifold
    assert not found.consistent_winding and not found.watertight
    assert found.flipped_edges == 1


def test_open_fan_has_one_boundary() -> None:
    triangles = np.array([[0, i, i + 1] for i in range(1, 6)])
    found = measure_topology(triangles)
    assert (found.euler_characteristic, found.boundary_loops, found.boundary_edges) == (1, 1, 7)
    assert found.vertex_manifold


def test_three_fins_on_an_edge_are_not_manifold() -> None:
    found = measure_topology(np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]))
    assert found.nonmanifold_edges == 1 and not found.edge_manifold and not found.watertight


def test_bricks_that_share_an_edge(two_bricks: Mesh) -> None:
    found = measure_topology(two_bricks.triangles)
    assert found.nonmanifold_edges == 1 and found.boundary_loops == 0 and found.parts == 1
    assert not found.watertight


def test_bricks_that_share_a_vertex(kissing_bricks: Mesh) -> None:
    found = measure_topology(kissing_bricks.triangles)
    assert found.nonmanifold_vertices == 1 and found.edge_manifold and found.watertight
    assert found.parts == 2 and found.euler_characteristic == 3


def test_a_bow_tie_has_two_loops() -> None:
    found = measure_topology(np.array([[0, 1, 2], [0, 3, 4]]))
    assert found.boundary_loops == 2 and found.nonmanifold_vertices == 1 and found.parts == 2


def test_one_triangle_nothing_and_degenerate_ones() -> None:
    one = measure_topology(np.array([[0, 1, 2]]))
    assert (one.euler_characteristic, one.parts, one.boundary_loops, one.boundary_edges) == (1, 1, 1, 3)
    nothing = measure_topology(np.zeros((0, 3), np.int32))
    assert (nothing.euler_characteristic, nothing.parts, nothing.watertight) == (0, 0, False)
    assert euler_and_parts(np.zeros((0, 3), np.int32)) == (0, 0)
    assert measure_topology(np.array([[0, 1, 2], [3, 3, 4]])).triangles == 1
    assert euler_and_parts(np.array([[3, 3, 4]])) == (0, 0)


def test_a_flipped_triangle_is_seen(ball: Mesh) -> None:
    triangles = ball.triangles.copy()
    triangles[100] = triangles[100, ::-1]
    found = measure_topology(triangles)
    assert found.flipped_edges == 3 and found.watertight


def test_agrees_with_trimesh_on_random_soups() -> None:
    for seed in range(20):
        triangles = np.random.default_rng(seed).integers(0, 30, (40, 3))
        triangles = triangles[(np.diff(np.sort(triangles, axis=1), axis=1) > 0).all(axis=1)]
        mesh = trimesh.Trimesh(np.random.default_rng(seed).normal(size=(30, 3)), triangles, process=False)
        found = measure_topology(triangles)
        _, count = np.unique(mesh.edges_sorted, axis=0, return_counts=True)
        assert found.edges == len(count)
        assert found.boundary_edges == (count == 1).sum() and found.nonmanifold_edges == (count > 2).sum()
        assert found.euler_characteristic == len(np.unique(triangles)) - len(count) + len(triangles)


def test_boundary_edges_run_with_their_triangle() -> None:
    assert sorted(map(tuple, boundary_edges(np.array([[0, 1, 2], [2, 1, 3]])).tolist())) == [
        (0, 1), (1, 3), (2, 0), (3, 2),
    ]  # fmt: skip
