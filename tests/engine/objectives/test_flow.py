"""The panel method against potential flow in closed form, and the drag made of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.core.checks import CheckResult
from engine.core.errors import GeometryError
from engine.geometry.primitives import box_surface
from engine.objectives import flow_verification
from engine.objectives.drag import flow_estimate
from engine.objectives.flow_verification import STREAM, ellipsoid, mean_velocity_error
from engine.objectives.panel_flow import surface_velocity
from engine.objectives.shape_verification import opened, value_of
from engine.objectives.verification import extracted, sphere


@pytest.mark.parametrize(
    "registered",
    [
        flow_verification.flow_sphere,
        flow_verification.flow_ellipsoid,
        flow_verification.flow_without_force,
        flow_verification.drag_sphere,
        flow_verification.drag_gradient,
        flow_verification.drag_size,
    ],
)
def test_checks_against_theory_pass(registered: Callable[[], CheckResult]) -> None:
    result = registered()
    assert result.passed, result


def test_the_velocity_converges_in_the_first_order() -> None:
    coarse, fine = (mean_velocity_error((1.5, 0.8, 0.5), cells) for cells in (4, 8))
    assert 1.8 < coarse / fine < 2.6


def test_no_fluid_passes_through_the_panels() -> None:
    vertices, triangles = ellipsoid((1.2, 0.7, 0.5), 6)
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    normal = torch.linalg.cross(b - a, c - a)
    through = (surface_velocity(vertices, triangles, STREAM) * normal).sum(dim=1) / normal.norm(dim=1)
    assert float(through.abs().max()) < 1e-12


def coefficient(vertices: torch.Tensor, triangles: torch.Tensor, friction: float = 0.004) -> float:
    return float(flow_estimate(vertices, triangles, STREAM, friction).frontal_coefficient)


def test_bodies_rank_as_in_the_wind_tunnel() -> None:
    """Frontal drag coefficients: a cube about 1.05, a sphere 0.4 to 0.5, a body of four diameters 0.05 to 0.25."""
    box, faces = box_surface((1.0, 1.0, 1.0), 8)
    cube = coefficient(torch.from_numpy(box), torch.from_numpy(faces.astype(np.int32)))
    ball = coefficient(*ellipsoid((1.0, 1.0, 1.0), 8))
    slender = coefficient(*ellipsoid((4.0, 1.0, 1.0), 8))
    assert 0.75 < cube < 1.25 and 0.38 < ball < 0.52 and 0.04 < slender < 0.25


def test_friction_grows_with_the_wetted_surface() -> None:
    body = ellipsoid((1.0, 1.0, 1.0), 6)
    without, with_it = coefficient(*body, 0.0), coefficient(*body, 0.01)
    # ∮ |v| v·u dA / (π r²) of a sphere in potential flow: 4 · (3/2)² · ∫ sin⁴ θ dθ / 2 = 27 π / 16.
    assert (with_it - without) / 0.01 == pytest.approx(27 * np.pi / 16, rel=0.05)


def test_panels_that_cannot_be_solved_are_refused() -> None:
    vertices, triangles = ellipsoid((1.0, 1.0, 1.0), 3)
    broken = torch.cat([triangles, torch.tensor([[0, 0, 1]], dtype=torch.int32)])
    with pytest.raises(GeometryError, match="without area"):
        surface_velocity(vertices, broken, STREAM)
    many = triangles.repeat(60, 1)
    with pytest.raises(GeometryError, match="too many"):
        surface_velocity(vertices, many, STREAM)


def test_an_open_surface_has_no_drag() -> None:
    ball = sphere(0.7)
    half = opened(ball, ball.vertices[ball.triangles].mean(axis=1)[:, 2] > 0.0)
    assert value_of(half, "drag") == 0.0
    assert value_of(extracted(ball), "drag") > 0.3
