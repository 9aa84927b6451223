"""Terms where geometry is degenerate: nothing becomes NaN, and what does not matter does not pull."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.target import MeshTarget, ScanTarget
from engine.objectives.term import TermContext, build_term
from engine.objectives.verification import CPU, NO_DESIGN, UNIT, cube, evaluation_of, extracted, sphere
from engine.protocol.study import TermSpec
from engine.surfaces.surface import ExtractedSurface

KINDS = [
    "fit", "normals", "smoothness", "volume", "handle", "developability", "thickness", "overhang", "symmetry", "parts",
    "boundary-length", "holes", "drag",
]  # fmt: skip


def mesh_target(mesh: Mesh | None = None) -> MeshTarget:
    return MeshTarget(mesh or cube(1.0), UNIT, CPU, sample_count=300, draw_count=1)


def scan_target() -> ScanTarget:
    corners = cube(1.0).vertices
    normals = corners / np.linalg.norm(corners, axis=1, keepdims=True)
    return ScanTarget(Points(corners, normals), UNIT, CPU, sample_count=8, confidence=np.ones(8), reach=5.0)


def gradient_of(kind: str, surface: ExtractedSurface, target: MeshTarget | ScanTarget) -> tuple[float, torch.Tensor]:
    term = build_term(TermSpec(kind=kind, name=kind), TermContext(UNIT, target, CPU))
    value = term.evaluate(evaluation_of(surface, target), NO_DESIGN)
    (gradient,) = torch.autograd.grad(value, surface.vertices)
    return float(value.detach()), gradient


@pytest.mark.parametrize("make_target", [mesh_target, scan_target], ids=["mesh", "scan"])
@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_triangles_of_the_surface_leave_all_finite(kind: str, make_target: type) -> None:
    ball = sphere(0.6, 8)
    count = ball.vertex_count
    needles = [[0, 0, 1], [2, 2, 2], [0, count, 1], [3, count + 1, 5]]
    between = (ball.vertices[3] + ball.vertices[5]) / 2
    spoiled = Mesh(
        np.concatenate([ball.vertices, [ball.vertices[0], between]]), np.concatenate([ball.triangles, needles])
    )
    value, gradient = gradient_of(kind, extracted(spoiled), make_target())
    assert np.isfinite(value) and bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_of_one_triangle_or_with_degenerate_ones_is_met(kind: str) -> None:
    corners = np.array([[0.0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
    for triangles in ([[0, 1, 2]], [[0, 1, 2], [0, 0, 1], [1, 1, 1]]):
        value, gradient = gradient_of(kind, extracted(sphere(0.6, 8)), mesh_target(Mesh(corners, np.array(triangles))))
        assert np.isfinite(value) and bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_surface_has_no_loss_and_no_gradient(kind: str) -> None:
    nothing = ExtractedSurface(
        torch.zeros(0, 3, dtype=torch.float64, requires_grad=True), torch.zeros(0, 3, dtype=torch.int32), 0.1, 0
    )
    value, gradient = gradient_of(kind, nothing, mesh_target())
    assert np.isfinite(value) and gradient.shape == (0, 3)


def test_a_surface_on_its_target_feels_nothing() -> None:
    """Every distance is zero, where the derivative of a distance does not exist."""
    target = mesh_target(sphere(0.6, 8))
    value, gradient = gradient_of("fit", extracted(sphere(0.6, 8)), target)
    # Distances of points on the faces are rounding errors, whose directions are arbitrary.
    assert value < 1e-12 and bool(torch.isfinite(gradient).all())


@pytest.mark.parametrize(
    ("point", "pulled"),
    [((-0.5, -0.5, 1.0), [0]), ((0.5, -0.5, 1.0), [0, 1]), ((0.25, 0.25, 1.0), [0, 1, 2])],
    ids=["vertex", "edge", "face"],
)
def test_a_point_pulls_the_vertices_of_what_is_nearest_to_it(
    point: tuple[float, float, float], pulled: list[int]
) -> None:
    surface = extracted(Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]])))
    scan = Points(np.array([point]), np.array([[0.0, 0.0, 1.0]]))
    target = ScanTarget(scan, UNIT, CPU, sample_count=1, confidence=np.ones(1), reach=0.1)
    term = build_term(
        TermSpec(kind="fit", name="fit", parameters={"surface_share": 0.0}), TermContext(UNIT, target, CPU)
    )
    value = term.evaluate(evaluation_of(surface, target), NO_DESIGN)
    (gradient,) = torch.autograd.grad(value, surface.vertices)
    assert torch.nonzero(gradient.norm(dim=1))[:, 0].tolist() == pulled
    nearest = np.clip(point, 0.0, 1.0) * [1, 1, 0]
    assert float(value.detach()) == pytest.approx(float(np.linalg.norm(np.array(point) - nearest)))
    # The whole pull is a unit vector towards the point.
    assert gradient.sum(dim=0).norm().item() == pytest.approx(1.0)
