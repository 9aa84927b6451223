"""A World changes while it runs, and refuses what wants a new start."""

from __future__ import annotations

import pytest
import torch

from engine.core.errors import ParameterError
from engine.protocol.scene import (
    BallShape,
    Contact,
    Crease,
    Keyframe,
    Motion,
    Pin,
    Pose,
    RectangleShape,
    Region,
    Scene,
    Sensor,
    Sheet,
    Solid,
)
from engine.protocol.shell_materials import preset
from engine.simulation.world.world import World, build_world

PIN = Pin(name="left", region=Region(kind="box", low=(-1, -1, -1), high=(-0.04, 1, 1)))


@pytest.fixture
def world() -> World:
    sheet = Sheet(name="cloth", shape=RectangleShape(columns=5, rows=2), material="paper", pins=[PIN])
    ball = Solid(name="ball", shape=BallShape(radius=0.02, cells=4), pose=Pose(translation=(0.0, 0.0, 0.5)))
    return build_world(Scene(sheets=[sheet], solids=[ball], contact=Contact(mode="none")))


def changed(scene: Scene, **more: object) -> Scene:
    return scene.model_copy(update=more)


def with_sheet(scene: Scene, **more: object) -> Scene:
    return changed(scene, sheets=[scene.sheets[0].model_copy(update=more)])


def test_another_material_is_as_if_built_with_it(world: World) -> None:
    softer = preset("paper").material.model_copy(update={"young": 1e9, "young_cross": 4e8, "thickness": 2e-4})
    scene = with_sheet(world.scene, material=softer)
    ball = scene.solids[0].model_copy(
        update={"material": scene.solids[0].material.model_copy(update={"young": 3e5, "density": 700.0})}
    )
    scene = changed(scene, solids=[ball], gravity=(0.0, 0.0, -1.6))
    anew = build_world(scene)
    world.update(scene)
    assert world.parameters().keys() == anew.parameters().keys()
    for name, value in anew.parameters().items():
        assert torch.equal(world.parameters()[name], value), name
    assert torch.equal(world.system.vertex_masses, anew.system.vertex_masses)


def test_motions_change(world: World) -> None:
    up = Motion(keyframes=[Keyframe(time=0.0), Keyframe(time=1.0, translation=(0.0, 0.0, 0.1))])
    before = world.held_positions(1.0)
    world.update(with_sheet(world.scene, pins=[PIN.model_copy(update={"motion": up})]))
    assert float((world.held_positions(1.0) - before).max()) == pytest.approx(0.1)


def test_sensors_come_and_go(world: World) -> None:
    world.update(changed(world.scene, sensors=[Sensor(name="hold", kind="reaction", body="cloth")]))
    assert world.reading_names().scalars == ("hold x [N]", "hold y [N]", "hold z [N]")
    world.update(changed(world.scene, sensors=[]))
    assert world.reading_names().scalars == ()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda scene: changed(scene, solids=[]), "solids.ball"),
        (lambda scene: with_sheet(scene, shape=RectangleShape(columns=4, rows=2)), "sheets.cloth.shape.columns"),
        (lambda scene: with_sheet(scene, pins=[]), "sheets.cloth.pins"),
        (lambda scene: with_sheet(scene, creases=[Crease(line=[(0, -1, 0), (0, 1, 0)])]), "sheets.cloth.creases"),
        (lambda scene: changed(scene, time=scene.time.model_copy(update={"step": 1e-3})), "time.step"),
        (lambda scene: with_sheet(scene, material=preset("rubber").material), "cloth.material.law"),
    ],
)
def test_what_wants_a_new_start_is_listed(world: World, change: object, named: str) -> None:
    before, parameters = world.scene, world.parameters()
    with pytest.raises(ParameterError, match=named.replace(".", r"\.")):
        world.update(change(before))  # type: ignore[operator]
    assert world.scene is before
    assert all(torch.equal(value, parameters[name]) for name, value in world.parameters().items())


def test_a_sensor_that_looks_at_nothing_is_refused_and_changes_nothing(world: World) -> None:
    lost = Sensor(name="lost", kind="reaction", body="ball")
    gravity = world.system.gravity
    with pytest.raises(ParameterError, match="lost"):
        world.update(changed(world.scene, sensors=[lost], gravity=(0.0, 0.0, 0.0)))
    assert torch.equal(world.system.gravity, gravity)
