"""Samples are even by area, reproducible, and differentiable through their weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sampling import morton_order, sample_mesh, sample_surface, thin


def two_triangles() -> tuple[torch.Tensor, torch.Tensor]:
    """One triangle of area 0.5 and one of area 1.5."""
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 1, 0]], dtype=torch.float64)
    return vertices, torch.tensor([[0, 1, 2], [3, 4, 5]])


def test_faces_are_drawn_by_area_and_evenly_within() -> None:
    vertices, triangles = two_triangles()
    samples = sample_surface(vertices, triangles, 40000, torch.Generator().manual_seed(1))
    assert abs(int((samples.faces == 1).sum()) - 30000) <= 1
    np.testing.assert_allclose(samples.weights.sum(dim=1).numpy(), 1.0, atol=1e-12)
    assert (samples.weights >= 0).all()
    np.testing.assert_allclose(samples.weights.mean(dim=0).numpy(), 1 / 3, atol=0.005)
    # E[w²] of an even point in a triangle is 1/6.
    np.testing.assert_allclose((samples.weights**2).mean(dim=0).numpy(), 1 / 6, atol=0.005)


def test_a_seed_fixes_the_samples() -> None:
    vertices, triangles = two_triangles()
    first, again, other = (
        sample_surface(vertices, triangles, 50, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)
    )
    assert torch.equal(first.weights, again.weights) and torch.equal(first.faces, again.faces)
    assert not torch.equal(first.weights, other.weights)


def test_positions_carry_the_gradient_to_the_vertices() -> None:
    vertices, triangles = two_triangles()
    leaf = vertices.clone().requires_grad_()
    samples = sample_surface(leaf, triangles, 100, torch.Generator().manual_seed(0))
    samples.positions(leaf, triangles)[:, 0].sum().backward()
    assert leaf.grad is not None
    assert abs(float(leaf.grad[:, 0].sum()) - 100.0) < 1e-9 and float(leaf.grad[:, 1].abs().sum()) == 0.0


def test_a_degenerate_triangle_is_never_drawn_and_no_area_is_refused() -> None:
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]])
    triangles = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 2]])
    assert (sample_surface(vertices, triangles, 1000).faces == 1).all()
    for bad in (triangles[:1], triangles[:0]):
        with pytest.raises(GeometryError, match="no area"):
            sample_surface(vertices, bad, 10)
    assert len(sample_surface(vertices, triangles, 0).faces) == 0


def test_mean_of_a_sphere_is_its_centre_and_normals_point_out() -> None:
    shape = trimesh.creation.icosphere(subdivisions=3)
    positions, normals, _ = sample_mesh(Mesh(shape.vertices + 1e6, shape.faces), 5000, seed=2)
    np.testing.assert_allclose(positions.mean(axis=0), 1e6, atol=0.01)
    assert ((positions - 1e6) * normals).sum(axis=1).min() > 0.97


def test_morton_order_shortens_the_walk() -> None:
    positions = np.random.default_rng(0).uniform(size=(4000, 3))
    order = morton_order(positions)
    assert sorted(order.tolist()) == list(range(4000))
    walk = np.linalg.norm(np.diff(positions[order], axis=0), axis=1).sum()
    assert walk < 0.2 * np.linalg.norm(np.diff(positions, axis=0), axis=1).sum()
    assert morton_order(np.zeros((5, 3))).tolist() == [0, 1, 2, 3, 4]


def test_morton_order_of_a_lattice_visits_octants_in_turn() -> None:
    lattice = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    octants = (lattice[morton_order(lattice)] >= 2).astype(int) @ [1, 2, 4]
    assert octants.tolist() == np.repeat(np.arange(8), 8).tolist()


def test_thinning_keeps_normals_in_step() -> None:
    positions = np.random.default_rng(0).normal(size=(1000, 3))
    normals = positions / np.linalg.norm(positions, axis=1, keepdims=True)
    few = thin(Points(positions, normals), 100, seed=5)
    assert few.point_count == 100 and few.normals is not None
    np.testing.assert_allclose(few.normals, few.positions / np.linalg.norm(few.positions, axis=1, keepdims=True))
    np.testing.assert_array_equal(few.positions, thin(Points(positions, normals), 100, seed=5).positions)
    assert thin(few, 200) is few
