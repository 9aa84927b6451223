"""Nothing passes through anything, and what is held pushes what is in its way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.primitives import square
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.contact.errors import ContactError
from engine.simulation.contact.trial import Part, make_trial
from tests.support.crossing import crosses

MATERIAL = preset("rubber").material


def _sheet(name: str, height: float, size: float = 0.06, held: list[int] | None = None) -> Part:
    positions, triangles = regular_sheet(size, size, 3, 3)
    return Part(name, positions - positions.mean(axis=0) + [0.0, 0.0, height], triangles, MATERIAL, held or [])


def _plate(name: str, height: float, size: float = 0.2) -> Part:
    positions, triangles = square(size)
    return Part(name, positions - positions.mean(axis=0) + [0.001, 0.002, height], triangles)


@pytest.mark.parametrize("scheme", ["implicit-euler", "bdf2", "implicit-midpoint"])
def test_a_fast_sheet_does_not_pass_a_thin_obstacle(scheme: str) -> None:
    trial = make_trial([_sheet("sheet", 0.01), _plate("plate", 0.0)], scheme=scheme)  # type: ignore[arg-type]
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies["sheet"], 2] = -5.0
    stepper = trial.stepper(velocities)
    for _ in range(6):
        stepper.step()
        assert not crosses(trial.contact, stepper.positions)
        assert float(stepper.positions[trial.bodies["sheet"], 2].min()) > 0.0


def test_a_fast_obstacle_pushes_a_sheet_and_does_not_jump_it() -> None:
    trial = make_trial([_sheet("sheet", 0.005), _plate("plate", 0.0)], gravity=(0.0, 0.0, 0.0))
    stepper = trial.stepper()
    held = trial.positions.reshape(-1)[trial.system.held].reshape(-1, 3)
    for number in range(1, 4):
        there = held + torch.tensor([0.0, 0.0, 0.02 * number], dtype=torch.float64)
        stepper.step(there.reshape(-1))
        assert not crosses(trial.contact, stepper.positions)
        assert torch.equal(stepper.positions[trial.bodies["plate"]], there)
        assert float(stepper.positions[trial.bodies["sheet"], 2].min()) > 0.02 * number


def test_a_sheet_that_cannot_get_away_is_an_error_that_names_bodies() -> None:
    trial = make_trial([_sheet("sheet", 0.0), _plate("low", -0.002), _plate("high", 0.002)], gravity=(0.0, 0.0, 0.0))
    stepper = trial.stepper()
    held = trial.positions.reshape(-1)[trial.system.held].reshape(-1, 3).clone()
    held[4:, 2] = -0.003  # the upper plate is sent through the sheet and the lower one
    before = stepper.moment
    with pytest.raises(ContactError) as caught:
        stepper.step(held.reshape(-1))
    assert "sheet" in caught.value.bodies
    assert stepper.moment is before


def test_steps_go_on_the_same_to_the_last_bit_after_a_snapshot() -> None:
    trial = make_trial([_sheet("sheet", 0.002), _plate("plate", 0.0)], friction=0.3, gravity=(3.0, 0.0, -9.81))
    stepper = trial.stepper()
    stepper.run(4)
    snapshot = stepper.snapshot()
    stepper.run(4)
    once = stepper.moment.q
    stepper.restore(snapshot)
    stepper.run(4)
    assert torch.equal(stepper.moment.q, once)
    again = make_trial([_sheet("sheet", 0.002), _plate("plate", 0.0)], friction=0.3, gravity=(3.0, 0.0, -9.81))
    other = again.stepper()
    other.restore(snapshot)
    other.run(4)
    assert torch.equal(other.moment.q, once)


def test_friction_is_one_for_each_pair() -> None:
    trial = make_trial([_sheet("sheet", 0.01), _plate("plate", 0.0)], friction=0.2, pairs={("plate", "sheet"): 0.7})
    assert trial.contact.coefficient_names == ("default", "plate/sheet")
    changed = trial.contact.coefficients(0.1, {("sheet", "plate"): 0.5})
    assert np.allclose(changed.numpy(), [0.1, 0.5])
