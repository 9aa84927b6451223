"""Start fields: exact near meshes, one closed surface behind scans."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.normals import estimate_normals
from engine.geometry.poisson import poisson_surface
from engine.geometry.sampling import sample_mesh
from engine.geometry.start import (
    EXACT_CELLS,
    grid_nodes,
    mesh_distance_field,
)
from engine.geometry.topology import measure_topology
from engine.geometry.verification import torus_mesh

CPU = Device("cpu")


@pytest.fixture
def ring() -> Mesh:
    """A torus in the working frame."""
    return Mesh(*torus_mesh(0.65, 0.25, 40), name="ring")


def noisy_scan(mesh: Mesh, count: int = 12000) -> np.ndarray:
    """0.5 % of noise, three holes, 5 % of outliers."""
    random = np.random.default_rng(11)
    positions = sample_mesh(mesh, count, seed=4)[0]
    for centre in positions[random.choice(count, 3)]:
        positions = positions[np.linalg.norm(positions - centre, axis=1) > 0.05 * mesh.diagonal]
    positions = positions + 0.005 * mesh.diagonal * random.normal(size=positions.shape)
    wild = random.uniform(*mesh.bounds, (len(positions) // 20, 3))
    return np.concatenate([positions, wild])


@pytest.mark.parametrize("resolution", [32, 48, 15])
def test_mesh_field_is_exact_near_the_surface_and_right_in_sign_everywhere(ring: Mesh, resolution: int) -> None:
    field = mesh_distance_field(ring.vertices, ring.triangles, resolution, CPU)
    exact = (
        TriangleIndex(ring.vertices, ring.triangles, CPU, winding=True)
        .signed_distance(grid_nodes(resolution).reshape(-1, 3))
        .reshape(field.shape)
    )
    assert field.shape == (resolution + 1,) * 3 and field.dtype == torch.float32
    near = exact.abs() < EXACT_CELLS * 2 / resolution
    np.testing.assert_allclose(field[near].numpy(), exact[near].numpy(), atol=1e-6)
    assert torch.equal(field < 0, exact < 0)
    assert float((field - exact).abs().max()) < 3.0**0.5 * 2 / 8


def test_field_is_indexed_x_y_z() -> None:
    vertices, triangles = torus_mesh(0.3, 0.1, 20)
    field = mesh_distance_field(vertices + np.array([0.5, 0.2, -0.4]), triangles, 20, CPU)
    lowest = np.unravel_index(int(field.argmin()), field.shape)
    position = np.array(lowest) * 0.1 - 1.0
    assert abs(position[2] + 0.4) < 0.06 and abs(np.hypot(position[0] - 0.5, position[1] - 0.2) - 0.3) < 0.08


def test_a_mesh_that_is_inside_out_is_turned(ring: Mesh) -> None:
    right = mesh_distance_field(ring.vertices, ring.triangles, 16, CPU)
    turned = mesh_distance_field(ring.vertices, ring.triangles[:, ::-1].copy(), 16, CPU)
    np.testing.assert_allclose(turned.numpy(), right.numpy(), atol=1e-6)


def test_a_mesh_with_a_hole_is_closed_over(ring: Mesh) -> None:
    holed = np.delete(ring.triangles, np.arange(60), axis=0)
    whole, field = (mesh_distance_field(ring.vertices, faces, 32, CPU) for faces in (ring.triangles, holed))
    changed = float(((field < 0) != (whole < 0)).sum() / (whole < 0).sum())
    assert changed < 0.03


def test_empty_meshes_are_refused() -> None:
    with pytest.raises(GeometryError, match="without triangles"):
        mesh_distance_field(np.zeros((3, 3)), np.zeros((0, 3), np.int32), 16, CPU)


def test_surface_of_clean_oriented_points_has_no_bias(ring: Mesh) -> None:
    positions, normals, _ = sample_mesh(ring, 8000, seed=1)
    vertices, _ = poisson_surface(positions, normals)
    found = TriangleIndex(ring.vertices, ring.triangles, CPU, winding=True).signed_distance(vertices).numpy()
    assert abs(found.mean()) < 0.003 and np.abs(found).mean() < 0.006


def test_a_noisy_incomplete_scan_becomes_one_closed_surface(ring: Mesh) -> None:
    positions = noisy_scan(ring)
    estimate = estimate_normals(positions)
    vertices, triangles = poisson_surface(positions, estimate.normals, confidence=estimate.confidence)
    topology = measure_topology(triangles)
    assert topology.watertight and topology.consistent_winding
    assert (topology.parts, topology.euler_characteristic) == (1, 0)
    clean = sample_mesh(ring, 3000, seed=9)[0]
    distances = TriangleIndex(vertices, triangles, CPU).closest(clean).distances.numpy()
    assert distances.mean() < 0.003 * ring.diagonal and distances.max() < 0.02 * ring.diagonal


def test_the_field_of_a_scan_is_a_distance_to_that_surface(ring: Mesh) -> None:
    positions = noisy_scan(ring)
    estimate = estimate_normals(positions)
    field = mesh_distance_field(*poisson_surface(positions, estimate.normals, confidence=estimate.confidence), 32, CPU)
    exact = mesh_distance_field(ring.vertices, ring.triangles, 32, CPU)
    near = exact.abs() < 0.1
    assert float((field - exact)[near].abs().mean()) < 0.015
    assert float(torch.stack(torch.gradient(field, spacing=2 / 32))[:, near].norm(dim=0).mean()) == pytest.approx(
        1.0, abs=0.05
    )


def test_scattered_wrong_signs_are_mended(ring: Mesh) -> None:
    positions, normals, _ = sample_mesh(ring, 8000, seed=1)
    wrong = np.random.default_rng(3).random(8000) < 0.2
    normals[wrong] *= -1.0
    vertices, triangles = poisson_surface(positions, normals)
    assert measure_topology(triangles).euler_characteristic == 0
    found = TriangleIndex(ring.vertices, ring.triangles, CPU).closest(vertices).distances.numpy()
    assert found.mean() < 0.01


def test_points_without_an_inside_are_refused() -> None:
    positions = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 3))
    with pytest.raises(GeometryError, match="too few"):
        poisson_surface(positions, positions, confidence=np.zeros(200))


def test_shapes_of_trimesh_work_too() -> None:
    shape = trimesh.creation.capsule(height=0.8, radius=0.4)
    field = mesh_distance_field(np.asarray(shape.vertices), np.asarray(shape.faces, np.int32), 32, CPU)
    volume = float((field < 0).sum()) * (2 / 32) ** 3
    assert volume == pytest.approx(shape.volume, rel=0.05)
