"""Names that a scene offers to studies are those of its World, with the same values."""

from __future__ import annotations

import pytest

from engine.protocol.scene import (
    BallShape,
    Contact,
    Crease,
    Gripper,
    Obstacle,
    Pin,
    PlaneShape,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sheet,
    Solid,
)
from engine.protocol.scene_names import FRICTION, NUMBER_UNITS, creases, movers, scene_numbers
from engine.protocol.shell_materials import preset
from engine.simulation.world.world import build_world

SQUARE = RectangleShape(width=0.2, height=0.2, columns=4, rows=4)
FOLD = [(0.0, -0.1, 0.0), (0.0, 0.1, 0.0)]


def pin(corner: str, **more: str) -> Pin:
    return Pin(region=Region(kind="corner", corner=corner), **more)  # type: ignore[arg-type]  # one of the four


def rich() -> Scene:
    """One of each, with pins and creases with and without names."""
    card = Sheet(
        name="card", shape=SQUARE, preset="card", material=preset("card").material,
        pins=[pin("top-left"), pin("top-right", name="hand", gripper="grip"), pin("bottom-left", name="nail")],
        creases=[Crease(line=FOLD)],
    )  # fmt: skip
    rubber = Sheet(
        name="rubber", shape=SQUARE, preset="rubber", material=preset("rubber").material,
        pose=Pose(translation=(0.0, 0.0, 0.1)), creases=[Crease(name="fold", line=[(0, -0.1, 0.1), (0, 0.1, 0.1)])],
    )  # fmt: skip
    return Scene(
        sheets=[card, rubber],
        solids=[Solid(name="ball", shape=BallShape(radius=0.03, cells=3), pose=Pose(translation=(0.0, 0.0, 0.3)))],
        obstacles=[Obstacle(name="ground", shape=PlaneShape(), pose=Pose(translation=(0.0, 0.0, -0.3)))],
        grippers=[
            Gripper(name="grip", pose=Pose(translation=(0.0, 0.0, 0.5)), fingers=False),
            Gripper(name="idle", fingers=False),
            Gripper(name="tongs", pose=Pose(translation=(0.0, 0.0, 0.7))),
        ],
    )


@pytest.mark.parametrize("contact", ["barrier", "none"])
def test_they_are_those_of_the_world(contact: str) -> None:
    scene = rich().model_copy(update={"contact": Contact(mode=contact)})  # type: ignore[arg-type]  # one of its words
    world = build_world(scene)
    known = {
        name: float(world.physical(name).reshape(-1)[0])
        for name in world.physical_parameters()
        if name == FRICTION or (name.rpartition(".")[2] in NUMBER_UNITS and not world.physical(name).ndim)
    }
    assert {number.name: number.value for number in scene_numbers(scene)} == known
    assert sorted(movers(scene)) == sorted(world.movers)
    assert creases(scene) == list(world.creases) == ["card/crease-1", "rubber/fold"]


def test_what_differs_from_place_to_place_is_no_number() -> None:
    stiff = Sheet(
        name="card", shape=SQUARE, preset="card", material=preset("card").material,
        creases=[Crease(line=FOLD, stiffness=0.2, yield_angle=0.1)],
    )  # fmt: skip
    names = {number.field for number in scene_numbers(Scene(sheets=[stiff]))}
    assert "young" in names and not names & {"bending_factor", "yield_angle", "hardening"}
