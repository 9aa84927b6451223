"""Checks of the panel method against potential flow that is known in closed form, and of the drag that it gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.integrate import quad

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.primitives import ball_surface
from engine.objectives.drag import BASE_PRESSURE, SOFTNESS, flow_estimate
from engine.objectives.panel_flow import surface_velocity
from engine.objectives.verification import (
    NO_DESIGN,
    evaluation_of,
    extracted,
    relative_gradient_error,
    sphere,
    surface_term,
)

STREAM = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)


def ellipsoid(axes: tuple[float, float, float], cells: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices and triangles of an ellipsoid with the given half axes; `cells` along each edge of the cube under it."""
    vertices, triangles = ball_surface(1.0, cells)
    return torch.from_numpy(vertices * axes), torch.from_numpy(triangles.astype(np.int32))


def ellipsoid_velocity(axes: tuple[float, float, float], positions: torch.Tensor) -> torch.Tensor:
    """On the surface of an ellipsoid in a stream along x: (1 + k) U without its normal part (Lamb, section 114).

    positions : on or near it, (n, 3); 1 + k = 2/(2 − α), α = a b c ∫ du / ((a² + u) √((a² + u)(b² + u)(c² + u)))
    """
    a, b, c = axes

    def integrand(u: float) -> float:
        return 1.0 / ((a * a + u) * np.sqrt((a * a + u) * (b * b + u) * (c * c + u)))

    alpha = a * b * c * quad(integrand, 0.0, np.inf)[0]
    normal = positions / torch.tensor(axes, dtype=torch.float64) ** 2
    normal = normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True)
    return (STREAM - (normal @ STREAM)[:, None] * normal) * (2.0 / (2.0 - alpha))


def mean_velocity_error(axes: tuple[float, float, float], cells: int) -> float:
    """Area-weighted mean of |v − v_exact| over the panels, in units of the stream."""
    vertices, triangles = ellipsoid(axes, cells)
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    area = torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1)
    velocity = surface_velocity(vertices, triangles, STREAM)
    error = torch.linalg.vector_norm(velocity - ellipsoid_velocity(axes, (a + b + c) / 3.0), dim=1)
    return float((area * error).sum() / area.sum())


@check(
    "objectives.flow-sphere",
    title="Panel method: the pressure on a sphere agrees with potential flow",
    source="C_p = 1 − 9/4 sin² θ: Lamb, Hydrodynamics, 1932, section 92",
)
def flow_sphere(cells: Count = 8) -> CheckResult:
    """Area-weighted mean error of the pressure coefficient, which runs from −1.25 to 1."""
    vertices, triangles = ellipsoid((1.0, 1.0, 1.0), cells)
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    centre, area = (a + b + c) / 3.0, torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1)
    cosine = centre[:, 0] / torch.linalg.vector_norm(centre, dim=1)
    pressure = 1.0 - (surface_velocity(vertices, triangles, STREAM) ** 2).sum(dim=1)
    error = (area * (pressure - 1.0 + 2.25 * (1.0 - cosine**2)).abs()).sum() / area.sum()
    return compare("objectives.flow-sphere", float(error), 0.0, 0.25 / cells)


@check(
    "objectives.flow-ellipsoid",
    title="Panel method: the velocity on an ellipsoid with three axes agrees with potential flow",
    source="Lamb, Hydrodynamics, 1932, section 114",
)
def flow_ellipsoid(
    length: Positive = 1.5, width: Positive = 0.8, height: Positive = 0.5, cells: Count = 8
) -> CheckResult:
    """Mean error of the velocity in units of the stream; flat panels with centroids converge in the first order."""
    axes = (length, width, height)
    errors = {count: mean_velocity_error(axes, count) for count in (max(cells // 2, 1), cells)}
    return compare("objectives.flow-ellipsoid", errors[cells], 0.0, 0.25 / cells, errors=errors)


@check(
    "objectives.flow-without-force",
    title="Panel method: potential flow puts no force on a body (d'Alembert's paradox)",
    source="d'Alembert's paradox",
)
def flow_without_force(cells: Count = 8) -> CheckResult:
    """Largest part of ∮ C_p n dA, relative to the frontal area, on an egg that stands askew in the stream."""
    vertices, triangles = ellipsoid((1.0, 0.8, 0.5), cells)
    vertices[:, 1:] *= 1.0 + 0.3 * vertices[:, :1]
    stream = torch.tensor([0.8, 0.48, 0.36], dtype=torch.float64)
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    area = 0.5 * torch.linalg.cross(b - a, c - a)
    pressure = 1.0 - (surface_velocity(vertices, triangles, stream) ** 2).sum(dim=1)
    force = (pressure[:, None] * area).sum(dim=0) / (0.5 * (area @ stream).abs().sum())
    return compare("objectives.flow-without-force", float(force.abs().max()), 0.0, 0.2 / cells)


@check(
    "objectives.drag-sphere",
    title="Drag: a sphere's pressure drag agrees with the formula",
    source="the model's integral over the exact pressure; experiments: 0.4 to 0.5 from Re 10³ to 10⁵",
)
def drag_sphere(cells: Count = 10) -> CheckResult:
    vertices, triangles = ellipsoid((1.0, 1.0, 1.0), cells)
    estimate = flow_estimate(vertices, triangles, STREAM, 0.0)

    def larger(a: float, b: float) -> float:
        return 0.5 * (a + b + np.hypot(a - b, SOFTNESS))

    wake = larger(BASE_PRESSURE, BASE_PRESSURE)

    def pressure(x: float) -> float:
        attached = 1.0 - 2.25 * (1.0 - x * x)
        return attached if x < 0.0 else -larger(-attached, -wake)

    expected = -quad(lambda x: 2.0 * pressure(x) * x, -1.0, 0.0)[0] - quad(lambda x: 2.0 * pressure(x) * x, 0.0, 1.0)[0]
    return compare("objectives.drag-sphere", float(estimate.frontal_coefficient), expected, 3.0 / cells**2)


@check(
    "objectives.drag-gradient",
    title="Drag: the gradient through the flow agrees with central differences",
    source="central differences, float64; clusters held",
)
def drag_gradient(panels: Count = 150) -> CheckResult:
    """On panels that are the surface's faces, and on clusters of them."""
    errors = {
        count: relative_gradient_error(
            surface_term("drag", None, panels=count, direction=(1.0, 0.4, 0.2)), None, directions=3
        )
        for count in (panels, 400)
    }
    return compare("objectives.drag-gradient", max(errors.values()), 0.0, 1e-6, errors=errors)


@check(
    "objectives.drag-size",
    title="Drag: the coefficient is the same for a larger body elsewhere",
    source="potential flow has no length of its own",
)
def drag_size(factor: Positive = 3.0) -> CheckResult:
    term, body = surface_term("drag", None), extracted(sphere(0.3, 10), jitter=0.01)
    values = [
        float(term.evaluate(evaluation_of(replace(body, vertices=moved)), NO_DESIGN))
        for moved in (body.vertices.detach(), factor * body.vertices.detach() + 0.2)
    ]
    return compare("objectives.drag-size", values[1], values[0], 1e-9)
