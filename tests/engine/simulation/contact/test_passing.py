"""Nothing passes through anything, and what is held pushes what is in its way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.geometry.primitives import ball_surface, square
from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.contact.errors import BlockedError, PassingError
from engine.simulation.contact.trial import Part, make_trial
from engine.simulation.schemes import SchemeName
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
    with pytest.raises(BlockedError) as caught:
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


Pair = tuple[Part, Part, float]
"""Two bodies, and how fast the second falls [m/s]."""


def _two_sheets() -> Pair:
    low, high = _sheet("low", 0.0), _sheet("high", 0.01)
    return low, dataclasses.replace(high, positions=high.positions + np.array([0.004, 0.003, 0.0])), 10.0


def _two_edges() -> Pair:
    """Upright sheets across each other: their borders meet, and no vertex meets a face."""
    low, high = _sheet("low", 0.0), _sheet("high", 0.0)
    x, y, z = low.positions.T
    upright, across = np.stack([x, z, y], axis=1), np.stack([z + 0.003, x, y + 0.0625], axis=1)
    return dataclasses.replace(low, positions=upright), dataclasses.replace(high, positions=across), 5.0


def _sheet_and_bullet() -> Pair:
    """A small hollow ball of leather, and a sheet whose border is held."""
    border = [vertex for vertex in range(16) if vertex // 4 in (0, 3) or vertex % 4 in (0, 3)]
    positions, triangles = ball_surface(0.008, 1)
    bullet = Part("bullet", positions + np.array([0.003, 0.004, 0.0095]), triangles, preset("leather").material)
    return _sheet("sheet", 0.0, held=border), bullet, 20.0


@pytest.mark.parametrize(
    ("pair", "step", "too_long"),
    [
        (_two_sheets, 5e-3, True),
        (_two_sheets, 2.5e-4, False),
        (_two_edges, 5e-3, True),
        (_two_edges, 2.5e-4, False),
        (_sheet_and_bullet, 5e-3, False),
        (_sheet_and_bullet, 2.5e-4, False),
    ],
)
def test_what_is_fast_meets_what_is_in_its_way(pair: Callable[[], Pair], step: float, too_long: bool) -> None:
    """In steps as long as bodies are wide it would get past their borders: then the step is refused, and says so."""
    one, other, speed = pair()
    trial = make_trial([one, other], gravity=(0.0, 0.0, 0.0), step_size=step)
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies[other.name], 2] = -speed
    stepper = trial.stepper(velocities)
    if too_long:
        before, states = stepper.moment, trial.system.states()
        with pytest.raises(PassingError, match="smaller steps") as caught:
            stepper.run(4)
        assert set(caught.value.bodies) == {one.name, other.name}
        assert caught.value.place
        assert stepper.moment is before
        assert all(
            torch.equal(value, trial.system.states()[owner][name])
            for owner, state in states.items()
            for name, value in state.items()
        )
        return
    # Long enough to be on the other side, had nothing been met.
    for _ in range(max(4, round(0.02 / speed / step))):
        stepper.step()
        assert not crosses(trial.contact, stepper.positions)
    assert abs(float(trial.mean_velocity(stepper, other.name)[2])) < 0.9 * speed
    heights = [float(stepper.positions[trial.bodies[body.name], 2].mean()) for body in (one, other)]
    assert heights[0] < heights[1]


def _turned(part: Part, seed: int) -> Part:
    """Turned by some 20° about its middle, and further off."""
    if not seed:
        return part
    generator = torch.Generator().manual_seed(seed)
    axis = torch.randn(3, generator=generator, dtype=torch.float64)
    spin = 0.35 * torch.linalg.cross(axis.expand(3, 3), torch.eye(3, dtype=torch.float64)) / axis.norm()
    shift = 0.01 * torch.randn(3, generator=generator, dtype=torch.float64)
    shift[2] = 0.02
    middle = part.positions.mean(axis=0)
    turned = (part.positions - middle) @ torch.linalg.matrix_exp(spin).numpy() + middle
    return dataclasses.replace(part, positions=turned + shift.numpy())


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("speed", [2.0, 5.0, 10.0, 20.0, 40.0])
@pytest.mark.parametrize("pair", [_two_sheets, _two_edges])
def test_at_any_speed_it_passes_nothing_or_says_so(pair: Callable[[], Pair], speed: float, seed: int) -> None:
    """Also on the straight way of a step, looked at in many places: sheets would be in each other for most of it."""
    one, other, _ = pair()
    scheme: SchemeName = "bdf2" if seed else "implicit-euler"
    trial = make_trial([one, _turned(other, seed)], gravity=(0.0, 0.0, 0.0), step_size=5e-3, scheme=scheme)
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies[other.name], 2] = -speed
    stepper = trial.stepper(velocities)
    assert not crosses(trial.contact, stepper.positions)
    refused = False
    for _ in range(max(3, round(0.05 / speed / 5e-3))):
        before = stepper.moment
        try:
            stepper.step()
        except PassingError as error:
            refused = True
            assert set(error.bodies) == {one.name, other.name}
            assert stepper.moment is before
            break
        start = trial.system.unknowns.positions(before.q)
        way = stepper.positions - start
        for part in np.linspace(0.0, 1.0, 41):
            assert not crosses(trial.contact, start + part * way)
    if not refused:
        assert abs(float(trial.mean_velocity(stepper, other.name)[2])) < 0.95 * speed, "they have met"
