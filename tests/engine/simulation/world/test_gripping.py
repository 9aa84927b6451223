"""A gripper squeezes a card and lifts it by friction alone."""

from __future__ import annotations

import pytest
import torch

from engine.protocol.scene import Contact, Gripper, Keyframe, Motion, Pose, RectangleShape, Scene, Sensor, Sheet, Time
from engine.simulation.adjoint import simulate
from engine.simulation.newton import NewtonSettings
from engine.simulation.rigid.motion import poses_at
from engine.simulation.world.world import World, build_world
from tests.support.crossing import crosses

STEP = 5e-3
CLOSED, LIFTED = 0.04, 0.16
"""When the fingers have closed, and when they have lifted [s]."""
STICKING = 2e-3
"""[m/s]"""


def gripped(friction: float) -> World:
    """An upright card that falls until two fingers have closed on it: nothing else holds it."""
    card = Sheet(
        name="card",
        shape=RectangleShape(width=0.02, height=0.03, columns=4, rows=6),
        material="card",
        pose=Pose(rotation=(90.0, 0.0, 0.0)),
    )
    keyframes = [
        Keyframe(time=0.0),
        Keyframe(time=CLOSED, width=0.9e-3),
        Keyframe(time=LIFTED, translation=(0.0, 0.0, 0.02), width=0.9e-3),
    ]
    hand = Gripper(
        name="hand",
        width=2.5e-3,
        finger=(4e-3, 0.03, 0.01),
        pose=Pose(translation=(0.0013, 0.0, 0.0117), rotation=(0.0, 0.0, 90.0)),
        motion=Motion(keyframes=keyframes),
    )
    return build_world(
        Scene(
            sheets=[card],
            grippers=[hand],
            time=Time(step=STEP),
            contact=Contact(friction=friction, friction_speed=STICKING),
            sensors=[Sensor(name="touch", kind="contact", body="card")],
        )
    )


def test_friction_holds_what_is_lifted() -> None:
    """It goes up with the fingers, and they carry its weight."""
    world = gripped(friction=0.5)
    stepper, card = world.stepper(), world.bodies["card"].vertices
    closed, lifted = round(CLOSED / STEP), round(LIFTED / STEP)
    heights = []
    for step in range(1, lifted + 7):
        solved = stepper.step(world.held_positions(step * STEP))
        assert not crosses(world.contact, stepper.positions)
        heights.append(float(stepper.positions[card, 2].mean()))
    # Below the limit friction creeps, at less than the sticking speed.
    creep = STICKING * STEP
    assert 0.02 - creep * (lifted - closed) < heights[lifted] - heights[closed] < 0.02
    assert 0.0 <= heights[-2] - heights[-1] < creep
    touch = [world.readings(stepper, solved).scalars[f"touch {axis} [N]"] for axis in "xyz"]
    weight = float(world.system.vertex_masses.sum()) * 9.81
    assert touch == pytest.approx([0.0, 0.0, weight], abs=0.01 * weight)


def test_what_is_too_smooth_slips_out() -> None:
    world = gripped(friction=0.01)
    stepper, card = world.stepper(), world.bodies["card"].vertices
    fell = []
    for step in range(1, 21):
        stepper.step(world.held_positions(step * STEP))
        assert not crosses(world.contact, stepper.positions)
        fell.append(-float(stepper.positions[card, 2].mean()))
    # Once closed, it still falls, and faster.
    assert fell[-1] - fell[-2] > fell[12] - fell[11] > 1e-3


def test_gradients_in_what_the_gripper_does() -> None:
    """While it begins to lift: by its position, rotation and width at the first of four steps, which are still felt at
    the end through friction that sticks, and by all of them."""
    world = gripped(friction=0.5)
    stepper, card = world.stepper(), world.bodies["card"].vertices
    before, steps = 10, 4
    for step in range(1, before + 1):
        stepper.step(world.held_positions(step * STEP))
    start, speed = stepper.positions.clone(), stepper.velocities.clone()
    hand = world.scene.grippers[0]
    poses = poses_at(hand.motion, (before + 1.0 + torch.arange(steps, dtype=torch.float64)) * STEP, hand.width)
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(start[card].shape, generator=generator, dtype=torch.float64)

    def loss(given: torch.Tensor) -> torch.Tensor:
        held = world.held_path(steps, {"hand": given})
        exact = NewtonSettings(tolerance=1e-12)
        motion = simulate(world.system, start, speed, steps=steps, step_size=STEP, held=held, newton=exact)
        return (weights * motion.positions[-1][card]).sum()

    leaf = poses.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(leaf), leaf)
    sizes = torch.tensor([1e-7] * 3 + [1e-6] * 3 + [1e-7], dtype=torch.float64)
    entries = {"position": slice(0, 3), "rotation": slice(3, 6), "width": slice(6, 7)}
    cases = [(slice(0, 1), own) for own in entries.values()] + [(slice(None), slice(None))]
    for when, own in cases:
        way = torch.zeros_like(poses)
        way[when, own] = (sizes * torch.randn(poses.shape, generator=generator, dtype=torch.float64))[when, own]
        measured = 0.5 * float(loss(poses + way) - loss(poses - way))
        assert measured != 0.0
        assert float((found * way).sum()) == pytest.approx(measured, rel=1e-3)
