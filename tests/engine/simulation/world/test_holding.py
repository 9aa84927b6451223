"""What is held goes where it is told, and how it goes can be differentiated."""

from __future__ import annotations

import math

import pytest
import torch

from engine.core.errors import ParameterError
from engine.protocol.scene import (
    BoxShape,
    Gripper,
    Keyframe,
    Motion,
    Obstacle,
    Pin,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sheet,
    Time,
)
from engine.simulation.world.errors import BodyError
from engine.simulation.world.world import World, build_world

SHAPE = RectangleShape(columns=3, rows=3)
UP = Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=1.0, translation=(0.0, 0.0, 0.1))], interpolation="linear")
LEFT, RIGHT = (Region(kind="side", side=side) for side in ("left", "right"))


@pytest.fixture
def world() -> World:
    turn = Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=1.0, rotation=(0.0, 0.0, 90.0))], interpolation="linear")
    sheet = Sheet(
        name="cloth",
        shape=SHAPE,
        pins=[Pin(name="lift", region=LEFT, motion=UP), Pin(region=RIGHT, gripper="hand")],
    )
    return build_world(
        Scene(
            sheets=[sheet],
            grippers=[Gripper(name="hand", pose=Pose(translation=(0.1, 0.0, 0.0)), fingers=False, motion=turn)],
            obstacles=[
                Obstacle(name="box", shape=BoxShape(cells=1), pose=Pose(translation=(0.0, 0.0, -1.0)), motion=UP)
            ],
            time=Time(step=0.1),
        )
    )


def held_vertices_at(world: World, time: float) -> torch.Tensor:
    moved = world.positions.clone()
    moved.reshape(-1)[world.system.held] = world.held_positions(time)
    return moved


def test_at_the_start_everything_is_where_it_stands(world: World) -> None:
    assert torch.allclose(held_vertices_at(world, 0.0), world.positions, atol=1e-15)


def test_pins_obstacles_and_grippers_follow_their_motions(world: World) -> None:
    moved = held_vertices_at(world, 0.5)
    start = world.positions
    assert torch.allclose(moved[:4] - start[:4], torch.tensor([0.0, 0.0, 0.05], dtype=torch.float64))
    box = world.bodies["box"].vertices
    assert torch.allclose(moved[box] - start[box], torch.tensor([0.0, 0.0, 0.05], dtype=torch.float64))
    # The hand turns about itself, which is the middle of the right side: its corners go along x.
    corner, half = moved[12], 0.1 * math.sin(math.radians(45.0))
    assert corner.tolist() == pytest.approx([0.1 + half, -half, 0.0])


def test_poses_replace_a_motion_and_have_a_gradient(world: World) -> None:
    poses = torch.zeros(4, 6, dtype=torch.float64, requires_grad=True)
    path = world.held_path(4, {"hand": poses})
    assert path.shape == (4, len(world.system.held))
    assert torch.allclose(path[0], world.held_path(4, {"hand": torch.zeros(4, 6, dtype=torch.float64)})[0])
    weights = torch.linspace(-1.0, 1.0, path.numel(), dtype=torch.float64).reshape(path.shape)
    (weights * path).sum().backward()
    assert poses.grad is not None
    step, change = 1e-6, torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    sides = [float((weights * world.held_path(4, {"hand": sign * step * change})).sum()) for sign in (1.0, -1.0)]
    assert (sides[0] - sides[1]) / (2.0 * step) == pytest.approx(float((poses.grad * change).sum()), rel=1e-6)


def test_a_path_can_begin_later(world: World) -> None:
    assert torch.equal(world.held_path(5)[2:], world.held_path(3, first=2))
    assert torch.allclose(world.held_path(3)[1], world.held_positions(0.2))


def test_poses_for_nobody_are_refused(world: World) -> None:
    with pytest.raises(ParameterError, match="cloth/lift"):
        world.held_path(2, {"foot": torch.zeros(2, 6)})
    with pytest.raises(ParameterError, match=r"\(2, 7\)"):
        world.held_path(2, {"hand": torch.zeros(3, 6)})


def test_fingers_open_by_their_width() -> None:
    gripper = Gripper(name="hand", width=0.02)
    scene = Scene(sheets=[Sheet(name="cloth", pose=Pose(translation=(0.0, 0.0, 1.0)))], grippers=[gripper])
    world = build_world(scene)
    closed = torch.zeros(1, 7, dtype=torch.float64)
    moved = world.positions.clone()
    moved.reshape(-1)[world.system.held] = world.held_path(1, {"hand": closed})[0]
    fingers = moved[world.bodies["hand"].vertices]
    # At no width they touch in the middle.
    assert float(fingers[: len(fingers) // 2, 0].max()) == pytest.approx(0.0, abs=1e-15)
    assert float(fingers[len(fingers) // 2 :, 0].min()) == pytest.approx(0.0, abs=1e-15)


def test_a_vertex_of_two_pins_belongs_to_the_first() -> None:
    corner = Pin(name="corner", region=Region(kind="corner", corner="bottom-left"), motion=UP)
    world = build_world(Scene(sheets=[Sheet(name="cloth", shape=SHAPE, pins=[Pin(region=LEFT), corner])]))
    assert torch.allclose(held_vertices_at(world, 1.0), world.positions)


def test_a_pin_that_holds_nothing_is_refused() -> None:
    away = Region(kind="ball", centre=(5.0, 0.0, 0.0), radius=0.01)
    with pytest.raises(BodyError, match=r"cloth.*'here'"):
        build_world(Scene(sheets=[Sheet(name="cloth", pins=[Pin(name="here", region=away)])]))
