from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import GeometryError
from engine.geometry.crease_path import edge_path
from engine.geometry.sheets import regular_sheet, scattered_sheet


def on_edges(path: np.ndarray, triangles: np.ndarray) -> bool:
    edges = {frozenset(pair) for tri in triangles.tolist() for pair in zip(tri, [*tri[1:], tri[0]], strict=True)}
    return all(frozenset(pair) in edges for pair in zip(path[:-1].tolist(), path[1:].tolist(), strict=True))


@pytest.mark.parametrize("beyond", [0.0, 0.02, 0.3])
def test_a_line_of_edges_is_found_exactly(beyond: float) -> None:
    positions, triangles = regular_sheet(0.4, 0.2, 8, 4)
    line = np.array([[0.05, -0.1 - beyond, 0.0], [0.05, 0.1 + beyond, 0.0]])
    path = edge_path(line, positions, triangles)
    np.testing.assert_allclose(positions[path], [[0.05, y, 0.0] for y in np.linspace(-0.1, 0.1, 5)], atol=1e-15)
    diagonal = edge_path(np.array([[-0.2, -0.1, 0.0], [0.0, 0.1, 0.0]]), positions, triangles)
    assert diagonal.tolist() == [0, 6, 12, 18, 24]


def test_a_line_with_a_corner_and_one_that_comes_back() -> None:
    positions, triangles = regular_sheet(0.4, 0.2, 8, 4)
    bent = edge_path(np.array([[-0.1, -0.1, 0], [-0.1, 0.0, 0], [0.2, 0.0, 0]]), positions, triangles)
    assert bent.tolist() == [10, 11, 12, 17, 22, 27, 32, 37, 42]
    square = np.array([[-0.1, -0.05, 0], [0.1, -0.05, 0], [0.1, 0.05, 0], [-0.1, 0.05, 0], [-0.1, -0.05, 0]])
    closed = edge_path(square, positions, triangles)
    assert closed[0] == closed[-1] and len(closed) == 13 and len(set(closed.tolist())) == 12


def test_a_drawn_line_on_a_bent_random_mesh_stays_at_the_line() -> None:
    positions, triangles = scattered_sheet(1.0, 1.0, 20, 20, seed=3)
    positions[:, 2] = 0.2 * np.sin(3 * positions[:, 0])
    x = np.linspace(-0.45, 0.45, 200)
    line = np.stack([x, 0.2 * np.sin(5 * x), 0.2 * np.sin(3 * x)], axis=1)
    line += np.random.default_rng(0).normal(0.0, 0.002, line.shape)
    path = edge_path(line, positions, triangles)
    assert on_edges(path, triangles) and len(set(path.tolist())) == len(path)
    away = np.linalg.norm(positions[path][:, None] - line[None], axis=2).min(axis=1)
    assert away.max() < 0.06 and away.mean() < 0.025  # edges are 0.05 long
    assert abs(positions[path[0], 0] + 0.45) < 0.05 and abs(positions[path[-1], 0] - 0.45) < 0.05


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ([[0.0, 0.0, 1.0], [0.1, 0.0, 1.0]], "misses the surface: it passes by at 1 m"),
        ([[-0.1, 0.0, 0.0], [0.0, 0.0, 0.5], [0.1, 0.0, 0.0]], "leaves the surface"),
        ([[0.0, 0.0, 0.0], [0.001, 0.0, 0.0]], "shorter than an edge"),
        ([[0.0, 0.0, 0.0]], "two points"),
    ],
)
def test_lines_beside_the_surface_are_refused(line: list, said: str) -> None:
    positions, triangles = regular_sheet(0.4, 0.2, 8, 4)
    with pytest.raises(GeometryError, match=said):
        edge_path(np.array(line), positions, triangles)


def test_a_line_between_two_sheets() -> None:
    positions, triangles = regular_sheet(0.2, 0.2, 4, 4)
    both = np.concatenate([positions, positions + np.array([0.24, 0.0, 0.0])])
    with pytest.raises(GeometryError, match="one part of the surface to another"):
        edge_path(np.array([[-0.1, 0, 0], [0.34, 0, 0]]), both, np.concatenate([triangles, triangles + 25]))
