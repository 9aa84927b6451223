"""Steps with contact that are divided: nothing passes through anything, friction keeps its speed, gradients pass."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.sheets import regular_sheet
from engine.protocol.shell_materials import preset
from engine.simulation.adjoint import simulate
from engine.simulation.contact.errors import PassingError
from engine.simulation.contact.trial import Part, Trial, make_trial, table_and_sheet
from engine.simulation.contact.verification import TIGHT
from engine.simulation.schemes import SchemeName
from engine.simulation.stepper import Stepper
from tests.support.crossing import crosses


def _two_sheets(*, friction: float = 0.0, scheme: SchemeName = "implicit-euler") -> Trial:
    """One of two squares of rubber is 10 mm above the other, and to its side."""
    positions, triangles = regular_sheet(0.06, 0.06, 3, 3)
    low = Part("low", positions - positions.mean(axis=0), triangles, preset("rubber").material)
    high = dataclasses.replace(low, name="high", positions=low.positions + np.array([0.004, 0.003, 0.01]))
    return make_trial([low, high], friction=friction, gravity=(0.0, 0.0, 0.0), step_size=5e-3, scheme=scheme)


def _falling(trial: Trial, speed: float, aside: float = 0.0) -> Tensor:
    velocities = torch.zeros_like(trial.positions)
    velocities[trial.bodies["high"]] = torch.tensor([aside, 0.0, -speed], dtype=torch.float64)
    return velocities


@pytest.mark.parametrize("scheme", ["implicit-euler", "bdf2", "implicit-midpoint"])
def test_what_is_fast_meets_what_is_in_its_way_in_divided_steps(scheme: SchemeName) -> None:
    trial = _two_sheets(scheme=scheme)
    stepper = Stepper(
        trial.system, trial.positions, _falling(trial, 10.0), step_size=trial.step_size, scheme=scheme, divide=32
    )
    masses = trial.system.vertex_masses[:, None]
    before = (masses * stepper.velocities).sum(dim=0)
    parts = []
    for _ in range(4):
        solved = stepper.step()
        parts.append(len(solved.parts))
        for part in solved.parts:
            start, end = (trial.system.unknowns.positions(q) for q in (part.before.q, part.q))
            for share in np.linspace(0.0, 1.0, 11) if scheme != "implicit-midpoint" else [0.0]:
                assert not crosses(trial.contact, start + share * (end - start))
    assert max(parts) > 1
    assert stepper.time == pytest.approx(0.02)
    assert torch.allclose((masses * stepper.velocities).sum(dim=0), before, rtol=1e-7, atol=1e-9)
    assert abs(float(trial.mean_velocity(stepper, "high")[2])) < 0.9 * 10.0


def test_a_limit_that_is_too_low_refuses_as_before_and_says_what_would_do() -> None:
    trial = _two_sheets()
    stepper = Stepper(trial.system, trial.positions, _falling(trial, 20.0), step_size=trial.step_size, divide=2)
    before = stepper.moment
    with pytest.raises(PassingError, match="would lead 'high' through 'low', even in 2 parts, at vertex") as caught:
        stepper.run(4)
    assert caught.value.finer is not None
    assert caught.value.finer <= 0.25, "of the whole step"
    assert stepper.moment is before


@pytest.mark.parametrize("scheme", ["implicit-euler", "implicit-midpoint"])
def test_friction_sticks_below_the_same_speed(scheme: SchemeName) -> None:
    """A sheet that creeps down a table: a step in four parts is four steps of a quarter, and leaves the next alone."""
    ends, sticks = [], []
    for parts, size in ((4, 4e-3), (1, 1e-3)):
        trial = table_and_sheet(0.3, scheme=scheme, stiffness=100.0)
        velocities = torch.zeros_like(trial.positions)
        velocities[trial.bodies["sheet"], 0] = 5e-3
        stepper = Stepper(trial.system, trial.positions, velocities, step_size=size, scheme=scheme, newton=TIGHT)
        for _ in range(6 * 4 // parts):
            solved = stepper.step(parts=parts)
        # Where it was made for other steps: the sticking speed is the same, and so is not what it moves in a step.
        assert trial.step_size == 5e-3
        assert all(float(part.states["friction"]["step_size"]) == 1e-3 for part in solved.parts)
        ends.append(stepper.positions)
        assert trial.contact.friction is not None
        ratio = trial.contact.readings(solved.q)
        sticks.append(float(torch.linalg.vector_norm(ratio.rubbing, dim=1).sum()))
    assert float((ends[0] - trial.positions).abs().max()) > 1e-6
    assert torch.allclose(ends[0], ends[1], rtol=0.0, atol=1e-11)
    assert sticks[0] == pytest.approx(sticks[1], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "friction"), [("implicit-euler", 0.3), ("bdf2", 0.3), ("bdf2", 0.0)])
def test_the_gradient_through_a_meeting_in_divided_steps(scheme: SchemeName, friction: float) -> None:
    trial = _two_sheets(friction=friction, scheme=scheme)
    start = _falling(trial, 10.0, aside=0.5)
    generator = torch.Generator().manual_seed(5)
    weights = torch.randn(trial.positions.shape, generator=generator, dtype=torch.float64)
    way = torch.randn(trial.positions.shape, generator=generator, dtype=torch.float64)
    taken = set()

    def end(velocities: Tensor) -> Tensor:
        motion = simulate(
            trial.system, trial.positions, velocities, steps=4, step_size=trial.step_size, scheme=scheme,
            newton=TIGHT, divide=32,
        )  # fmt: skip
        taken.add(motion.parts)
        return (weights * motion.positions[-1]).sum()

    leaf = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(end(leaf), leaf)
    step = 1e-5
    with torch.no_grad():
        at = [float(end(start + size * step * way)) for size in (-2.0, -1.0, 1.0, 2.0)]
    expected = (8.0 * (at[2] - at[1]) - (at[3] - at[0])) / (12.0 * step)
    assert float((gradient * way).sum()) == pytest.approx(expected, rel=1e-2 if friction else 1e-4)
    assert len(taken) == 1, "the same steps are divided in all of them"
    assert max(next(iter(taken))) > 1
