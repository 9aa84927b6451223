"""What a number of a simulation depends on, against central differences of whole simulations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cloth_runs import PULL, begin, flag, positions, problem_of, until

from engine.core.errors import ParameterError
from engine.protocol import session as requests
from engine.simulation.stepper import Moment, Snapshot
from engine.studies.numbers import number_value
from engine.studies.session import LocalSession

EULER = {"step": 0.01, "duration": 0.3, "scheme": "implicit-euler", "tolerance": 1e-11}
SOFT = "card centre z [m]"


def session_at(step: int) -> LocalSession:
    sheet = flag().model_dump()["sheets"][0] | {"creases": []}
    return until(begin(time=EULER, sheets=[sheet]), step)


def again(session: LocalSession, before: Snapshot, number: str, steps: int, shift: torch.Tensor) -> float:
    """The number after `steps` steps from `before` with its positions moved by `shift`."""
    problem = problem_of(session)
    world, stepper = problem.world, problem.world.stepper()
    q = before.moment.q.clone()
    world.system.unknowns.positions(q).add_(shift)
    stepper.restore(Snapshot(Moment(q, before.moment.velocities, None, before.moment.step), before.states))
    for _ in range(steps):
        stepper.step(world.held_positions((stepper.moment.step + 1) * 0.01))
    return float(number_value(world, number, stepper.positions, stepper.velocities))


@pytest.mark.parametrize("number", [SOFT, "kinetic [J]"])
def test_the_derivative_is_that_of_whole_simulations(number: str) -> None:
    session = session_at(12)
    found = session.ask(requests.SensitivityOf(number, horizon=6)).result()
    problem = problem_of(session)
    before = problem.recent.back(6)
    world = problem.world
    assert found.value == pytest.approx(
        float(number_value(world, number, problem.stepper.positions, problem.stepper.velocities)), rel=1e-7
    )
    assert np.allclose(found.vertices, np.linalg.norm(found.directions, axis=1), rtol=1e-6)
    random = torch.Generator().manual_seed(0)
    shift = torch.randn(world.positions.shape, generator=random, dtype=torch.float64)
    shift.reshape(-1)[world.system.held] = 0.0
    step = 1e-7
    numeric = (again(session, before, number, 6, step * shift) - again(session, before, number, 6, -step * shift)) / (
        2.0 * step
    )
    assert float((torch.as_tensor(found.directions) * shift).sum()) == pytest.approx(numeric, rel=2e-4)
    young = float(world.physical("card.thickness"))
    assert float(found.parameters["card.thickness"][0]) == young
    values = []
    for factor in (1.0 + 1e-5, 1.0 - 1e-5):
        world.assign({"card.thickness": torch.tensor(young * factor, dtype=torch.float64)})
        values.append(again(session, before, SOFT, 6, torch.zeros_like(shift)))
    world.assign({"card.thickness": torch.tensor(young, dtype=torch.float64)})
    if number == SOFT:  # mass and centre: the weights are even on an even sheet
        numeric = (values[0] - values[1]) / (2e-5 * young)
        assert float(found.parameters["card.thickness"][1]) == pytest.approx(numeric, rel=1e-3)


def test_asking_leaves_the_run_as_it_was() -> None:
    asked, plain = session_at(12), session_at(12)
    asked.ask(requests.SensitivityOf(SOFT, horizon=10)).result()
    until(asked, 20)
    until(plain, 20)
    assert np.array_equal(positions(asked), positions(plain))


def test_what_is_not_known_is_refused_plainly() -> None:
    session = session_at(5)
    shown = session.snapshot()
    assert shown is not None and SOFT in shown.info["numbers"]
    for number, horizon, words in (("card colour", 2, "no such number"), (SOFT, 6, "5 are"), (SOFT, 0, "known")):
        with pytest.raises(ParameterError, match=words):
            session.ask(requests.SensitivityOf(number, horizon)).result()
    session.send(PULL)
    session.advance()
    with pytest.raises(ParameterError, match="1 are"):
        session.ask(requests.SensitivityOf(SOFT, 2)).result()
