"""Friction is found from a slide that was recorded with another coefficient."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.objectives.recorded import RecordedMotion
from engine.protocol.scene import (
    Contact,
    FrictionPair,
    Obstacle,
    PlaneShape,
    Pose,
    RectangleShape,
    Scene,
    Sheet,
    Time,
)
from engine.protocol.study import Study
from engine.studies.registry import build_problem

STEPS = 12


def slide(friction: float) -> Scene:
    """A square of rubber pushed along the ground, on which it lies."""
    return Scene(
        time=Time(step=0.005, duration=0.005 * STEPS),
        contact=Contact(friction=friction, gap=2e-3),
        friction=[FrictionPair(between=("sheet", "sheet"), coefficient=0.9)],
        sheets=[
            Sheet(
                name="sheet", shape=RectangleShape(width=0.05, height=0.05, columns=2, rows=2), preset="rubber",
                material="rubber", pose=Pose(translation=(0.003, 0.007, 0.0015)), velocity=(0.4, 0.0, 0.0),
            )
        ],
        obstacles=[Obstacle(name="ground", shape=PlaneShape(size=0.4))],
    )  # fmt: skip


def problem(friction: float, recording: Any) -> Any:
    study = Study(study="identify", scene=slide(friction), parameters={"unknowns": "contact.friction"})
    return build_problem(study, {"recording": recording})


@pytest.fixture(scope="module")
def recording() -> RecordedMotion:
    """Where the sheet is with a coefficient of 0.3."""
    from engine.studies.simulated import world_of

    scene = slide(0.3)
    world = world_of(Study(study="identify", scene=scene), {})
    stepper, frames = world.stepper(), []
    for step in range(STEPS):
        stepper.step(world.held_positions((step + 1) * scene.time.step))
        frames.append(stepper.moment.q[: 3 * len(world.positions)].reshape(-1, 3)[:9].clone())
    times = torch.repeat_interleave(scene.time.step * torch.arange(1, STEPS + 1, dtype=torch.float64), 9)
    return RecordedMotion(times, torch.cat(frames), torch.arange(9).repeat(STEPS))


def loss(found: Any) -> torch.Tensor:
    found.take_progress(0, 0.0)
    return torch.stack(list(found.evaluate().values())).sum()


def test_the_derivative_is_that_of_differences(recording: RecordedMotion) -> None:
    found = problem(0.2, recording)
    leaf = found.tensors()["contact.friction"]
    (slope,) = torch.autograd.grad(loss(found), leaf)
    h, sides = 1e-4, []
    for way in (1.0, -1.0):
        with torch.no_grad():
            leaf.fill_(way * h)
            sides.append(float(loss(found)))
    assert float(slope) != 0.0
    assert float(slope) == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-3)


def test_the_loss_has_its_least_at_the_coefficient_of_the_recording(recording: RecordedMotion) -> None:
    found = problem(0.3, recording)
    assert float(loss(found).detach()) < 1e-8
    assert found.values() == {"contact.friction": pytest.approx(0.3)}
    # The pair that has a coefficient of its own keeps it.
    assert found.world.physical("contact.friction").tolist() == [0.3, 0.9]
