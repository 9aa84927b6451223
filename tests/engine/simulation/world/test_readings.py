"""What is read of a World: forces that balance, energies that add up, and fields that theory knows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.protocol.scene import (
    BoxShape,
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
    Time,
)
from engine.simulation.shell.rest import vertex_areas
from engine.simulation.stepper import Stepper
from engine.simulation.world.errors import BodyError
from engine.simulation.world.world import World, build_world

SHAPE = RectangleShape(width=0.1, height=0.1, columns=5, rows=5)
CORNERS = [
    Pin(name=side, region=Region(kind="corner", corner=side))  # type: ignore[arg-type]
    for side in ("top-left", "top-right")
]


def moved_by(world: World, matrix: list[list[float]]) -> Stepper:
    """A stepper that stands where every position is a matrix times where it was."""
    factor = torch.tensor(matrix, dtype=torch.float64)
    return Stepper(world.system, world.positions @ factor.T, step_size=world.scene.time.step)


def test_corners_carry_the_weight_and_pull_apart() -> None:
    sensors = [
        Sensor(name="both", kind="reaction", body="cloth"),
        Sensor(name="one", kind="reaction", body="cloth", pin="top-left"),
        Sensor(name="other", kind="reaction", body="cloth", pin="top-right"),
    ]
    sheet = Sheet(name="cloth", shape=SHAPE, material="rubber", pose=Pose(rotation=(90.0, 0.0, 0.0)), pins=CORNERS)
    still = Time(scheme="quasi-static", step=1.0)
    world = build_world(Scene(sheets=[sheet], sensors=sensors, time=still, contact=Contact(mode="none")))
    stepper = world.stepper()
    before = world.readings(stepper).scalars
    assert all(math.isnan(value) for value in before.values())
    solved = stepper.step(world.held_positions(1.0))
    now = world.readings(stepper, solved).scalars
    weight = float(world.system.vertex_masses.sum()) * 9.81
    assert now["both z [N]"] == pytest.approx(-weight, rel=1e-6)
    assert now["both x [N]"] == pytest.approx(0.0, abs=1e-6 * weight)
    assert now["one x [N]"] > 0.0 > now["other x [N]"]
    assert now["one z [N]"] + now["other z [N]"] == pytest.approx(now["both z [N]"], rel=1e-12)


def test_strain_is_that_of_the_stretch() -> None:
    sheet = Sheet(name="cloth", shape=SHAPE, material="rubber", pose=Pose(rotation=(0.0, 0.0, 30.0)))
    block = Solid(name="block", shape=BoxShape(size=(0.02, 0.02, 0.02), cells=2), pose=Pose(translation=(0, 0, 1.0)))
    floor = Obstacle(name="floor", shape=PlaneShape(), pose=Pose(translation=(0.0, 0.0, -1.0)))
    world = build_world(Scene(sheets=[sheet], solids=[block], obstacles=[floor]))
    stepper = moved_by(world, [[1.1, 0.0, 0.0], [0.0, 1.02, 0.0], [0.0, 0.0, 1.0]])
    strain = world.readings(stepper).fields["strain"]
    for name in ("cloth", "block"):
        assert strain[world.bodies[name].vertices] == pytest.approx(0.5 * (1.1**2 - 1.0), rel=1e-5)
    assert np.isnan(strain[world.bodies["floor"].vertices]).all()


def test_bending_energy_over_the_area_adds_up_to_the_energy() -> None:
    for bending in ("midedge", "hinges"):
        sheet = Sheet(name="cloth", shape=SHAPE, material="leather", bending=bending)  # type: ignore[arg-type]
        world = build_world(Scene(sheets=[sheet]))
        bent = world.positions.clone()
        bent[:, 2] = 3.0 * bent[:, 0] ** 2
        stepper = Stepper(world.system, bent, step_size=0.01)
        readings = world.readings(stepper)
        areas = vertex_areas(world.positions, torch.as_tensor(world.triangles)).numpy()
        total = float((areas * readings.fields["bending_energy"]).sum())
        assert total == pytest.approx(readings.energies["cloth.bending"], rel=1e-5)
        assert total > 0.0


def test_energies_of_bodies_and_of_all() -> None:
    sheet = Sheet(name="cloth", shape=SHAPE, velocity=(0.0, 0.0, 2.0))
    sensors = [Sensor(name="mine", kind="energy", body="cloth"), Sensor(name="all", kind="energy")]
    world = build_world(Scene(sheets=[sheet], sensors=sensors))
    readings = world.readings(world.stepper())
    mass = float(world.system.vertex_masses.sum())
    assert readings.scalars["mine kinetic [J]"] == pytest.approx(2.0 * mass)
    assert readings.scalars["all kinetic [J]"] == pytest.approx(2.0 * mass)
    assert set(world.reading_names().energies) == set(readings.energies)
    assert {name for name in readings.scalars if name.startswith("mine")} == {
        "mine membrane [J]", "mine bending [J]", "mine gravity [J]", "mine kinetic [J]"
    }  # fmt: skip


def test_sampled_vertices_are_where_they_are() -> None:
    probe = Sensor(name="edge", kind="vertices", body="cloth", region=Region(kind="side", side="right"), count=2)
    sheet = Sheet(name="cloth", shape=SHAPE, velocity=(0.0, 1.0, 0.0))
    world = build_world(Scene(sheets=[sheet], sensors=[probe]))
    scalars = world.readings(world.stepper()).scalars
    assert tuple(scalars) == world.reading_names().scalars
    assert scalars["edge 30 y [m]"] == pytest.approx(-0.05)
    assert scalars["edge 35 y [m]"] == pytest.approx(0.05)
    assert scalars["edge 35 vy [m/s]"] == 1.0


def test_sensors_that_look_at_nothing_are_refused() -> None:
    sheet = Sheet(name="cloth", shape=SHAPE, pins=CORNERS)
    nowhere = Region(kind="ball", centre=(9.0, 0.0, 0.0), radius=0.01)
    for sensor, error in (
        (Sensor(name="eye", kind="reaction"), ParameterError),
        (Sensor(name="eye", kind="reaction", body="cloth", pin="tail"), ParameterError),
        (Sensor(name="eye", kind="vertices", body="cloth", region=nowhere), BodyError),
    ):
        with pytest.raises(error, match="eye"):
            build_world(Scene(sheets=[sheet], sensors=[sensor]))
