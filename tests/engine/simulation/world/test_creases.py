"""Creases fold by their own numbers, and by nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.protocol.scene import Contact, Crease, Pin, RectangleShape, Region, Scene, Sheet, Time
from engine.simulation.world.errors import BodyError
from engine.simulation.world.world import World, build_world

SHAPE = RectangleShape(width=0.08, height=0.04, columns=8, rows=4)
MIDDLE = [(0.0, -0.03, 0.0), (0.0, 0.03, 0.0)]
HELD = Pin(region=Region(kind="box", low=(-1, -1, -1), high=(-0.019, 1, 1)))


def creased(material: str = "paper", bending: str = "midedge", **crease: object) -> World:
    line = Crease.model_validate({"name": "fold", "line": MIDDLE} | crease)
    sheet = Sheet.model_validate(
        {"name": "sheet", "shape": SHAPE, "material": material, "bending": bending, "creases": [line], "pins": [HELD]}
    )
    still = Time(scheme="quasi-static", step=1.0)
    return build_world(Scene(sheets=[sheet], time=still, gravity=(0, 0, -1e-3), contact=Contact(mode="none")))


def test_a_line_across_the_sheet_is_a_path_of_its_edges() -> None:
    world = creased()
    line = world.creases["sheet/fold"]
    assert len(line.edges) == SHAPE.rows
    assert np.allclose(world.positions[torch.as_tensor(line.vertices), 0], 0.0)


def test_the_rest_angle_folds_the_sheet() -> None:
    """Nothing else pulls at it: it stands at the angle of its crease."""
    world = creased(material="rubber", angle=0.8)
    stepper = world.stepper()
    stepper.step()
    moved = stepper.positions
    free = moved[-1] - moved[torch.as_tensor(world.creases["sheet/fold"].vertices)].mean(dim=0)
    turned = math.atan2(abs(float(free[2])), float(free[0]))
    assert turned == pytest.approx(0.8, rel=0.02)


def test_numbers_stand_at_the_crease_alone() -> None:
    world = creased(angle=0.3, stiffness=0.25, yield_angle=0.05, hardening=0.4)
    edges = torch.as_tensor(world.creases["sheet/fold"].edges)
    material = world.scene.sheets[0].material
    parameters = world.parameters()
    for name, own, other in (
        ("rest_angles", 0.3, 0.0),
        ("yield_angle", 0.05, material.yield_angle),
        ("hardening", 0.4, material.hardening),
    ):
        values = parameters[f"sheet.bending.{name}"]
        assert values[edges].tolist() == [own] * len(edges)
        rest = torch.ones(len(values), dtype=torch.bool)
        rest[edges] = False
        assert set(values[rest].tolist()) == {other}
    factors = parameters["sheet.bending.stiffness"] / material.bending_factor
    assert int((factors == 0.25).sum()) == 2 * len(edges)


def test_only_the_crease_yields_in_what_keeps_none() -> None:
    world = creased(material="leather", yield_angle=0.1)
    yields = world.parameters()["sheet.bending.yield_angle"]
    assert int(torch.isfinite(yields).sum()) == len(world.creases["sheet/fold"].edges)


def test_a_softer_crease_bends_more() -> None:
    def drop(stiffness: float) -> float:
        world = creased(material="card", stiffness=stiffness)
        world.update(world.scene.model_copy(update={"gravity": (0.0, 0.0, -2.0)}))
        stepper = world.stepper()
        stepper.step()
        return -float(stepper.positions[-1, 2])

    assert drop(0.1) > 1.3 * drop(1.0)


def test_hinges_crease_too() -> None:
    world = creased(bending="hinges", angle=0.3)
    assert float(world.parameters()["sheet.bending.rest_angles"].max()) == 0.3


@pytest.mark.parametrize(
    ("crease", "said"),
    [
        ({"line": []}, "no line"),
        ({"line": [], "vertices": [0, 40]}, "none between vertices 0 and 40"),
        ({"line": [], "vertices": [0, 99]}, "does not exist"),
    ],
)
def test_a_crease_that_is_nowhere_is_refused(crease: dict[str, object], said: str) -> None:
    with pytest.raises(BodyError, match=said):
        creased(**crease)
