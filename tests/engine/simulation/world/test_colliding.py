"""Soft bodies meet each other and sheets: momentum stays, energy does not grow, nothing passes."""

from __future__ import annotations

from typing import Literal

import pytest
import torch

from engine.protocol.scene import (
    BallShape,
    Contact,
    Obstacle,
    Pin,
    PlaneShape,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sensor,
    Sheet,
    Solid,
    SolidMaterial,
    Time,
)
from engine.simulation.adjoint import simulate
from engine.simulation.newton import NewtonSettings
from engine.simulation.stepper import Stepper
from engine.simulation.verification.sheets import MovingScheme
from engine.simulation.world.world import World, build_world
from tests.support.crossing import crosses

RADIUS = 0.02


def ball(name: str, place: tuple[float, float, float], speed: float, young: float = 2e5) -> Solid:
    return Solid(
        name=name,
        shape=BallShape(radius=RADIUS, cells=4),
        material=SolidMaterial(young=young, poisson=0.4),
        velocity=(0.0, 0.0, speed),
        pose=Pose(translation=place),
    )


def two_balls(speed: float, step: float) -> World:
    """They fly towards each other, not quite head on, and rub."""
    low, high = ball("low", (0.0, 0.0, -0.0225), speed), ball("high", (0.006, 0.003, 0.0225), -speed)
    return build_world(
        Scene(solids=[low, high], gravity=(0.0, 0.0, 0.0), time=Time(step=step), contact=Contact(friction=0.4))
    )


def mean_velocity(world: World, stepper: Stepper, body: str) -> torch.Tensor:
    own = world.bodies[body].vertices
    masses = world.system.vertex_masses[own]
    return masses @ stepper.velocities[own] / masses.sum()


def test_two_balls_collide_and_part() -> None:
    world = two_balls(speed=1.0, step=1e-3)
    stepper, masses = world.stepper(), world.system.vertex_masses[:, None]
    scale, energy = 0.5 * float(masses.sum()), sum(stepper.energies().values())
    angular = torch.linalg.cross(stepper.positions, masses * stepper.velocities).sum(dim=0)
    for _ in range(16):
        before = stepper.velocities
        stepper.step()
        assert not crosses(world.contact, stepper.positions)
        assert float((masses * stepper.velocities).sum(dim=0).norm()) < 1e-7 * scale
        # Implicit Euler loses angular momentum by its own formula; contact and friction do not change it, but for the
        # lag of the places where friction acts.
        lost = world.scene.time.step * (masses * torch.linalg.cross(stepper.velocities, before)).sum(dim=0)
        now = torch.linalg.cross(stepper.positions, masses * stepper.velocities).sum(dim=0)
        assert float((now - angular - lost).norm()) < 1e-3 * scale * RADIUS
        angular = now
        left = sum(stepper.energies().values())
        assert left <= energy * (1.0 + 1e-9)
        energy = left
    assert float(mean_velocity(world, stepper, "low")[2]) < -0.3
    assert float(mean_velocity(world, stepper, "high")[2]) > 0.3
    # They rub against each other: each is turned, and carried aside.
    assert abs(float(mean_velocity(world, stepper, "low")[0])) > 0.05


def test_a_ball_falls_on_a_sheet_in_a_frame() -> None:
    sheet = Sheet(
        name="sheet",
        material="rubber",
        shape=RectangleShape(width=0.1, height=0.1, columns=8, rows=8),
        pins=[Pin(region=Region(kind="border"))],
    )
    touch = Sensor(name="touch", kind="contact", body="ball")
    scene = Scene(sheets=[sheet], solids=[ball("ball", (0.0, 0.0, 0.024), -1.0)], sensors=[touch], time=Time(step=5e-3))
    world = build_world(scene)
    stepper, own = world.stepper(), world.bodies["ball"].vertices
    masses = world.system.vertex_masses[own, None]
    lowest, energy = 1.0, sum(stepper.energies().values())
    for step in range(1, 13):
        before = (masses * stepper.velocities[own]).sum(dim=0)
        solved = stepper.step(world.held_positions(5e-3 * step))
        assert not crosses(world.contact, stepper.positions)
        scalars = world.readings(stepper, solved).scalars
        push = torch.tensor([scalars[f"touch {axis} [N]"] for axis in "xyz"], dtype=torch.float64)
        gained = (masses * stepper.velocities[own]).sum(dim=0) - before
        weight = (masses * world.system.gravity).sum(dim=0)
        assert float((gained - 5e-3 * (weight + push)).norm()) < 1e-6 * float(masses.sum())
        lowest = min(lowest, float(stepper.positions[world.bodies["sheet"].vertices, 2].min()))
        left = sum(stepper.energies().values())
        assert left <= energy * (1.0 + 1e-9)
        energy = left
    # The sheet gave way, and has thrown it back.
    assert lowest < -5e-3
    assert float(mean_velocity(world, stepper, "ball")[2]) > 0.2


@pytest.mark.parametrize(
    ("mode", "scheme", "kept"),
    [
        ("barrier", "implicit-euler", 0.4),
        ("barrier", "bdf2", 0.85),
        ("penalty", "bdf2", 0.85),
        ("barrier", "implicit-midpoint", 0.92),
    ],
)
def test_what_a_bounce_costs(mode: Literal["barrier", "penalty"], scheme: MovingScheme, kept: float) -> None:
    """A ball bounces off the ground: no scheme makes energy of contact, and those that damp less keep more of it."""
    ground = Obstacle(name="ground", shape=PlaneShape(size=0.2))
    world = build_world(
        Scene(
            solids=[ball("ball", (0.0, 0.0, 0.0215), -1.0, young=5e4)],
            obstacles=[ground],
            gravity=(0.0, 0.0, 0.0),
            contact=Contact(mode=mode, friction=0.0, stiffness=2000.0),
            time=Time(step=1e-3, scheme=scheme),
        )
    )
    stepper, own = world.stepper(), world.bodies["ball"].vertices
    at_first = sum(stepper.energies().values())
    for _ in range(30):
        stepper.step(world.held_positions(0.0))
        assert not crosses(world.contact, stepper.positions)
        assert float(stepper.positions[own, 2].min()) > 0.0
        assert sum(stepper.energies().values()) <= at_first * (1.0 + 1e-6)
    assert float(mean_velocity(world, stepper, "ball")[2]) > 0.5
    assert sum(stepper.energies().values()) > kept * at_first


def test_gradients_of_a_collision() -> None:
    """How fast a ball leaves, by the other's stiffness and the friction between them."""
    world = two_balls(speed=1.0, step=2e-3)
    high = world.bodies["high"].vertices
    young, friction = world.physical("low.young"), world.physical("contact.friction")

    def leaves_with(change: torch.Tensor) -> torch.Tensor:
        parameters = {
            "low.young": young * (1.0 + change[0]),
            "contact.friction": friction * (1.0 + change[1]),
        }
        motion = simulate(
            world.system,
            world.positions,
            world.velocities,
            steps=8,
            step_size=world.scene.time.step,
            parameters=world.expanded(parameters),
            newton=NewtonSettings(tolerance=1e-12),
        )
        return motion.velocities[-1][high, 2].mean() + motion.velocities[-1][high, 0].mean()

    leaf = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(leaves_with(leaf), leaf)
    for entry, size in enumerate((1e-5, 1e-4)):
        change = torch.zeros(2, dtype=torch.float64)
        change[entry] = size
        measured = float(leaves_with(change) - leaves_with(-change)) / (2.0 * size)
        assert measured != 0.0
        assert float(found[entry]) == pytest.approx(measured, rel=1e-3), entry
