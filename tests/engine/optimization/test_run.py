"""Run: determinism, Edits between iterations, roll-back, rewinding."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from sphere_study import SEGMENTS, SphereProblem

from engine.core.errors import NonFiniteError
from engine.optimization.convergence import ConvergenceMonitor
from engine.optimization.roll_back import MAX_FAILURES
from engine.optimization.run import Run
from engine.protocol import edits, snapshot
from engine.protocol.study import OptimizerSpec, TermSpec


def make_run(iterations: int = 60, kind: str = "adam", learning_rate: float = 0.02, **options: Any) -> Run:
    spec = OptimizerSpec(kind=kind, learning_rate=learning_rate, decay=0.0)
    return Run(SphereProblem(active=4, grow=1, **options), spec, iterations)


def steer(run: Run) -> None:
    run.send(edits.SetWeight(term="noise", weight=0.3), at=5)
    run.send(edits.SetParameter(owner="optimizer", name="learning_rate", value=0.05), at=11)
    run.send(edits.AddTerm(spec=TermSpec(kind="pull", name="pull", weight=2.0, parameters={"radius": 3.0})), at=17)
    run.send(edits.SetParameter(owner="study", name="rings", value=15), at=23)


def descend(run: Run) -> Run:
    while run.step():
        pass
    return run


def flat(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value.tobytes()]
    if isinstance(value, dict):
        return [item for key in sorted(value) for item in [key, *flat(value[key])]]
    if isinstance(value, (list, tuple)):
        return [item for entry in value for item in flat(entry)]
    return [value]


@pytest.mark.parametrize("kind", ["adam", "l-bfgs", "cma-es", "hybrid"])
def test_same_seed_and_same_edits_give_the_same_bits(kind: str) -> None:
    runs = [make_run(kind=kind), make_run(kind=kind)]
    for run in runs:
        steer(run)
        descend(run)
    assert runs[0].status == "finished"
    assert flat(runs[0].state()) == flat(runs[1].state())
    other = make_run(kind=kind, seed=1)
    steer(other)
    assert flat(descend(other).state()) != flat(runs[0].state())


@pytest.mark.parametrize("kind", ["adam", "l-bfgs", "cma-es", "hybrid"])
@pytest.mark.parametrize("stop_at", [0, 3, 20, 41])
def test_restoring_a_state_continues_bit_for_bit(kind: str, stop_at: int) -> None:
    whole, first, second = (make_run(kind=kind) for _ in range(3))
    steer(whole)
    descend(whole)
    steer(first)
    for _ in range(stop_at):
        first.step()
    second.resume(first.state(), first.position(), first.journal)
    for at, edit in first._queue:
        second.send(edit, at=at)
    descend(second)
    assert flat(second.state()) == flat(whole.state())


def test_it_descends_to_the_analytic_minimum() -> None:
    run = Run(SphereProblem(noise=0.0), OptimizerSpec(learning_rate=0.05), 400)
    descend(run)
    assert np.allclose(run.problem.tensors()["radii"].detach().numpy(), 2.0, atol=1e-4)
    assert run.losses["loss"] < 1e-8


def test_an_edit_acts_before_the_next_iteration_and_its_inverse_undoes_it() -> None:
    run = make_run()
    for _ in range(7):
        run.step()
    run.send(edits.SetWeight(term="noise", weight=5.0))
    run.step()
    applied = [event for event in run.take_events() if isinstance(event, snapshot.EditApplied)]
    assert applied[0].iteration == 7
    assert run.losses["loss"] == pytest.approx(run.losses["term:fit"] + 5.0 * run.losses["term:noise"], rel=1e-5)
    assert applied[0].inverse is not None
    run.send(edits.EDIT.validate_python(applied[0].inverse))
    run.step()
    assert run.problem.weights()["noise"] == pytest.approx(0.1)


def test_a_changed_learning_rate_keeps_the_moments() -> None:
    run = make_run()
    for _ in range(10):
        run.step()
    before = run.method.optimizer.state()["moments"]["radii"]["exp_avg"].copy()
    run.send(edits.SetParameter(owner="optimizer", name="learning_rate", value=0.5))
    run.send(edits.Pause())
    run.apply_edits()
    after = run.method.optimizer.state()["moments"]["radii"]["exp_avg"]
    assert np.array_equal(before, after)
    assert run.method.learning_rate(run.iteration, run.iterations) == pytest.approx(0.5)


def test_an_edit_that_makes_no_sense_is_reported_and_changes_nothing() -> None:
    run, same = make_run(), make_run()
    for edit in (
        edits.SetWeight(term="absent", weight=1.0),
        edits.SetParameter(owner="optimizer", name="learning_rate", value=-1.0),
        edits.SetParameter(owner="optimizer", name="absent", value=1.0),
        edits.SetParameter(owner="study", name="iterations", value=0),
        edits.Rewind(checkpoint=99),
    ):
        run.send(edit, at=10)
    descend(run)
    events = run.take_events()
    problems = [event for event in events if isinstance(event, snapshot.ProblemRaised)]
    refused = [event.edit["edit"] for event in events if isinstance(event, snapshot.EditRefused)]
    assert len(problems) == 5
    assert refused == ["set-weight", "set-parameter", "set-parameter", "set-parameter", "rewind"]
    assert "absent" in problems[0].message
    assert flat(run.state()) == flat(descend(same).state())


def test_frozen_entries_get_no_gradient() -> None:
    run = Run(SphereProblem(), OptimizerSpec(), 10)
    run.send(edits.PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0))
    descend(run)
    radii = run.problem.tensors()["radii"].detach().numpy()
    assert np.all(radii[: SEGMENTS // 2] == 1.0)
    assert np.all(radii[SEGMENTS // 2 :] != 1.0)


def test_pause_step_resume_stop() -> None:
    run = make_run(iterations=100)
    for _ in range(3):
        assert run.step()
    run.send(edits.Pause())
    assert not run.step()
    assert (run.status, run.iteration) == ("paused", 3)
    run.send(edits.Resume(steps=2))
    while run.step():
        pass
    assert (run.status, run.iteration) == ("paused", 5)
    run.send(edits.Resume())
    assert run.step()
    run.send(edits.Stop())
    assert not run.step()
    assert (run.status, run.iteration) == ("stopped", 6)
    states = [event.state for event in run.take_events() if isinstance(event, snapshot.StateChanged)]
    assert states == ["paused", "running", "paused", "running", "stopped"]


def test_more_iterations_let_a_finished_run_go_on() -> None:
    run = descend(make_run(iterations=10))
    run.send(edits.Resume())
    run.apply_edits()
    assert run.status == "finished"
    run.send(edits.SetParameter(owner="study", name="iterations", value=25))
    run.send(edits.Resume())
    descend(run)
    whole = make_run(iterations=10)
    assert (run.status, run.iteration, whole.iteration) == ("finished", 25, 0)


def test_more_iterations_lower_the_share_that_is_done_and_the_schedules_follow_it() -> None:
    run = Run(SphereProblem(), OptimizerSpec(learning_rate=0.02, decay=1.0), 10)
    descend(run)
    assert run.method.learning_rate(run.iteration, run.iterations) == pytest.approx(0.002), (
        "at the end the whole decay has acted"
    )
    run.send(edits.SetParameter(owner="study", name="iterations", value=40))
    run.apply_edits()
    assert run.method.learning_rate(run.iteration, run.iterations) == pytest.approx(0.02 * 10.0**-0.25), (
        "a quarter is done now"
    )
    run.send(edits.Resume(steps=0))
    descend(run)
    assert run.iteration == 40 and run.method.learning_rate(run.iteration, run.iterations) == pytest.approx(0.002)


def test_a_rewind_is_a_new_branch_and_the_history_only_grows() -> None:
    run = make_run(iterations=80)
    for _ in range(31):
        run.step()
    before = run.history.infos()
    chosen = next(info for info in before if info.iteration == 20)
    old_iterations, old_losses = run.history.losses("main")
    run.send(edits.Rewind(checkpoint=chosen.id, branch="softer"))
    run.send(edits.SetWeight(term="noise", weight=0.0))
    run.step()
    assert run.branch == "softer" and run.iteration == 21
    assert [info.id for info in run.history.infos()][: len(before)] == [info.id for info in before]
    assert "before going back" in [info.label for info in run.history.infos()]
    iterations, losses = run.history.losses("main")
    assert np.array_equal(iterations, old_iterations) and np.array_equal(losses["loss"], old_losses["loss"])
    descend(run)
    tip = run.history.infos()[-1]
    assert chosen.id in run.history.ancestors(tip.id)


def test_a_rewind_without_other_edits_repeats_the_descent() -> None:
    run = make_run(iterations=40)
    steer(run)
    descend(run)
    end = flat(run.problem.state())
    start = run.history.infos()[0]
    run.send(edits.Rewind(checkpoint=start.id))
    run.apply_edits()
    steer(run)
    descend(run)
    assert flat(run.problem.state()) == end


def test_checkpoints_carry_the_losses_of_their_own_state() -> None:
    run = descend(make_run(iterations=390))
    iterations, losses = run.history.losses("main")
    infos = [info for info in run.history.infos() if not info.label]
    assert 35 <= len(infos) <= 42
    for info in infos:
        assert info.losses["loss"] == losses["loss"][list(iterations).index(info.iteration)]


@pytest.mark.parametrize("bomb", ["value", "gradient"])
def test_a_non_finite_step_rolls_back_halves_the_rate_and_names_the_term(bomb: str) -> None:
    run = make_run(iterations=60, bomb_at=30, bomb=bomb)
    problem = run.problem
    assert isinstance(problem, SphereProblem)
    run.send(edits.SetWeight(term="fit", weight=2.0), at=29)
    while run.step():
        if run.iteration == 30 and run.roll_back.failures == 1:
            problem.bomb_at = -1  # the first failure is the only one
    events = run.take_events()
    rolled = [event for event in events if isinstance(event, snapshot.RolledBack)]
    assert [(event.iteration, event.source) for event in rolled] == [(30, "bomb")]
    assert run.method.optimizer.spec.learning_rate == pytest.approx(0.01)
    assert run.problem.weights()["fit"] == 2.0, "an Edit since the Checkpoint must not be lost"
    assert run.status == "finished"
    assert np.isfinite(run.problem.tensors()["radii"].detach().numpy()).all()


def test_repeated_failures_go_further_back_and_then_fail_clearly() -> None:
    run = make_run(iterations=200, bomb_at=30)
    descend(run)
    events = run.take_events()
    rolled = [event for event in events if isinstance(event, snapshot.RolledBack)]
    assert len(rolled) == MAX_FAILURES
    iterations = [run.history.info(event.checkpoint).iteration for event in rolled]
    assert iterations[0] == 25 or iterations[0] == 30 - 30 % 5
    assert iterations[-1] < iterations[0]
    assert run.status == "failed"
    problem = next(event for event in events if isinstance(event, snapshot.ProblemRaised))
    assert "bomb" in problem.message and "30" in problem.message and problem.remedy
    assert np.isfinite(run.problem.tensors()["radii"].detach().numpy()).all()


def test_a_start_that_is_not_finite_fails_and_names_the_term() -> None:
    run = make_run(bomb_at=0)
    descend(run)
    assert run.status == "failed"
    assert "bomb" in next(e for e in run.take_events() if isinstance(e, snapshot.ProblemRaised)).message


def test_no_enabled_term_pauses_with_a_plain_word() -> None:
    run = make_run()
    run.send(edits.RemoveTerm(term="fit"))
    run.send(edits.RemoveTerm(term="noise"))
    assert not run.step()
    assert run.status == "paused"
    assert any("no Term" in e.message for e in run.take_events() if isinstance(e, snapshot.ProblemRaised))


def test_losses_are_reported_for_every_iteration_once() -> None:
    run = make_run(iterations=30)
    seen: list[int] = []
    while run.step():
        if run.iteration % 7 == 0:
            seen += [i for e in run.take_events() if isinstance(e, snapshot.LossesRecorded) for i in e.iterations]
    seen += [i for e in run.take_events() if isinstance(e, snapshot.LossesRecorded) for i in e.iterations]
    assert seen == list(range(30))


def test_convergence_is_reported_and_stops_only_when_asked() -> None:
    def run_with(stop: bool) -> Run:
        problem = SphereProblem(noise=0.0)
        problem.target = 1.5
        problem.specs.append(TermSpec(kind="pull", name="pull", weight=1.0, parameters={"radius": 3.0}))
        return Run(
            problem,
            OptimizerSpec(learning_rate=0.05),
            2000,
            monitor=ConvergenceMonitor(window=40),
            stop_when_converged=stop,
        )

    free = descend(run_with(False))
    assert free.iteration == 2000
    assert any(isinstance(e, snapshot.ConvergenceChanged) and e.convergence == "converged" for e in free.take_events())
    stopped = descend(run_with(True))
    assert stopped.status == "finished" and 50 < stopped.iteration < 1500


def test_a_rising_loss_is_called_stalled() -> None:
    monitor = ConvergenceMonitor(window=20)
    for k in range(60):
        monitor.update(1.0 + 0.05 * k)
    assert monitor.convergence == "stalled"


def test_noise_about_a_constant_is_called_converged_and_a_trend_in_it_descending() -> None:
    random = np.random.default_rng(0)
    flat_noise, falling = ConvergenceMonitor(), ConvergenceMonitor()
    verdicts = []
    for k in range(3000):
        noise = float(random.normal()) * 0.05
        flat_noise.update(1.0 + noise)
        falling.update(10.0 - 0.003 * k + noise)
        verdicts.append(flat_noise.convergence)
        assert falling.convergence == "descending"
    changes = sum(a != b for a, b in itertools.pairwise(verdicts))
    assert verdicts[-1] == "converged" and changes <= 12, "noise must not make the verdict flicker"


def test_l_bfgs_resets_its_curvature_when_the_objective_changes() -> None:
    run = make_run(kind="l-bfgs", learning_rate=1.0)
    for _ in range(5):
        run.step()
    run.send(edits.SetWeight(term="noise", weight=0.0))
    run.apply_edits()
    assert run.method.optimizer.state()["n_iter"] == 0


def test_non_finite_error_survives_pickling() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(NonFiniteError("fit", 3)))
    assert (error.source, error.iteration) == ("fit", 3)
