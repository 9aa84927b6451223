"""Bodies of a scene touch: what carries what, who rubs how, and what must not be at the start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.protocol.scene import (
    BallShape,
    Contact,
    FrictionPair,
    Gripper,
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
    Time,
)
from engine.simulation.world.errors import BodyError
from engine.simulation.world.world import build_world
from tests.support.crossing import crosses

CARD = RectangleShape(width=0.06, height=0.04, columns=3, rows=2)
GROUND = Obstacle(name="ground", shape=PlaneShape(size=0.5))


def card_on_ground(**more: Any) -> Scene:
    sheet = Sheet(name="card", shape=CARD, material="card", pose=Pose(translation=(0.0, 0.0, 0.0009)))
    sensors = [
        Sensor(name="floor", kind="reaction", body="ground"),
        Sensor(name="touch", kind="contact", body="card"),
    ]
    return Scene.model_validate({"sheets": [sheet], "obstacles": [GROUND], "sensors": sensors} | more)


def test_the_ground_carries_the_weight() -> None:
    world = build_world(card_on_ground(time=Time(step=0.01)))
    stepper = world.stepper()
    for step in range(1, 41):
        solved = stepper.step(world.held_positions(0.01 * step))
    readings = world.readings(stepper, solved)
    weight = float(world.system.vertex_masses.sum()) * 9.81
    assert readings.scalars["floor z [N]"] == pytest.approx(-weight, rel=0.02)
    assert readings.scalars["touch z [N]"] == pytest.approx(weight, rel=0.02)
    assert 0.0 < readings.closest < 1e-3
    card = world.bodies["card"].vertices
    pressed = readings.fields["contact_pressure"][card]
    assert float(pressed.mean()) == pytest.approx(weight / (0.06 * 0.04), rel=0.3)
    for name in ("contact_pressure", "friction"):
        assert np.isnan(readings.fields[name][world.bodies["ground"].vertices]).all()
    assert not crosses(world.contact, stepper.positions)


def test_friction_of_a_pair_and_what_sticks() -> None:
    """On a slope of 20° a card of friction 1 stays, and one of friction 0.1 slides by ½ g (sin − μ cos) t²."""
    slope = np.radians(20.0)
    gravity = (9.81 * float(np.sin(slope)), 0.0, -9.81 * float(np.cos(slope)))
    moved, states = {}, {}
    for coefficient in (1.0, 0.1):
        pair = FrictionPair(between=("ground", "card"), coefficient=coefficient)
        scene = card_on_ground(
            gravity=gravity, friction=[pair], time=Time(step=5e-3), contact=Contact(friction_speed=1e-3)
        )
        world = build_world(scene)
        stepper = world.stepper()
        for step in range(1, 41):
            solved = stepper.step(world.held_positions(5e-3 * step))
        card = world.bodies["card"].vertices
        moved[coefficient] = float((stepper.positions - world.positions)[card, 0].mean())
        states[coefficient] = int(world.readings(stepper, solved).fields["friction"][card].max())
    expected = 0.5 * 9.81 * (np.sin(slope) - 0.1 * np.cos(slope)) * 0.2**2
    assert moved[0.1] == pytest.approx(expected, rel=0.1)
    assert moved[1.0] < 0.01 * expected
    assert states == {1.0: 1, 0.1: 2}


def test_friction_changes_while_it_runs() -> None:
    world = build_world(card_on_ground())
    less = world.scene.model_copy(update={"contact": world.scene.contact.model_copy(update={"friction": 0.05})})
    world.update(less)
    assert float(world.physical("contact.friction")[0]) == 0.05
    pair = less.model_copy(update={"friction": [FrictionPair(between=("card", "ground"), coefficient=0.5)]})
    with pytest.raises(ParameterError, match="card/ground"):
        world.update(pair)
    assert world.scene == less


def test_contact_has_one_stiffness() -> None:
    world = build_world(card_on_ground())
    assert world.physical_parameters()["contact.stiffness"] == ["contact.stiffness", "friction.stiffness"]


@pytest.mark.parametrize("mode", ["barrier", "penalty"])
@pytest.mark.parametrize("factor", [1e2, 1e4])
def test_contact_may_be_much_stiffer(mode: str, factor: float) -> None:
    """A card that falls on the ground converges at every step, and comes to rest nearer to the gap."""
    plain = build_world(card_on_ground()).physical("contact.stiffness")
    contact = Contact(mode=mode, stiffness=factor * float(plain))
    sheet = Sheet(name="card", shape=CARD, material="card", pose=Pose(translation=(0.0, 0.0, 0.004)))
    world = build_world(card_on_ground(sheets=[sheet], contact=contact))
    stepper, card = world.stepper(), world.bodies["card"].vertices
    for step in range(1, 21):
        solved = stepper.step(world.held_positions(step * world.scene.time.step))
        assert solved.report.residuals[-1] <= 1e-8 or solved.report.rounding
        assert solved.report.iterations < 40
        assert float(stepper.positions[card, 2].min()) > 0.0
    weight = float(world.system.vertex_masses.sum()) * 9.81
    assert world.readings(stepper, solved).scalars["floor z [N]"] == pytest.approx(-weight, rel=0.05)
    assert 0.97e-3 < float(stepper.positions[card, 2].mean()) < 1e-3


def test_bodies_inside_each_other_are_refused_where_they_are() -> None:
    ball = Obstacle(name="ball", shape=BallShape(radius=0.02, cells=4))
    with pytest.raises(BodyError, match="inside each other") as caught:
        build_world(card_on_ground(obstacles=[GROUND, ball]))
    assert "ball" in str(caught.value)
    assert caught.value.point is not None
    assert np.linalg.norm(caught.value.point) < 40.0  # [mm], at the ball


def test_a_body_within_another_is_refused() -> None:
    inner = Solid(name="seed", shape=BallShape(radius=0.01, cells=4))
    outer = Obstacle(name="shell", shape=BallShape(radius=0.1, cells=4))
    with pytest.raises(BodyError, match=r"seed|shell"):
        build_world(Scene(solids=[inner], obstacles=[outer]))


def test_what_a_gripper_carries_may_touch_its_fingers() -> None:
    """A card whose edge is between fingers that are nearer than the gap."""
    sheet = Sheet(
        name="card", shape=CARD, material="card", pins=[Pin(region=Region(kind="side", side="left"), gripper="hand")]
    )
    hand = Gripper(
        name="hand", width=1e-3, finger=(4e-3, 0.05, 4e-3), pose=Pose(translation=(-0.03, 0, 0), rotation=(0, 90, 0))
    )
    world = build_world(Scene(sheets=[sheet], grippers=[hand], gravity=(0.0, 0.0, 0.0)))
    stepper = world.stepper()
    stepper.step(world.held_positions(world.scene.time.step))
    assert torch.allclose(stepper.positions, world.positions, atol=1e-9)


def test_a_scene_without_contact_has_none() -> None:
    world = build_world(card_on_ground(contact=Contact(mode="none"), time=Time(step=0.02)))
    assert world.contact is None
    stepper = world.stepper()
    for step in range(1, 11):
        solved = stepper.step(world.held_positions(0.02 * step))
    assert float(stepper.positions[world.bodies["card"].vertices, 2].max()) < 0.0
    assert world.readings(stepper, solved).scalars["touch z [N]"] == 0.0
