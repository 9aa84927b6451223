"""Drag: an estimate of the resistance of a body in a stream, by potential flow and a model of its wake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.objectives.evaluation import Evaluation
from engine.objectives.panel_flow import MOST_PANELS, surface_velocity
from engine.objectives.placed import Position, unit_vector
from engine.objectives.shape_loss import shape_loss
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface

BASE_PRESSURE = -0.4
"""Pressure coefficient behind bluff bodies: sphere, disc and cube lie near it (Hoerner, Fluid-Dynamic Drag, 1965)."""

KEPT_SPEED = (1.0 - BASE_PRESSURE) / 2.25
"""Share of the largest squared speed that is left where the flow separates: on a sphere, whose largest is 9/4, the
pressure there is the base pressure."""

ROUNDS = 8
"""Of smoothing before the surface is clustered."""

NORM = 16
"""Exponent of the mean that stands for the largest speed, so that it has a derivative."""

SPHERE_MEAN = 0.29953837
"""Mean of sin¹⁶ over the sphere, 16!!/17!!: with it the largest speed of a sphere comes out as it is."""

SOFTNESS = 0.05
"""Pressure coefficients that differ by less than this pass into each other smoothly."""


@dataclass(frozen=True)
class FlowEstimate:
    """Coefficients of a body in a stream, each with its graph.

    pressure : of the panels with the wake's share, (panel_count,)
    pressure_area, friction_area : C_D · reference area, in the square of the frame's lengths
    frontal_area : half of the area seen along the stream from both sides
    volume : enclosed
    """

    pressure: Tensor
    pressure_area: Tensor
    friction_area: Tensor
    frontal_area: Tensor
    volume: Tensor

    @property
    def frontal_coefficient(self) -> Tensor:
        """C_D on the frontal area, as tables of bodies give it."""
        return (self.pressure_area + self.friction_area) / self.frontal_area

    @property
    def volumetric_coefficient(self) -> Tensor:
        """C_DV on V^(2/3), as that of airships: it does not change with the size."""
        return (self.pressure_area + self.friction_area) / self.volume ** (2.0 / 3.0)


def flow_estimate(vertices: Tensor, triangles: Tensor, stream: Tensor, friction: float) -> FlowEstimate:
    """Drag of a closed body in a uniform stream, differentiable in `vertices`.

    vertices : float64 (vertex_count, 3); triangles : int32 (panel_count, 3); stream : unit vector, float64 (3,)
    friction : coefficient of a flat plate in this flow

    Without friction and wake potential flow has no drag (d'Alembert). So behind the body, where n·U > 0, the pressure
    recovers only until the squared speed has fallen to `KEPT_SPEED` of the largest one, and stays so in the wake; it
    falls no lower than `BASE_PRESSURE`. Friction is that of a flat plate in the local speed. The separation point of
    a real flow depends on the Reynolds number, which this estimate does not know.
    """
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    area_vector = 0.5 * torch.linalg.cross(b - a, c - a)
    area = torch.linalg.vector_norm(area_vector, dim=1)
    forward = area_vector @ stream
    velocity = surface_velocity(vertices, triangles, stream)
    squared = (velocity * velocity).sum(dim=1)
    mean = (area * squared ** (NORM // 2)).sum() / area.sum()
    largest = (mean / SPHERE_MEAN) ** (2.0 / NORM)
    attached = 1.0 - squared
    wake = _larger(1.0 - KEPT_SPEED * largest, torch.as_tensor(BASE_PRESSURE).to(area))
    pressure = torch.where(forward > 0.0, -_larger(-attached, -wake), attached)
    return FlowEstimate(
        pressure=pressure,
        pressure_area=-(pressure * forward).sum(),
        friction_area=friction * (area * torch.sqrt(squared) * (velocity @ stream)).sum(),
        frontal_area=0.5 * forward.abs().sum(),
        volume=(a * torch.linalg.cross(b, c)).sum() / 6.0,
    )


def _larger(a: Tensor, b: Tensor) -> Tensor:
    return 0.5 * (a + b + torch.sqrt((a - b) ** 2 + SOFTNESS**2))


@register
class Drag(Term):
    """Volumetric drag coefficient of the surface in a uniform stream.

    The surface is smoothed and clustered to panels whose corners are means of its vertices, unless it has few faces.
    The clusters are held while the gradient is taken, which is otherwise that of the discrete flow. Without the
    smoothing the gradient would jump from cluster to cluster. A surface that is open or encloses nothing has no
    drag.
    """

    kind: ClassVar[str] = "drag"
    title: ClassVar[str] = "Drag"
    help: ClassVar[str] = (
        "Streamlines the body: an estimate of its resistance, by a flow without friction and a simple model of the "
        "wake. It ranks shapes of one family; it is no wind tunnel, and it knows no lift. The arrow is where the "
        "stream goes. Hold the volume, or the body grows thin."
    )
    formula: ClassVar[str] = "C_DV = (−Σ C_p A n·u + C_f Σ A |v| v·u) / V^(2/3),  C_p = 1 − |v|² or that of the wake"
    source: ClassVar[str] = (
        "Hess and Smith, Calculation of potential flow about arbitrary bodies, 1967; wake pressure: Hoerner, 1965"
    )
    place: ClassVar[str] = "direction"
    leaves_target: ClassVar[bool] = True
    surfaces: ClassVar[tuple[str, ...]] = ("flexicubes", "deepmesh")

    class Parameters(ParameterModel):
        direction: Position = parameter((1.0, 0.0, 0.0), title="Stream", live=True, help="Where the stream goes.")
        friction: float = parameter(
            0.004, title="Friction", ge=0.0, soft_max=0.02, live=True, advanced=True,
            help="Friction coefficient of a flat plate: 0.003 to 0.006 in air at usual speeds.",
        )  # fmt: skip
        panels: int = parameter(
            800, title="Panels", ge=100, le=MOST_PANELS, live=True, advanced=True,
            help="How many triangles the flow is computed on. Time grows with the square, and with the cube for many.",
        )  # fmt: skip

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        nothing = evaluation.vertices.sum() * 0.0
        if evaluation.is_empty or len(evaluation.surface.boundary):
            return nothing
        positions = evaluation.positions
        label, triangles = evaluation.panels(self.parameters.panels)
        inside = label >= 0
        count = torch.bincount(label[inside])
        coarser = len(triangles) < len(evaluation.triangles)
        fine = positions.clone().requires_grad_()
        with torch.enable_grad():
            calm = _calmed(fine, evaluation.triangles) if coarser else fine
            total = positions.new_zeros(len(count), 3).index_add(0, label[inside], calm[inside])
            stream = unit_vector(self.parameters.direction, f"{self.kind}.direction").to(positions.device)
            corners = total / count[:, None]
            panels = triangles[_have_area(corners.detach(), triangles)]
            if not len(panels):
                return nothing
            estimate = flow_estimate(corners, panels, stream, self.parameters.friction)
            if float(estimate.volume.detach()) <= 0.0:
                return nothing
            value = estimate.volumetric_coefficient
        (gradient,) = torch.autograd.grad(value, fine)
        return shape_loss(evaluation.vertices, value.detach(), gradient, name=self.title)


def _have_area(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Which triangles have an area; the others carry no sources, and leave no hole."""
    a, b, c = vertices[triangles.long()].unbind(dim=1)
    size = torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1)
    return size > 1e-9 * size.mean()


def _calmed(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Every vertex halfway to the mean of its neighbours, `ROUNDS` times; linear in `vertices`."""
    corners = triangles.long()
    tail, head = corners.reshape(-1), corners.roll(-1, dims=1).reshape(-1)
    degree = vertices.new_zeros(len(vertices)).index_add(0, tail, torch.ones_like(tail, dtype=vertices.dtype))
    share = (0.5 / degree.clamp(min=1.0))[:, None]
    rest = torch.where(degree > 0.0, 0.5, 1.0)[:, None]
    for _ in range(ROUNDS):
        around = torch.zeros_like(vertices).index_add(0, tail, vertices.index_select(0, head))
        vertices = rest * vertices + share * around
    return vertices
