"""Checks of contact and friction against theory."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import ipctk
import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from engine.core.checks import CheckResult, Count, Positive, check, compare
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.adjoint import simulate
from engine.simulation.contact.laws import Mode
from engine.simulation.contact.trial import GAP, STEP, STICKING_SPEED, G, Part, make_trial, on_incline, table_and_sheet
from engine.simulation.newton import NewtonSettings

TIGHT = NewtonSettings(tolerance=1e-11)
Angle = Annotated[float, Field(ge=0.0, lt=90.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


@check("shell.incline", title="A sheet on an incline sticks or slides as Coulomb's friction says")
def incline(
    *, angle: Angle = 25.0, friction: NotNegative = 0.3, steps: Annotated[int, Field(ge=10, le=400)] = 60
) -> CheckResult:
    """Acceleration g (sin a − μ cos a) within 2 % where it slides, or within what smoothing the friction adds where it
    is hardly steep enough; where tan a < μ its speed stays below the sticking speed, and is what is measured."""
    ahead = math.sin(math.radians(angle)) - friction * math.cos(math.radians(angle))
    expected, time = G * max(ahead, 0.0), 2 * steps * STEP
    trial = table_and_sheet(friction, reach=0.5 * expected * time**2)
    stepper = on_incline(trial, angle, steps, TIGHT)
    if ahead <= 0.0:
        speed = abs(float(trial.mean_velocity(stepper, "sheet")[0]))
        passed = speed < STICKING_SPEED
        return CheckResult("shell.incline", speed, 0.0, STICKING_SPEED, passed, unit="m/s", detail={"sliding": False})
    before = float(trial.mean_velocity(stepper, "sheet")[0])
    stepper.run(steps)
    measured = (float(trial.mean_velocity(stepper, "sheet")[0]) - before) / (steps * STEP)
    speeds = _smoothed_speeds(math.radians(angle), friction, 2 * steps)
    smoothed = (speeds[-1] - speeds[steps - 1]) / (steps * STEP)
    tolerance = 0.02 * expected + abs(smoothed - expected)
    return compare("shell.incline", measured, expected, tolerance, unit="m/s²", sliding=True, smoothed=smoothed)


def _smoothed_speeds(angle: float, friction: float, steps: int) -> list[float]:
    """Of a point on an incline under smoothed friction, μ cos a (2y − y²) for y = v/ε below 1, by implicit Euler."""
    speeds, v, rubbing = [], 0.0, STEP * G * friction * math.cos(angle)
    for _ in range(steps):
        pushed = v + STEP * G * math.sin(angle)
        v = pushed - rubbing
        if v < STICKING_SPEED and rubbing > 0.0:
            half = 0.5 * STICKING_SPEED + rubbing
            v = STICKING_SPEED * (half - math.sqrt(max(half**2 - rubbing * pushed, 0.0))) / rubbing
        speeds.append(v)
    return speeds


@check("shell.creep", title="A sheet that sticks creeps as slowly as smoothed friction says")
def creep(
    *,
    share: Annotated[float, Field(gt=0.0, le=0.999)] = 0.9,
    friction: Annotated[float, Field(ge=0.01, le=100.0)] = 0.3,
) -> CheckResult:
    """v = ε (1 − √(1 − tan a / μ)) at a share tan a / μ of the limit, within 2 %."""
    angle = math.atan(share * friction)
    rest = math.sqrt(1.0 - share)
    # Towards that speed it goes as exp(−rate · time).
    rate = 2.0 * friction * G * math.cos(angle) * rest / STICKING_SPEED
    trial = table_and_sheet(friction)
    stepper = on_incline(trial, math.degrees(angle), max(60, math.ceil(6.0 / (rate * STEP))), TIGHT)
    measured = float(trial.mean_velocity(stepper, "sheet")[0])
    expected = STICKING_SPEED * (1.0 - rest)
    return compare("shell.creep", measured, expected, 0.02 * expected, unit="m/s")


@check("shell.penalty-depth", title="In penalty mode a sheet rests as near to the table as its weight says")
def penalty_depth(*, stiffness: Positive = 40.0) -> CheckResult:
    """d = gap − m g / (k n) with n contacts, within 1 %."""
    trial = table_and_sheet(0.0, mode="penalty", stiffness=stiffness)
    stepper = trial.stepper(newton=TIGHT)
    stepper.run(80)
    own = trial.bodies["sheet"]
    measured = float(stepper.positions[own][:, 2].mean())
    count = trial.contact.readings(stepper.moment.q).count
    mass = float(trial.system.vertex_masses[own].sum())
    expected = GAP - mass * G / (stiffness * max(count, 1))
    return compare("shell.penalty-depth", measured, expected, 0.01 * expected, contacts=count)


@check("shell.friction-gradient", title="Gradients through contact and friction agree with central differences")
def friction_gradient(
    *, state: Literal["sticking", "sliding"] = "sliding", contact: Mode = "barrier", steps: Count = 5
) -> CheckResult:
    """By velocities, the start, gravity, friction and the stiffness of contact, along a random direction of each: the
    largest relative error, 1e-2, and none of them silently zero."""
    angle = 8.0 if state == "sticking" else 30.0
    trial = table_and_sheet(0.3, mode=contact)
    stepper = on_incline(trial, angle, 10, TIGHT)
    start, speed = stepper.positions.clone(), stepper.velocities.clone()
    generator = torch.Generator().manual_seed(4)
    weights = torch.randn(start.shape, generator=generator, dtype=torch.float64)
    parameters = trial.system.parameters()
    given = {"positions": start, "velocities": speed}
    given |= {name: parameters[name] for name in ("gravity", "friction.friction", "contact.stiffness")}

    def loss(values: dict[str, Tensor]) -> Tensor:
        system = {name: value for name, value in values.items() if name not in ("positions", "velocities")}
        # The two energies share one stiffness.
        system["friction.stiffness"] = system["contact.stiffness"]
        motion = simulate(
            trial.system,
            values["positions"],
            values["velocities"],
            steps=steps,
            step_size=trial.step_size,
            parameters=system,
            newton=TIGHT,
        )
        return (weights * motion.positions[-1]).sum()

    leaves = {name: value.clone().requires_grad_() for name, value in given.items()}
    found = dict(zip(leaves, torch.autograd.grad(loss(leaves), list(leaves.values())), strict=True))
    # What Newton's tolerance leaves is 1e-11 m: smaller differences measure that.
    sizes = {"positions": 1e-7, "velocities": 1e-4, "gravity": 1e-3}
    errors = {}
    for name, value in given.items():
        way = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        way = way * sizes.get(name, 1e-2 * float(value.abs().max()))
        sides = [float(loss(given | {name: value + sign * way})) for sign in (1.0, -1.0)]
        measured, said = 0.5 * (sides[0] - sides[1]), float((found[name] * way).sum())
        errors[name] = abs(said - measured) / abs(measured) if measured and said else math.inf
    return compare("shell.friction-gradient", max(errors.values()), 0.0, 1e-2, errors=errors)


@check(
    "shell.horizon", title="The gradient by the first step of a long motion agrees with central differences at its end"
)
def horizon(
    *,
    steps: Annotated[int, Field(ge=1, le=4)] = 3,
    friction: Annotated[float, Field(ge=0.25, le=0.6)] = 0.3,
) -> CheckResult:
    """Derivative of where the sheet is after all steps in where the table is pulled to in the first of them, through
    friction alone, against central differences: relative error 1e-3, and not zero. The further back, and the stronger
    the friction, the smaller it is, until a difference is only what Newton's method leaves."""
    trial = table_and_sheet(friction)
    # It creeps: beyond the limit friction does not change. The response is strongly curved: the error of the difference
    # falls with the square of its size, until at 1e-8 m what Newton's method leaves is most of it.
    exact = NewtonSettings(tolerance=1e-13)
    stepper = on_incline(trial, 8.0, 10, exact)
    start, speed, held = stepper.positions.clone(), stepper.velocities.clone(), trial.system.held
    path = start.reshape(-1)[held].expand(steps, -1).clone()
    own, way = trial.bodies["sheet"], torch.zeros_like(path)
    way[0, 0::3] = 1.0

    def loss(there: Tensor) -> Tensor:
        motion = simulate(trial.system, start, speed, steps=steps, step_size=trial.step_size, held=there, newton=exact)
        return motion.positions[-1][own, 0].mean()

    leaf = path.clone().requires_grad_()
    said = float((torch.autograd.grad(loss(leaf), leaf)[0] * way).sum())
    size = 1e-7
    measured = (float(loss(path + size * way)) - float(loss(path - size * way))) / (2.0 * size)
    error = abs(said - measured) / abs(measured) if said and measured else math.inf
    return compare("shell.horizon", error, 0.0, 1e-3, said=said, measured_derivative=measured)


