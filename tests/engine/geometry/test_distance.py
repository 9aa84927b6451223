"""Distances against libigl, analytic shapes and nasty inputs."""

from __future__ import annotations

import igl
import numpy as np
import pytest
import torch
import trimesh

from engine.core.device import Device
from engine.core.errors import GeometryError, NotDifferentiableError
from engine.geometry.distance import PointIndex, TriangleIndex

CPU = Device("cpu")


def sphere(subdivisions: int = 3) -> tuple[np.ndarray, np.ndarray]:
    shape = trimesh.creation.icosphere(subdivisions=subdivisions)
    return np.asarray(shape.vertices), np.asarray(shape.faces, np.int32)


def torus() -> tuple[np.ndarray, np.ndarray]:
    shape = trimesh.creation.torus(1.0, 0.4, major_sections=40, minor_sections=20)
    return np.asarray(shape.vertices), np.asarray(shape.faces, np.int32)


def queries(count: int = 500, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.6, 1.6, (count, 3))


def test_agrees_with_exact_distances_of_libigl() -> None:
    vertices, triangles = torus()
    points = queries()
    found = TriangleIndex(vertices, triangles, CPU).closest(points)
    squared, _, closest = igl.point_mesh_squared_distance(points, vertices, triangles.astype(np.int64))
    np.testing.assert_allclose(found.distances.numpy(), np.sqrt(squared), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        np.linalg.norm(found.positions.numpy() - points, axis=1), np.linalg.norm(closest - points, axis=1), atol=1e-7
    )
    rebuilt = (vertices[triangles[found.faces.numpy()]] * found.weights.numpy()[:, :, None]).sum(axis=1)
    np.testing.assert_allclose(rebuilt, found.positions.numpy(), atol=1e-12)


def test_float32_queries_return_float32_and_agree() -> None:
    vertices, triangles = torus()
    points = torch.from_numpy(queries()).float()
    found = TriangleIndex(torch.from_numpy(vertices).float(), torch.from_numpy(triangles), CPU).closest(points)
    assert found.distances.dtype == found.weights.dtype == torch.float32
    assert found.faces.dtype == torch.int32
    squared, _, _ = igl.point_mesh_squared_distance(points.double().numpy(), vertices, triangles.astype(np.int64))
    np.testing.assert_allclose(found.distances.numpy(), np.sqrt(squared), atol=2e-6)


def test_a_million_millimetres_away_nothing_is_lost() -> None:
    vertices, triangles = torus()
    offset = np.array([1e6, -1e6, 1e6])
    points = queries()
    near = TriangleIndex(vertices, triangles, CPU, winding=True)
    far = TriangleIndex(vertices + offset, triangles, CPU, winding=True)
    np.testing.assert_allclose(
        far.closest(points + offset).distances.numpy(), near.closest(points).distances.numpy(), atol=1e-9
    )
    np.testing.assert_allclose(
        far.signed_distance(points + offset).numpy(), near.signed_distance(points).numpy(), atol=1e-6
    )


