"""What a number of a simulation depends on, against central differences of whole simulations."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
import torch
from cloth_runs import PULL, begin, flag, positions, problem_of, study, until

from engine.core.errors import ParameterError, WithdrawnError
from engine.protocol import session as requests
from engine.protocol.scene import Scene
from engine.simulation.stepper import Moment, Snapshot, Solved, Stepper
from engine.simulation.world.readings import step_forces
from engine.simulation.world.world import World, build_world
from engine.studies.numbers import number_value, sensitivity_of
from engine.studies.session import LocalSession

EULER = {"step": 0.01, "duration": 0.3, "scheme": "implicit-euler", "tolerance": 1e-11}
SOFT = "card centre z [m]"
HELD = "edge z [N]"
EDGE = {"name": "edge", "kind": "reaction", "body": "card"}
TIPS = {"name": "tips", "kind": "vertices", "body": "card", "region": {"kind": "side", "side": "right"}, "count": 2}


def session_at(step: int) -> LocalSession:
    sheet = flag().model_dump()["sheets"][0] | {"creases": []}
    return until(begin(time=EULER, sheets=[sheet], sensors=[TIPS, EDGE]), step)


def again(session: LocalSession, before: Snapshot, number: str, steps: int, shift: torch.Tensor) -> float:
    """The number after `steps` steps from `before` with its positions moved by `shift`."""
    problem = problem_of(session)
    world, stepper = problem.world, problem.world.stepper()
    q = before.moment.q.clone()
    world.system.unknowns.positions(q).add_(shift)
    stepper.restore(Snapshot(Moment(q, before.moment.velocities, None, before.moment.step), before.states))
    for _ in range(steps):
        solved = stepper.step(world.held_positions((stepper.moment.step + 1) * 0.01))
    return value_of(world, number, stepper, solved)


def value_of(world: World, number: str, stepper: Stepper, solved: Solved) -> float:
    holding = step_forces(world.system, world.contact, solved).holding
    return float(number_value(world, number, stepper.positions, stepper.velocities, holding))


@pytest.mark.parametrize("number", [SOFT, "tips 29 z [m]", "tips 25 vx [m/s]", "kinetic [J]", HELD])
def test_the_derivative_is_that_of_whole_simulations(number: str) -> None:
    session = session_at(12)
    found = session.ask(requests.SensitivityOf(number, horizon=6)).result()
    problem = problem_of(session)
    before = problem.recent.back(6)
    world = problem.world
    assert found.value == pytest.approx(again(session, before, number, 6, torch.zeros_like(world.positions)), rel=1e-7)
    assert found.vertices.max() > 1e-6
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
        values.append(again(session, before, number, 6, torch.zeros_like(shift)))
    world.assign({"card.thickness": torch.tensor(young, dtype=torch.float64)})
    if number in (SOFT, HELD):  # no mass is in them, or its share is even on an even sheet
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


def test_friction_and_what_moves_are_differentiated() -> None:
    """A card that fingers hold by friction and lift: by where they are, how they are turned, how wide they are, and by
    the coefficient of the pair."""
    card = {
        "name": "card",
        "shape": {"kind": "rectangle", "width": 0.02, "height": 0.03, "columns": 4, "rows": 6},
        "pose": {"rotation": [90.0, 0.0, 0.0]},
        "material": "card",
    }
    keyframes = [{"time": 0.0}, {"time": 0.1, "translation": [0.0, 0.0, 0.02]}]
    hand = {
        "name": "hand",
        "width": 0.9e-3,
        "finger": [0.004, 0.03, 0.01],
        "pose": {"translation": [0.0, 0.0, 0.0117], "rotation": [0.0, 0.0, 90.0]},
        "motion": {"keyframes": keyframes},
    }
    scene = Scene.model_validate(
        {
            "time": {"step": 5e-3, "tolerance": 1e-11},
            "contact": {"friction": 0.2, "friction_speed": 5e-3},
            "friction": [{"between": ["hand", "card"], "coefficient": 0.5}],
            "sheets": [card],
            "grippers": [hand],
        }
    )
    world = build_world(scene)
    stepper = world.stepper()
    for step in range(1, 6):
        stepper.step(world.held_positions(step * 5e-3))
    before, horizon = stepper.snapshot(), 3
    for step in range(6, 6 + horizon):
        stepper.step(world.held_positions(step * 5e-3))
    found = sensitivity_of(world, stepper, before, SOFT, horizon).parameters
    poses = world.poses(horizon, first=5)["hand"]
    pair = world.physical("contact.friction").clone()
    assert found["contact.friction.card/hand"][0] == 0.5
    assert found["contact.friction"][1] == 0.0  # nothing else touches
    assert float(found["hand.width"][0]) == pytest.approx(0.9e-3)

    def end(change: torch.Tensor, friction: torch.Tensor) -> float:
        world.assign({"contact.friction": friction})
        moved = world.stepper()
        moved.restore(before)
        for there in world.held_path(horizon, {"hand": poses + change}, first=5):
            solved = moved.step(there)
        world.assign({"contact.friction": pair})
        return value_of(world, SOFT, moved, solved)

    sizes = {("hand.offset", 2): 1e-7, ("hand.turn", 0): 1e-5, ("hand.turn", 1): 1e-5, ("hand.width", 0): 1e-7}
    for (name, axis), size in sizes.items():
        change = torch.zeros(7, dtype=torch.float64)
        change[{"hand.offset": 0, "hand.turn": 3, "hand.width": 6}[name] + axis] = size
        measured = (end(change, pair) - end(-change, pair)) / (2.0 * size)
        assert np.atleast_1d(found[name][1])[axis] == pytest.approx(measured, rel=1e-3, abs=1e-7), name
    still, more = torch.zeros(7, dtype=torch.float64), torch.tensor([0.0, 1e-4], dtype=torch.float64)
    measured = (end(still, pair + more) - end(still, pair - more)) / 2e-4
    assert measured != 0.0
    assert float(found["contact.friction.card/hand"][1]) == pytest.approx(measured, rel=1e-3)


@pytest.mark.parametrize("calls", [2, 9])
def test_it_can_be_given_up_forward_and_back_and_the_run_goes_on_as_it_would(calls: int) -> None:
    """Of 6 steps: the second call is on the way forward, the ninth on the way back."""
    looks: list[int] = []
    asked: list[Future[Any]] = []

    def between() -> None:
        if asked:
            looks.append(1)
            if len(looks) == calls:
                session.withdraw(asked[0])
            assert len(looks) <= calls, "it ends at once"

    sheet = flag().model_dump()["sheets"][0]
    session = LocalSession(between_steps=between)
    session.start(study(time=EULER, sheets=[sheet]), {})
    until(session, 12)
    asked.append(Future())
    session.ask(requests.SensitivityOf(SOFT, horizon=6), into=asked[0])
    with pytest.raises(WithdrawnError):
        asked[0].result()
    asked.clear()
    undisturbed = until(begin(time=EULER, sheets=[sheet]), 16)
    assert np.array_equal(positions(until(session, 16)), positions(undisturbed))
    assert np.isfinite(session.ask(requests.SensitivityOf(SOFT, horizon=6)).result().value)
