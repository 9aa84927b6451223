"""Checks of gradients through steps and equilibria of thin shells."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BeforeValidator
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.core.errors import ParameterError
from engine.protocol.shell_materials import preset
from engine.simulation.adjoint import simulate
from engine.simulation.contact.laws import Mode
from engine.simulation.contact.trial import on_incline, table_and_sheet
from engine.simulation.schemes import SchemeName
from engine.simulation.system import System
from engine.simulation.verification.sheets import TIGHT, MovingScheme, small_sheet

Touching = Annotated[
    Literal["none", "barrier", "penalty"],
    BeforeValidator(lambda given: {True: "barrier", False: "none"}[given] if isinstance(given, bool) else given),
]
"""Whether there is contact, and of which kind."""


@check(
    "shell.taylor", title="A gradient through steps of a sheet predicts changes with an error of order 2 (Taylor test)"
)
def taylor(
    *,
    material: str = "rubber",
    scheme: SchemeName = "implicit-euler",
    contact: Touching = "none",
    friction: Literal["sticking", "sliding"] = "sticking",
    steps: Count = 4,
    seed: int = 6,
    directions: Count = 2,
) -> CheckResult:
    """|J(p + h d) − J(p) − h ∇J · d| for h halved six times, with p the start, velocities, gravity, rest shape,
    materials and constants of contact, all in random directions d: about a hundredth of each, and of the thickness for
    positions. Of several directions it is the root of the sum of squares, for along one the second derivative may
    nearly vanish. Its slope, the median of six, is 2 ± 0.1. Creases yield where the material has them. Without contact
    a sheet falls that is held at two corners. With it, one that has come to rest sticks to a table at 8°, or slides
    down it at 30°, so that nothing begins to touch, to slide or to stick within the disturbance; true is a barrier."""
    start = _falling(material, seed) if contact == "none" else _rubbing(material, scheme, contact, friction)
    ways = [_losses(start, scheme, steps, seed + way) for way in range(directions)]
    # Nothing but stiffness holds a sheet back that has no inertia: the same disturbance moves it further.
    largest = 6 if scheme == "quasi-static" else 4
    sizes = [2.0 ** -(largest + k) for k in range(7)]
    errors = np.zeros(len(sizes))
    for losses, gradient in ways:
        value = losses(0.0)
        errors = np.hypot(errors, [losses(size) - value - size * gradient for size in sizes])
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    slope = float(np.median(slopes))
    return compare("shell.taylor", slope, 2.0, 0.1, errors=errors.tolist(), slopes=slopes)


@check("shell.free-body-gradient", title="Gradients of where a free sheet flies are those of the formula")
def free_body_gradient(
    *, scheme: MovingScheme = "implicit-euler", steps: Count = 6, step_size: Positive = 5e-3
) -> CheckResult:
    """By the start it is 1, by velocity the time T, by gravity h² N (N + 1) / 2 (implicit Euler), T² / 2 (implicit
    midpoint) or what the recurrence of BDF2 gives; the largest relative error, 1e-5."""
    system, rest = small_sheet(preset("rubber").material, seed=7)
    masses = system.vertex_masses / system.vertex_masses.sum()
    start = rest.clone().requires_grad_()
    speed = torch.zeros_like(rest).requires_grad_()
    gravity = system.gravity.clone().requires_grad_()
    motion = simulate(
        system, start, speed, steps=steps, step_size=step_size, scheme=scheme, parameters={"gravity": gravity}
    )
    (masses @ motion.positions[-1])[2].backward()
    time = steps * step_size
    fallen = _fallen(scheme, steps, step_size)
    assert start.grad is not None and speed.grad is not None and gravity.grad is not None
    errors = {
        "positions": float(start.grad[:, 2].sum()) - 1.0,
        "velocities": float(speed.grad[:, 2].sum()) / time - 1.0,
        "gravity": float(gravity.grad[2]) / fallen - 1.0,
    }
    return compare("shell.free-body-gradient", max(abs(error) for error in errors.values()), 0.0, 1e-5, errors=errors)


def _fallen(scheme: MovingScheme, steps: int, h: float) -> float:
    """How far a point falls in so many steps where gravity is 1 m/s² [m]."""
    if scheme == "implicit-midpoint":
        return 0.5 * (steps * h) ** 2
    if scheme == "implicit-euler":
        return 0.5 * h**2 * steps * (steps + 1)
    (x, v), (earlier_x, earlier_v) = (h * h, h), (0.0, 0.0)
    for _ in range(steps - 1):
        next_v = (4.0 * v - earlier_v + 2.0 * h) / 3.0
        next_x = (4.0 * x - earlier_x + 2.0 * h * next_v) / 3.0
        (earlier_x, earlier_v), (x, v) = (x, v), (next_x, next_v)
    return x


@dataclass(frozen=True)
class _Start:
    """Where the steps that are differentiated begin.

    positions : [m], shape (vertex_count, 3)
    velocities : [m/s], likewise
    thickness : of the sheet [m]
    """

    system: System
    positions: Tensor
    velocities: Tensor
    thickness: float


def _falling(material: str, seed: int) -> _Start:
    """A sheet held at two corners."""
    made = preset(material).material
    system, rest = small_sheet(made, seed=seed, held=2)
    # Bent about one axis, and hardly stretched: a crumpled sheet has more than one way to go on.
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    wave = torch.sin(10.0 * rest[:, :1] + 0.5) * up
    return _Start(system, rest + 1e-3 * wave, 0.05 * wave, made.thickness)


def _rubbing(material: str, scheme: SchemeName, mode: Mode, friction: Literal["sticking", "sliding"]) -> _Start:
    """A sheet that lies on an inclined table, or slides down it."""
    if scheme == "quasi-static":
        raise ParameterError(
            "scheme",
            "a sheet that only friction holds does not settle without inertia.",
            remedy="Take another scheme, or contact=none.",
        )
    trial = table_and_sheet(0.3, mode=mode, material=material, scheme=scheme)
    stepper = on_incline(trial, 8.0 if friction == "sticking" else 30.0, 10, TIGHT)
    return _Start(trial.system, stepper.positions, stepper.velocities, preset(material).material.thickness)


def _losses(start: _Start, scheme: SchemeName, steps: Count, seed: int) -> tuple[Callable[[float], float], float]:
    """The loss along a random direction of everything, and its derivative there."""
    system = start.system
    generator = torch.Generator().manual_seed(seed)

    def noise(shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    velocities = start.velocities + 1e-4 * noise(start.velocities.shape)
    inputs = {"positions": start.positions, "velocities": velocities}
    inputs |= {name: value for name, value in system.parameters().items() if not name.endswith("rest_angles")}
    ways = {}
    for name, value in inputs.items():
        if name in ("positions", "velocities") or name.endswith("rest_positions"):
            ways[name] = 0.01 * start.thickness * noise(value.shape)
        elif name.endswith("poisson"):
            ways[name] = -0.01 * value
        else:
            ways[name] = 0.01 * value * noise(value.shape).clamp(-1.0, 1.0)
    weights = noise(torch.Size((steps + 1, *start.positions.shape)))

    def loss(given: dict[str, Tensor]) -> Tensor:
        parameters = {name: value for name, value in given.items() if name not in ("positions", "velocities")}
        motion = simulate(
            system,
            given["positions"],
            given["velocities"],
            steps=steps,
            step_size=5e-3,
            scheme=scheme,
            parameters=parameters,
            newton=TIGHT,
        )
        states = [value.square().sum() for value in motion.states.values()]
        return torch.stack([(weights * motion.positions).sum(), *states]).sum()

    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    gradients = torch.autograd.grad(loss(leaves), list(leaves.values()))
    slope = sum(float((ways[name] * found).sum()) for name, found in zip(leaves, gradients, strict=True))
    return lambda size: float(loss({name: value + size * ways[name] for name, value in inputs.items()})), slope
