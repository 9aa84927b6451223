"""Steps that fail, in the words of the scene."""

from __future__ import annotations

import pytest

from engine.core.errors import FormwrightError
from engine.protocol.scene import Contact, Pose, RectangleShape, Scene, Sheet, Time
from engine.simulation.world.world import build_world
from engine.studies.failed_step import failed_step, round_below


@pytest.mark.parametrize(("value", "rounded"), [(1e-3, 1e-3), (9.99e-4, 5e-4), (2.7e-3, 2e-3), (0.06, 0.05)])
def test_time_steps_are_round_and_never_longer(value: float, rounded: float) -> None:
    assert round_below(value) == pytest.approx(rounded)


def two_fast_sheets(step: float) -> Scene:
    shape = RectangleShape(width=0.06, height=0.06, columns=6, rows=6)
    above = Pose(translation=(0.005, 0.007, 0.06))
    sheets = [
        Sheet(name="lower", preset="rubber", shape=shape),
        Sheet(name="upper", preset="rubber", shape=shape, velocity=(0, 0, -10), pose=above),
    ]
    return Scene(
        sheets=sheets, gravity=(0, 0, 0), contact=Contact(gap=1e-3), time=Time(step=step, duration=0.05, divide=1)
    )


def test_what_is_too_fast_says_where_and_which_steps_would_do() -> None:
    world = build_world(two_fast_sheets(5e-3))
    stepper = world.stepper()
    with pytest.raises(FormwrightError) as caught:
        stepper.run(3)
    told = failed_step(caught.value, world, stepper.positions)
    assert " of 'upper' at (" in told.message and told.place is not None
    assert told.step_size == pytest.approx(1e-3) and "steps of 1 ms" in told.remedy
    assert stepper.moment.step == 1
