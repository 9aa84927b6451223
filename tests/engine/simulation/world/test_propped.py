"""Equilibria with contact: a strip that is clamped at one end and lies on a prop near the other."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import pytest
import torch
from torch import Tensor

from engine.protocol.scene import (
    BoxShape,
    Contact,
    Obstacle,
    Pin,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sensor,
    Sheet,
    Time,
)
from engine.protocol.shell_materials import ShellMaterial
from engine.simulation.adjoint import simulate
from engine.simulation.newton import NewtonSettings
from engine.simulation.world.world import World, build_world
from tests.support.crossing import crosses

Mode = Literal["barrier", "penalty"]
LENGTH, WIDTH, CELL = 0.1, 0.02, 0.005
"""Of what is not clamped, and of a cell [m]."""
MATERIAL = ShellMaterial(young=1e9, poisson=0.0, thickness=5e-4, density=500.0)


def propped(mode: Mode, friction: float = 0.0) -> World:
    shape = RectangleShape(width=LENGTH + 2 * CELL, height=WIDTH, columns=22, rows=4)
    clamp = Pin(name="clamp", region=Region(kind="box", low=(-1.0, -1.0, -1.0), high=(1e-6, 1.0, 1.0)))
    pose = Pose(translation=(0.5 * LENGTH - CELL, 0.0, 0.0))
    strip = Sheet(name="strip", preset="", material=MATERIAL, shape=shape, pose=pose, pins=[clamp])
    prop = Obstacle(
        name="prop",
        shape=BoxShape(size=(0.004, 0.05, 0.01), cells=1),
        pose=Pose(translation=(LENGTH - 0.004, 0.0, -0.0061)),
    )
    return build_world(
        Scene(
            sheets=[strip],
            obstacles=[prop],
            contact=Contact(mode=mode, friction=friction),
            sensors=[Sensor(name="prop", kind="reaction", body="prop")],
            time=Time(step=1.0, duration=1.0, scheme="quasi-static"),
        )
    )


@pytest.mark.parametrize("mode", ["barrier", "penalty"])
def test_a_prop_carries_what_theory_says(mode: Mode) -> None:
    """A beam under its own weight q, pushed up by R at a: w(x) = q x² (6 L² − 4 L x + x²) / 24 B − R x² (3 a − x) / 6 B
    for x below a. R follows from how far it has sunk at a."""
    world = propped(mode)
    stepper, own = world.stepper(), world.bodies["strip"].vertices
    solved = stepper.step(world.held_positions(1.0))
    assert solved.report.residuals[-1] <= 1e-8
    assert not crosses(world.contact, stepper.positions)
    assert world.contact is not None
    push = world.contact.readings(solved.q).pressing[own, 2]
    x = stepper.positions[own]
    place, sunk = float(push @ x[:, 0] / push.sum()), -float(push @ x[:, 2] / push.sum())
    stiffness = WIDTH * MATERIAL.bending_stiffness
    load = MATERIAL.density * MATERIAL.thickness * WIDTH * 9.81
    free = load * place**2 * (6.0 * LENGTH**2 - 4.0 * LENGTH * place + place**2) / (24.0 * stiffness)
    expected = 3.0 * stiffness * (free - sunk) / place**3
    assert expected > 0.2 * load * LENGTH
    assert world.readings(stepper, solved).scalars["prop z [N]"] == pytest.approx(-expected, rel=0.02)


@pytest.mark.parametrize(("mode", "friction"), [("barrier", 0.0), ("penalty", 0.0), ("barrier", 0.3)])
def test_gradients_through_equilibria_with_contact(mode: Mode, friction: float) -> None:
    """By materials and by where the prop is taken, in three equilibria one after another where it rubs: |J(t) − J(0) −
    t ∇J| falls with t²."""
    loss = _moved_prop(propped(mode, friction), steps=3 if friction else 1)
    leaf = torch.zeros((), dtype=torch.float64, requires_grad=True)
    value = loss(leaf)
    (slope,) = torch.autograd.grad(value, leaf)
    sides = [float(loss(torch.tensor(side * 1e-3, dtype=torch.float64))) for side in (1.0, -1.0)]
    assert 0.5 * (sides[0] - sides[1]) / 1e-3 == pytest.approx(float(slope), rel=1e-6)
    sizes = [2.0 ** -(6 + k) for k in range(4)]
    value = value.detach()
    errors = [abs(float(loss(torch.tensor(t, dtype=torch.float64)) - value - t * slope)) for t in sizes]
    for one, other in pairwise(errors):
        assert math.log2(one / other) == pytest.approx(2.0, abs=0.1)


def _moved_prop(world: World, steps: int) -> Callable[[Tensor], Tensor]:
    """Where the strip ends, as the prop goes up and along, and the strip is another."""
    stepper, own = world.stepper(), world.bodies["strip"].vertices
    stepper.step(world.held_positions(1.0))
    start = stepper.positions.clone()
    weights = torch.randn(start[own].shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    path = torch.zeros_like(start)
    path[world.bodies["prop"].vertices] = torch.tensor([1e-3, 0.0, 2e-3], dtype=torch.float64)
    way = torch.linspace(0.3, 1.0, steps, dtype=torch.float64)[:, None] * path.reshape(-1)[world.system.held]
    there = world.held_path(steps)
    changes = {"strip.young": 0.3, "strip.thickness": -0.3, "strip.density": 0.2, "contact.stiffness": -0.3}
    given = {name: world.physical(name) for name in changes}

    def loss(t: Tensor) -> Tensor:
        motion = simulate(
            world.system,
            start,
            steps=steps,
            step_size=1.0,
            scheme="quasi-static",
            held=there + t * way,
            parameters=world.expanded({name: given[name] * (1.0 + share * t) for name, share in changes.items()}),
            newton=NewtonSettings(tolerance=1e-11),
        )
        return (weights * motion.positions[-1][own]).sum()

    return loss
