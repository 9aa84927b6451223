"""Values from one mesh to another."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import Delaunay

from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.morphing.transfer import across_edges, locate


def test_linear_fields_come_over_exactly_and_outside_the_nearest_is_taken() -> None:
    sample = plate(4)
    generator = np.random.default_rng(0)
    triangle = generator.integers(0, sample.triangle_count, 300)
    weights = generator.dirichlet([1.0, 1.0, 1.0], 300)
    points = (sample.nodes[sample.triangles[triangle]] * weights[..., None]).sum(1)
    values = torch.from_numpy(sample.nodes @ np.array([2.0, -3.0]) + 1.0)
    found = locate(torch.from_numpy(points), torch.from_numpy(sample.nodes), sample.triangles).interpolate(values)
    assert np.allclose(found.numpy(), points @ np.array([2.0, -3.0]) + 1.0, atol=1e-11)
    outside = locate(torch.tensor([[-50.0, -10.0]]).double(), torch.from_numpy(sample.nodes), sample.triangles)
    assert float(outside.weights.min()) >= 0.0 and abs(float(outside.weights.sum()) - 1.0) < 1e-12


def test_gradient_in_points_and_nodes() -> None:
    sample = plate(5)
    points = torch.from_numpy(sample.nodes[sample.triangles].mean(1)).clone().requires_grad_()
    nodes = torch.from_numpy(sample.nodes).clone().requires_grad_()
    values = torch.from_numpy(sample.nodes[:, 0] ** 2)
    lever = torch.randn(len(points), generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def value(points: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
        return (locate(points, nodes, sample.triangles).interpolate(values) * lever).sum()

    by_points, by_nodes = torch.autograd.grad(value(points, nodes), (points, nodes))
    generator = torch.Generator().manual_seed(1)
    step = 1e-6
    for leaf, gradient in ((points, by_points), (nodes, by_nodes)):
        way = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        ends = [
            value(leaf.detach() + s * way, nodes.detach())
            if leaf is points
            else value(points.detach(), leaf.detach() + s * way)
            for s in (step, -step)
        ]
        slope = float((ends[0] - ends[1]) / (2.0 * step))
        assert abs(slope - float((gradient * way).sum())) < 1e-6 * max(abs(slope), 1.0)


def test_points_that_moved_a_little_are_found_from_where_they_were() -> None:
    generator = np.random.default_rng(4)
    angle = np.linspace(0.0, 2.0 * np.pi, 60, endpoint=False)
    outline = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    nodes = np.concatenate([outline, 0.93 * _in_the_disk(generator, 600)])
    triangles = Delaunay(nodes).simplices
    # Some are nodes, some lie on edges, and some between the circle and the polygon in it.
    turned = 2.0 * np.pi * generator.uniform(size=200)
    points = np.concatenate(
        [
            0.99 * _in_the_disk(generator, 300), nodes[:100], nodes[triangles[:50, :2]].mean(axis=1),
            np.stack([np.cos(turned), np.sin(turned)], axis=1),
        ]
    )  # fmt: skip
    places, at = torch.from_numpy(points), torch.from_numpy(nodes)
    anew = locate(places, at, triangles)
    moved = locate(torch.from_numpy(points + 0.1 * generator.normal(size=points.shape)), at, triangles)
    turned_back = locate(places.flip(0), at, triangles)
    values = torch.from_numpy(nodes @ np.array([2.0, -3.0]) + 1.0)
    for near in (anew, moved, turned_back):
        error = (locate(places, at, triangles, near=near).interpolate(values) - anew.interpolate(values)).abs()
        assert error[:-200].max() < 1e-9
        # Beyond the polygon two triangles may be as near, and each has its own nearest place.
        assert error[-200:].max() < 5e-3
    beside = across_edges(triangles)
    assert (beside < 0).sum() == len(outline)
    for triangle, others in zip(triangles[:40], beside, strict=False):
        for corner, other in enumerate(others):
            assert other < 0 or set(triangle) - {triangle[corner]} <= set(triangles[other])


def _in_the_disk(generator: np.random.Generator, count: int) -> np.ndarray:
    angle, radius = 2.0 * np.pi * generator.uniform(size=count), np.sqrt(generator.uniform(size=count))
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
