from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import GeometryError
from engine.geometry.outline import outline_sheet
from engine.geometry.quality import area_vectors, smallest_angle
from engine.geometry.topology import half_edges, measure_topology

ROUND = np.linspace(0.0, 2.0 * np.pi, 160, endpoint=False)
OUTLINES: dict[str, list[tuple[float, float]]] = {
    "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
    "L": [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)],
    "comb": [(0, 0), (5, 0), (5, 3), (4.9, 3), (4.9, 1), (3, 1), (3, 3), (2.9, 3), (2.9, 1), (1, 1), (1, 3), (0, 3)],
    "clockwise": [(0, 0), (0, 1), (1, 1.5), (1, 0)],
    "drawn": [
        (float(r * np.cos(t)), float(r * np.sin(t))) for t, r in zip(ROUND, 1 + 0.3 * np.cos(5 * ROUND), strict=True)
    ],
    "far away": [(1e3, 1e3), (1001, 1e3), (1001, 1001), (1e3, 1001)],
}


def polygon_area(points: np.ndarray) -> float:
    x, y = points.T
    return 0.5 * abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()))


@pytest.mark.parametrize("shape", OUTLINES)
@pytest.mark.parametrize("spacing", [0.3, 0.07])
def test_the_border_is_exact_and_no_triangle_is_slender(shape: str, spacing: float) -> None:
    points = np.array(OUTLINES[shape], float)
    positions, triangles = outline_sheet(points, spacing)
    found = measure_topology(triangles)
    assert found.euler_characteristic == 1 and found.boundary_loops == 1 and found.vertex_manifold
    assert found.consistent_winding and found.vertices == len(positions)
    areas = area_vectors(positions, triangles)[:, 2]
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(polygon_area(points), rel=1e-10)
    assert smallest_angle(positions, triangles) > 24.9
    corners = {(round(x, 9), round(y, 9)) for x, y in positions[: len(points), :2].tolist()}
    assert corners == {(round(x, 9), round(y, 9)) for x, y in points.tolist()}
    sides = positions[triangles] - positions[np.roll(triangles, -1, axis=1)]
    assert np.linalg.norm(sides, axis=2).max() < 1.9 * spacing
    edges = half_edges(triangles)
    border = edges.order[edges.first[edges.count == 1]]
    for end in (edges.start[border], edges.end[border]):
        assert on_outline(positions[end, :2], points).all()


def on_outline(found: np.ndarray, points: np.ndarray) -> np.ndarray:
    size = np.abs(points).max()
    on = np.zeros(len(found), bool)
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        share = np.clip((found - a) @ (b - a) / ((b - a) @ (b - a)), 0.0, 1.0)
        on |= np.linalg.norm(found - a - share[:, None] * (b - a), axis=1) < 1e-12 * size
    return on


def test_sharp_corners_stay_and_the_rest_is_good() -> None:
    points = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 0.1)])  # 5.7° at the first
    positions, triangles = outline_sheet(points, 0.05)
    at_tip = (triangles == 0).any(axis=1)
    assert smallest_angle(positions, triangles[at_tip]) == pytest.approx(np.degrees(np.arctan(0.1)), rel=0.01)
    assert smallest_angle(positions, triangles[~at_tip]) > 20.0
    assert len(triangles) < 500


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "crosses itself: side 1 and side 3 meet"),
        ([(0, 0), (4, 0), (4, 2), (2, 0), (0, 2)], "crosses itself: side 1 and side 3 meet"),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], "crosses itself: side 1 and side 3 meet"),
        ([(0, 0), (2, 0), (1, 0)], "encloses no area"),
        ([(0, 0), (1, 0), (1, 0), (0, 0)], "three different points"),
        ([(0, 0), (1, 0), (float("nan"), 1)], "not a number"),
    ],
)
def test_bad_outlines_are_refused(points: list, said: str) -> None:
    with pytest.raises(GeometryError, match=said):
        outline_sheet(np.array(points, float), 0.1)


def test_a_spacing_that_memory_cannot_hold() -> None:
    with pytest.raises(GeometryError, match="too many"):
        outline_sheet(np.array(OUTLINES["square"]), 1e-4)
