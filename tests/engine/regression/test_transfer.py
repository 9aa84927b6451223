"""Values from one mesh to another."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import Delaunay

from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.transfer import locate


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


def test_points_that_moved_a_little_are_found_from_where_they_were_and_no_otherwise() -> None:
    generator = np.random.default_rng(4)
    nodes = generator.uniform(0.0, 1.0, (400, 2))
    triangles = Delaunay(nodes).simplices
    # Some lie outside, on nodes, and on edges.
    points = np.concatenate(
        [generator.uniform(-0.1, 1.1, (300, 2)), nodes[:50], nodes[triangles[:50, :2]].mean(axis=1)]
    )
    near = locate(torch.from_numpy(points), torch.from_numpy(nodes), triangles)
    for _ in range(3):
        nodes = nodes + generator.normal(0.0, 3e-4, nodes.shape)
        points = points + generator.normal(0.0, 0.05, points.shape)
        anew = locate(torch.from_numpy(points), torch.from_numpy(nodes), triangles)
        near = locate(torch.from_numpy(points), torch.from_numpy(nodes), triangles, near=near)
        assert torch.equal(near.corners, anew.corners) and torch.equal(near.weights, anew.weights)
    assert near.beside is not None
    for triangle, beside in zip(triangles[:40], near.beside[:40], strict=True):
        for corner, other in enumerate(beside):
            shared = set(triangle) - {triangle[corner]}
            assert other < 0 or shared <= set(triangles[other])