def test_signed_distance_agrees_with_libigl() -> None:
    vertices, triangles = torus()
    points = queries()
    ours = TriangleIndex(vertices, triangles, CPU, winding=True).signed_distance(points).numpy()
    theirs = igl.signed_distance(points, vertices, triangles.astype(np.int64))[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("hole", [0.1, 0.3])
def test_sign_survives_holes_and_flipped_triangles(hole: float) -> None:
    vertices, triangles = sphere()
    centres = vertices[triangles].mean(axis=1)
    kept = triangles[centres[:, 2] < 1.0 - hole].copy()
    flipped = np.random.default_rng(0).choice(len(kept), 12, replace=False)
    kept[flipped] = kept[flipped][:, ::-1]
    points = queries()
    radius = np.linalg.norm(points, axis=1)
    clear = (np.abs(radius - 1.0) > 0.25) & (points[:, 2] < 0.4)
    inside = TriangleIndex(vertices, kept, CPU, winding=True).signed_distance(points).numpy() < 0
    np.testing.assert_array_equal(inside[clear], radius[clear] < 1.0)


def test_an_open_sheet_has_no_inside() -> None:
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    index = TriangleIndex(vertices, np.array([[0, 1, 2], [0, 2, 3]]), CPU, winding=True)
    points = queries()
    outside = np.abs(points[:, 2]) > 0.05
    assert (index.signed_distance(points).numpy()[outside] > 0).all()


def test_winding_number_is_one_inside_and_zero_outside() -> None:
    vertices, triangles = sphere()
    values = TriangleIndex(vertices, triangles, CPU).winding_number(np.array([[0.1, 0.2, 0.3], [2.0, 0.0, 0.0]]))
    np.testing.assert_allclose(values.numpy(), [1.0, 0.0], atol=1e-5)


def test_maximum_distance_leaves_far_points_without_a_face() -> None:
    vertices, triangles = sphere()
    points = np.array([[1.05, 0.0, 0.0], [3.0, 0.0, 0.0]])
    index = TriangleIndex(vertices, triangles, CPU)
    found = index.closest(points, max_distance=0.1)
    assert found.faces.tolist()[1] == -1 and found.faces.tolist()[0] >= 0
    assert found.distances[1] == np.inf and (found.weights[1] == 0).all()
    each = index.closest(points, max_distance=torch.tensor([0.1, 5.0]))
    assert (each.faces >= 0).all()


def test_refit_equals_rebuild() -> None:
    vertices, triangles = sphere(2)
    points = queries()
    for winding in (False, True):
        moved = TriangleIndex(vertices, triangles, CPU, winding=winding)
        moved.refit(vertices * [1.2, 0.8, 1.0] + 0.1)
        fresh = TriangleIndex(vertices * [1.2, 0.8, 1.0] + 0.1, triangles, CPU, winding=winding)
        np.testing.assert_allclose(
            moved.closest(points).distances.numpy(), fresh.closest(points).distances.numpy(), atol=1e-9
        )
        if winding:
            np.testing.assert_allclose(moved.signed_distance(points).numpy(), fresh.signed_distance(points).numpy())


def test_the_index_keeps_its_own_vertices() -> None:
    vertices, triangles = sphere(2)
    tensor = torch.from_numpy(vertices).float()
    index = TriangleIndex(tensor, torch.from_numpy(triangles), CPU)
    before = index.closest(queries()).distances.clone()
    tensor.mul_(3.0)
    assert torch.equal(index.closest(queries()).distances, before)


def test_empty_meshes_and_empty_queries() -> None:
    nothing = TriangleIndex(np.zeros((0, 3)), np.zeros((0, 3), np.int32), CPU, winding=True)
    found = nothing.closest(queries(4))
    assert (found.faces == -1).all() and torch.isinf(found.distances).all()
    assert torch.isinf(nothing.signed_distance(queries(4))).all()
    vertices, triangles = sphere(1)
    assert len(TriangleIndex(vertices, triangles, CPU).closest(np.zeros((0, 3))).faces) == 0


def test_bad_indices_and_gradients_are_refused() -> None:
    with pytest.raises(GeometryError, match="does not exist"):
        TriangleIndex(np.zeros((2, 3)), np.array([[0, 1, 2]]), CPU)
    vertices, triangles = sphere(1)
    leaf = torch.from_numpy(vertices).requires_grad_()
    with pytest.raises(NotDifferentiableError, match="vertices"):
        TriangleIndex(leaf, triangles, CPU)
    with pytest.raises(NotDifferentiableError, match="points"):
        TriangleIndex(vertices, triangles, CPU).closest(leaf)
    with pytest.raises(GeometryError, match="without winding"):
        TriangleIndex(vertices, triangles, CPU).signed_distance(queries(3))


def test_oriented_distance_of_points_on_a_sphere() -> None:
    vertices, _ = sphere(4)
    points = queries()
    points = points[np.linalg.norm(points, axis=1) > 0.3]
    values = PointIndex(vertices, vertices).oriented_distance(points).numpy()
    np.testing.assert_allclose(values, np.linalg.norm(points, axis=1) - 1.0, atol=0.02)


def test_nearest_points() -> None:
    positions = np.array([[0.0, 0, 0], [1, 0, 0], [0, 5, 0]])
    found = PointIndex(positions).nearest(torch.tensor([[0.9, 0.0, 0.0]]), 2)
    assert found.indices.tolist() == [[1, 0]]
    np.testing.assert_allclose(found.distances.numpy(), [[0.1, 0.9]], atol=1e-6)
    with pytest.raises(GeometryError, match="normals"):
        PointIndex(positions).oriented_distance(positions)
