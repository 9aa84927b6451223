"""Maps that put inner nodes at means of their neighbours."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import Delaunay

from engine.regression.data.border import border_loops
from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.morphing.convex_map import (
    convex_map,
    cotangent_weights,
    find_neighbours,
    mapped,
    mean_value_weights,
    uniform_weights,
)


def test_mean_values_leave_a_convex_part_as_it_is() -> None:
    """Mean value coordinates are exact on linear functions, so also on the coordinates themselves."""
    generator = np.random.default_rng(0)
    inner = generator.uniform(-0.6, 0.6, (40, 2))
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    nodes = np.concatenate([np.stack([np.cos(angle), np.sin(angle)], 1), inner])
    triangles = Delaunay(nodes).simplices
    (loop,) = border_loops(_upright(nodes, triangles))
    neighbours = find_neighbours(_upright(nodes, triangles), loop, len(nodes))
    places = torch.from_numpy(nodes)
    mapped = convex_map(mean_value_weights(places, neighbours), places[torch.from_numpy(loop)], neighbours)
    assert np.allclose(mapped.numpy(), nodes, atol=1e-12)
    moved = convex_map(uniform_weights(places, neighbours), places[torch.from_numpy(loop)], neighbours)
    assert np.abs(moved.numpy() - nodes).max() > 1e-2


def test_gradient_of_weights_and_border_against_differences() -> None:
    sample = plate(3)
    (loop,) = border_loops(sample.triangles)
    neighbours = find_neighbours(sample.triangles, loop, sample.node_count)
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(len(neighbours.centre), generator=generator, dtype=torch.float64) + 0.5
    border = torch.rand((len(loop), 2), generator=generator, dtype=torch.float64)
    lever = torch.randn((sample.node_count, 2), generator=generator, dtype=torch.float64)

    def value(weights: torch.Tensor, border: torch.Tensor) -> torch.Tensor:
        return (convex_map(weights, border, neighbours) * lever).sum()

    weights.requires_grad_()
    border.requires_grad_()
    by_weights, by_border = torch.autograd.grad(value(weights, border), (weights, border))
    for leaf, gradient in ((weights, by_weights), (border, by_border)):
        way = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        step = 1e-6
        ends = []
        for sign in (1.0, -1.0):
            moved = leaf.detach() + sign * step * way
            ends.append(value(moved, border.detach()) if leaf is weights else value(weights.detach(), moved))
        slope = float((ends[0] - ends[1]) / (2.0 * step))
        assert abs(slope - float((gradient * way).sum())) < 1e-7 * max(abs(slope), 1.0)


def _upright(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (nodes[triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return np.where((area > 0)[:, None], triangles, triangles[:, ::-1])


def test_harmonic_maps_leave_a_convex_part_as_it_is_and_never_fold() -> None:
    """Cotangents are exact on linear functions too. Obtuse angles make them negative: there the map may fold."""
    generator = np.random.default_rng(1)
    angle = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    nodes = np.concatenate([np.stack([np.cos(angle), np.sin(angle)], 1), generator.uniform(-0.6, 0.6, (60, 2))])
    triangles = _upright(nodes, Delaunay(nodes).simplices)
    (loop,) = border_loops(triangles)
    neighbours = find_neighbours(triangles, loop, len(nodes))
    border = torch.from_numpy(nodes[loop])
    same = mapped(torch.from_numpy(nodes), border, neighbours, "harmonic")
    assert np.allclose(same.numpy(), nodes, atol=1e-12)
    rough = np.column_stack([nodes * [1.0, 0.2], generator.normal(0.0, 0.1, len(nodes))])
    spiky = torch.from_numpy(rough)
    weights = cotangent_weights(spiky, neighbours)
    plain = convex_map(weights, border, neighbours).numpy()
    assert float(weights.min()) < 0.0 and _flipped(plain, triangles) > 0
    assert _flipped(mapped(spiky, border, neighbours, "harmonic").numpy(), triangles) == 0


def _flipped(nodes: np.ndarray, triangles: np.ndarray) -> int:
    a, b, c = (nodes[triangles[:, k]] for k in range(3))
    return int(((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) <= (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])).sum())