@check(
    "shell.collision-momentum",
    title="Two free sheets that collide keep their momentum, and neither passes through the other",
)
def collision_momentum(*, speed: Positive = 2.0, steps: Count = 12) -> CheckResult:
    """The sum of momenta after the collision over that of one sheet before, within 1e-6; "crossed" in the detail says
    in how many steps one sheet cut the other, which must be none. No step is longer than it takes to go 1 cm."""
    material = preset("rubber").material
    low, triangles = regular_sheet(0.06, 0.06, 3, 3)
    high, others = regular_sheet(0.05, 0.05, 3, 3)
    high = high + np.array([0.004, 0.003, 0.01])
    trial = make_trial(
        [Part("low", low, triangles, material), Part("high", high, others, material)],
        step_size=min(STEP, 0.01 / speed),
        gravity=(0, 0, 0),
    )
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies["high"], 2] = -speed
    masses = trial.system.vertex_masses[:, None]
    before = (masses * velocities).sum(dim=0)
    stepper = trial.stepper(velocities, TIGHT)
    surface, crossed = trial.contact.surface, 0
    for _ in range(steps):
        stepper.step()
        crossed += ipctk.has_intersections(surface.mesh, surface.on_surface(stepper.positions))
    after = (masses * stepper.velocities).sum(dim=0)
    measured = float((after - before).norm() / before.norm())
    result = compare("shell.collision-momentum", measured, 0.0, 1e-6, crossed=crossed)
    return CheckResult(
        result.case, measured, 0.0, 1e-6, result.passed and not crossed, unit=result.unit, detail=result.detail
    )
