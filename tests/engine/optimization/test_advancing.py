"""A Run of something that advances by itself: its losses, Edits, failures, going back, replay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from oscillator import Oscillator, scene_of

from engine.optimization.player import Player
from engine.optimization.run import Run
from engine.protocol import edits, snapshot
from engine.protocol.study import OptimizerSpec


def begin(steps: int = 40, wall: float = math.inf) -> Run:
    problem = Oscillator(steps, wall)
    return Run(problem, OptimizerSpec(), problem.iterations)


def until(run: Run, iteration: int) -> Run:
    while run.iteration < iteration and run.step():
        pass
    return run


def pull(gravity: float, steps: int = 40) -> edits.SetScene:
    return edits.SetScene(scene=scene_of(steps, gravity))


def test_an_iteration_is_a_step_of_time_and_losses_are_of_what_is_before_it() -> None:
    run = until(begin(), 40)
    assert not run.step()
    assert (run.status, run.iteration, run.steps) == ("finished", 40, 40)
    iterations, losses = run.history.losses("main")
    assert iterations.tolist() == list(range(40))
    times = 0.1 * np.arange(40)
    assert np.allclose(losses["term:kinetic"], 0.5 * np.sin(times) ** 2, atol=1e-12)
    assert np.allclose(losses["loss"], 0.5, atol=1e-12)
    assert [info.iteration for info in run.history.infos()] == [*range(0, 40, 5), 40]
    kinds = {type(event) for event in run.take_events()}
    assert snapshot.ConvergenceChanged not in kinds
    assert snapshot.RolledBack not in kinds
    assert run.method.scalars(40, 40) == {}


def test_duration_is_live_and_says_how_many_iterations_there_are() -> None:
    run = until(begin(20), 20)
    assert run.status == "finished"
    run.send(edits.Resume())
    run.step()
    assert any("longer" in event.remedy for event in run.take_events() if isinstance(event, snapshot.ProblemRaised))
    run.send(pull(0.0, 30))
    assert not run.step()
    assert (run.status, run.iterations) == ("paused", 30)
    run.send(edits.Resume())
    until(run, 30)
    assert (run.status, run.iteration) == ("finished", 30)
    assert run.problem.position == pytest.approx(math.cos(3.0), abs=1e-12)


@pytest.mark.parametrize(
    "edit",
    [
        edits.SetParameter(owner="study", name="iterations", value=99),
        edits.SetParameter(owner="optimizer", name="learning_rate", value=0.5),
        edits.SetWeight(term="kinetic", weight=2.0),
    ],
)
def test_what_steers_a_descent_is_refused(edit: edits.Edit) -> None:
    run = until(begin(), 7)
    run.send(edit)
    run.step()
    events = run.take_events()
    assert [event.edit for event in events if isinstance(event, snapshot.EditRefused)] == [edit.model_dump(mode="json")]
    assert (run.iteration, run.iterations, run.journal) == (8, 40, [])


def test_an_edit_has_an_inverse() -> None:
    run = until(begin(), 7)
    run.send(pull(0.5))
    run.step()
    (applied,) = (event for event in run.take_events() if isinstance(event, snapshot.EditApplied))
    assert applied.inverse is not None
    run.send(edits.EDIT.validate_python(applied.inverse))
    run.step()
    assert run.problem.scene == scene_of(40)


def test_a_step_that_fails_pauses_with_the_place_and_an_edit_helps() -> None:
    run = until(begin(wall=0.5), 40)
    assert (run.status, run.iteration) == ("paused", 20)
    assert math.cos(2.0) > -0.5 > math.cos(2.1)
    assert run.problem.position == pytest.approx(math.cos(2.0), abs=1e-12), "the last good state is kept"
    (problem,) = (event for event in run.take_events() if isinstance(event, snapshot.ProblemRaised))
    assert problem.place == pytest.approx((math.cos(2.1), 0.0, 0.0))
    assert "wall" in problem.message and problem.remedy
    run.send(edits.Resume())
    assert not run.step()
    assert (run.status, run.iteration, run.steps) == ("paused", 20, 22), "nothing has changed: it fails again"
    run.send(pull(200.0))
    run.send(edits.Resume())
    until(run, 40)
    assert (run.status, run.iteration) == ("finished", 40)


def steered(run: Run) -> Run:
    until(run, 8).send(pull(0.5))
    until(run, 23).send(edits.Rewind(checkpoint=2, branch="other"))
    until(run, 15).send(pull(-3.0))
    until(run, 40)
    return run


def test_going_back_branches_and_brings_back_the_scene_of_then() -> None:
    run = until(begin(), 8)
    run.send(pull(0.5, 60))
    until(run, 23).send(edits.Rewind(checkpoint=1, branch="other"))
    run.step()
    assert (run.branch, run.iteration, run.iterations) == ("other", 6, 40)
    assert run.problem.position == pytest.approx(math.cos(0.6), abs=1e-12)
    restored = [event for event in run.take_events() if isinstance(event, snapshot.SteeringRestored)]
    assert [(event.checkpoint, event.edits) for event in restored] == [(1, [])]
    run.send(edits.Rewind(checkpoint=4))
    run.step()
    assert (run.iteration, run.iterations, run.problem.scene) == (21, 60, scene_of(60, 0.5))


@pytest.mark.parametrize("wall", [math.inf, 0.5])
def test_a_recording_gives_the_same_bits(wall: float) -> None:
    """Also where steps fail, and a person helps."""
    run = steered(begin(wall=wall))
    if wall == 0.5:
        assert run.status == "paused"
        run.send(pull(200.0))
        run.send(edits.Resume())
        until(run, 40)
    assert run.status == "finished"
    again = begin(wall=wall)
    player = Player(again, run.recording())
    while player.step():
        pass
    assert player.ended
    assert again.state() == run.state()
    assert again.journal == run.journal


def test_a_state_goes_on_where_it_was() -> None:
    whole, first, second = begin(), begin(), begin()
    for run in (whole, first):
        until(run, 8).send(pull(0.5))
        until(run, 12)
    second.resume(first.state(), first.position(), first.journal)
    assert until(second, 40).state() == until(whole, 40).state()
