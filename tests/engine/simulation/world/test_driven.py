"""What is driven and has no surface of its own tells in every frame where it is."""

from __future__ import annotations

import pytest

from engine.protocol.scene import Contact, Gripper, Keyframe, Motion, Pin, RectangleShape, Region, Scene, Sheet, Time
from engine.simulation.world.world import build_world

STEP = 0.1


def driven_sheet(*, fingers: bool = False) -> Scene:
    """A sheet that a gripper turns at its right side, while its left is moved by 30 mm along z in 0.3 s."""
    lifted = Motion(
        keyframes=[Keyframe(time=0.0), Keyframe(time=0.3, translation=(0.0, 0.0, 0.03))], interpolation="linear"
    )
    turned = Motion(
        keyframes=[Keyframe(time=0.0), Keyframe(time=0.3, rotation=(0.0, -90.0, 0.0))], interpolation="linear"
    )
    pins = [
        Pin(name="lifted", region=Region(kind="side", side="left"), motion=lifted),
        Pin(name="carried", region=Region(kind="side", side="right"), gripper="hand"),
        Pin(name="still", region=Region(kind="corner", corner="top-left")),
    ]
    shape = RectangleShape(width=0.1, height=0.05, columns=4, rows=2)
    return Scene(
        time=Time(step=STEP, duration=0.3, scheme="quasi-static"),
        contact=Contact(mode="none"),
        sheets=[Sheet(name="card", shape=shape, material="card", pins=pins)],
        grippers=[Gripper(name="hand", fingers=fingers, motion=turned), Gripper(name="idle", fingers=False)],
    )


def test_hands_without_fingers_and_moving_pins_say_their_poses() -> None:
    world = build_world(driven_sheet())
    names = world.reading_names().scalars
    assert {name.rpartition(" [")[0].split()[0] for name in names} == {"hand", "card/lifted"}, "what rests is no number"
    stepper = world.stepper()
    for step in range(1, 4):
        solved = stepper.step(world.held_positions(step * STEP))
        found = world.readings(stepper, solved).scalars
        assert tuple(found) == names
        assert found["card/lifted z [m]"] == pytest.approx(0.01 * step, abs=1e-12)
        assert found["hand rotation y [rad]"] == pytest.approx(-0.5235987755982988 * step, abs=1e-12)
        assert found["hand x [m]"] == 0.0 and found["card/lifted rotation x [rad]"] == 0.0


def test_fingers_show_where_they_are_themselves() -> None:
    names = build_world(driven_sheet(fingers=True)).reading_names().scalars
    assert names and all(name.startswith("card/lifted ") for name in names)
