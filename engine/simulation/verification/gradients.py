"""Checks of gradients through steps and equilibria of thin shells."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.protocol.shell_materials import ShellMaterial, preset
from engine.simulation.adjoint import simulate
from engine.simulation.schemes import SchemeName
from engine.simulation.verification.sheets import TIGHT, MovingScheme, small_sheet


@check("shell.taylor", title="Order in which a gradient's prediction fails, through steps of a falling sheet")
def taylor(
    *, material: str = "rubber", scheme: SchemeName = "implicit-euler", steps: Count = 4, seed: int = 6
) -> CheckResult:
    """|J(p + h d) − J(p) − h ∇J · d| for h halved six times, with p the start, velocities, gravity, rest shape and
    materials, all in random directions d: about a hundredth of each, and of the thickness for positions. Its slope, the
    median of six, is 2 ± 0.1. Creases yield where the material has them."""
    losses, gradient = _losses(preset(material).material, scheme, steps, seed)
    # Nothing but stiffness holds a sheet back that has no inertia: the same disturbance moves it further.
    largest = 6 if scheme == "quasi-static" else 4
    sizes = [2.0 ** -(largest + k) for k in range(7)]
    value = losses(0.0)
    errors = [abs(losses(size) - value - size * gradient) for size in sizes]
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    slope = float(np.median(slopes))
    return compare("shell.taylor", slope, 2.0, 0.1, errors=errors, slopes=slopes)


@check("shell.free-body-gradient", title="Gradients of a free sheet's mean position, against their exact values")
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


def _losses(
    material: ShellMaterial, scheme: SchemeName, steps: Count, seed: int
) -> tuple[Callable[[float], float], float]:
    """The loss along a random direction of everything, and its derivative there."""
    system, rest = small_sheet(material, seed=seed, held=2)
    generator = torch.Generator().manual_seed(seed)

    def noise(shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    # Bent about one axis, and hardly stretched: a crumpled sheet has more than one way to go on.
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    wave = torch.sin(10.0 * rest[:, :1] + 0.5) * up
    inputs = {"positions": rest + 1e-3 * wave, "velocities": 0.05 * wave + 1e-4 * noise(rest.shape)}
    inputs |= {name: value for name, value in system.parameters().items() if not name.endswith("rest_angles")}
    ways = {}
    for name, value in inputs.items():
        if name in ("positions", "velocities") or name.endswith("rest_positions"):
            ways[name] = 0.01 * material.thickness * noise(value.shape)
        elif name.endswith("poisson"):
            ways[name] = -0.01 * value
        else:
            ways[name] = 0.01 * value * noise(value.shape).clamp(-1.0, 1.0)
    weights = noise(torch.Size((steps + 1, *rest.shape)))

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
