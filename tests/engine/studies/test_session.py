"""LocalSession: start, steer, look, ask, save and resume, in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sphere_study import SphereProblem, build

from engine.core.errors import FormwrightError
from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.pace import Pace, Sparingly
from engine.studies.session import LocalSession


def study(**parameters: Any) -> Study:
    return Study(
        study="sphere", parameters={"iterations": 30, **parameters}, optimizer=OptimizerSpec(learning_rate=0.02)
    )


def states(events: list[snapshot.Event]) -> list[str]:
    return [event.state for event in events if isinstance(event, snapshot.StateChanged)]


def radii(session: LocalSession) -> np.ndarray:
    assert session.run is not None
    return session.run.problem.tensors()["radii"].detach().numpy().copy()


def test_a_run_from_start_to_end() -> None:
    session = LocalSession(build=build)
    number = session.start(study(), {})
    session.run_to_end()
    events = session.events()
    assert states(events) == ["preparing", "running", "finished"]
    recorded = [event for event in events if isinstance(event, snapshot.LossesRecorded)]
    assert [i for event in recorded for i in event.iterations] == list(range(30))
    assert all(event.run == number for event in recorded)
    made = [event.checkpoint for event in events if isinstance(event, snapshot.CheckpointMade)]
    assert made[0].thumbnail is not None and made[0].thumbnail.dtype == np.uint8
    assert [event.parts for event in events if isinstance(event, snapshot.TopologyChanged)] == [1]
    fractions = [event.fraction for event in events if isinstance(event, snapshot.Progress)]
    assert fractions[-1] == 1.0 and all(fraction is None or fraction < 1.0 for fraction in fractions[:-1])
    session.close()


def test_a_snapshot_is_seen_once_and_tells_all_scalars() -> None:
    session = LocalSession(build=build)
    assert session.snapshot() is None
    session.start(study(), {}, paused=True)
    session.advance()
    first = session.snapshot()
    assert first is not None and (first.iteration, first.state) == (0, "paused")
    assert session.snapshot() is None
    session.send(edits.Resume(steps=3))
    session.run_to_end()
    seen = session.snapshot()
    assert seen is not None and seen.iteration == 3
    assert {
        "loss",
        "learning_rate",
        "term:fit",
        "weight:fit",
        "engine_memory",
        "history_memory",
        "history_budget",
    } <= set(seen.scalars)
    assert seen.arrays["vertices"].dtype == np.float32 and seen.arrays["triangles"].dtype == np.int32
    assert seen.info["vertex_count"] == len(seen.arrays["vertices"])
    assert seen.generation == first.generation
    session.send(edits.SetParameter(owner="study", name="rings", value=14))
    session.send(edits.Resume(steps=1))
    session.run_to_end()
    later = session.snapshot()
    assert later is not None and later.generation == first.generation + 1


def test_edits_sent_while_preparing_reach_the_run() -> None:
    session = LocalSession(build=build)
    session.start(study(), {})
    session.send(edits.SetWeight(term="noise", weight=0.7))
    session.send(edits.Pause())
    session.run_to_end()
    assert session.run is not None and session.run.status == "paused"
    assert session.run.problem.weights()["noise"] == 0.7


def test_stop_cancels_a_preparation_between_its_steps() -> None:
    session: LocalSession

    def interrupt() -> None:
        session.send(edits.Stop())

    session = LocalSession(build=build, between_steps=interrupt)
    session.start(study(steps=5), {})
    session.run_to_end()
    assert session.run is None
    assert states(session.events())[-1] == "stopped"


def test_a_new_start_replaces_the_one_being_prepared() -> None:
    session: LocalSession
    asked: list[int] = []

    def interrupt() -> None:
        if not asked:
            asked.append(session.start(study(rings=20), {}))
            session.send(edits.SetWeight(term="noise", weight=0.9))

    session = LocalSession(build=build, between_steps=interrupt)
    session.start(study(), {})
    session.run_to_end()
    assert session.run is not None and session.run.number == asked[0] == 2
    assert isinstance(session.run.problem, SphereProblem) and session.run.problem.rings == 20
    assert session.run.problem.weights()["noise"] == 0.9


@pytest.mark.parametrize(("fault", "words"), [("build", "the factory has a fault"), ("geometry", "no points")])
def test_an_error_while_building_is_reported_and_the_session_lives_on(fault: str, words: str) -> None:
    session = LocalSession(build=build)
    session.start(study(fault=fault), {})
    session.run_to_end()
    events = session.events()
    assert words in next(event for event in events if isinstance(event, snapshot.ProblemRaised)).message
    assert states(events)[-1] == "failed"
    session.start(study(), {})
    session.run_to_end()
    assert states(session.events())[-1] == "finished"


def test_an_error_inside_an_iteration_fails_the_run_and_a_rewind_revives_it() -> None:
    session = LocalSession(build=build)
    session.start(study(bomb_at=20, bomb="raise"), {})
    session.run_to_end()
    events = session.events()
    problem = next(event for event in events if isinstance(event, snapshot.ProblemRaised))
    assert "a fault inside a Term" in problem.message and "Traceback" in problem.details
    assert session.run is not None and session.run.status == "failed"
    assert isinstance(session.run.problem, SphereProblem)
    session.run.problem.bomb_at = -1
    session.send(edits.Rewind(checkpoint=session.run.history.infos()[3].id))
    session.run_to_end()
    assert session.run.status == "finished"


def test_requests_are_answered_and_looking_back_does_not_touch_the_run() -> None:
    plain, asked = LocalSession(build=build), LocalSession(build=build)
    for session in (plain, asked):
        session.start(study(active=4, grow=1), {})
        while session.run is None or session.run.iteration < 17:
            session.advance()
    now = asked.ask(requests.ResultMesh()).result()
    then = asked.ask(requests.ResultMesh(checkpoint=0)).result()
    assert now.vertex_count > then.vertex_count
    view = asked.ask(requests.CheckpointView(checkpoint=2)).result()
    assert isinstance(view, snapshot.Snapshot) and view.iteration == 10
    assert asked.ask(requests.QualitySheet()).result()["mean_radius"] == pytest.approx(float(radii(asked).mean()))
    assert asked.ask(requests.Diagnostics()).result()["torch"]
    for session in (plain, asked):
        session.run_to_end()
    assert np.array_equal(radii(plain), radii(asked))


def test_a_request_that_cannot_be_answered_says_why() -> None:
    session = LocalSession(build=build)
    with pytest.raises(FormwrightError, match="no Run"):
        session.ask(requests.ResultMesh()).result()
    session.start(study(), {})
    session.run_to_end()
    with pytest.raises(FormwrightError, match="no Checkpoint 77"):
        session.ask(requests.CheckpointView(checkpoint=77)).result()


def test_steering_nothing_is_reported_and_close_is_idempotent() -> None:
    session = LocalSession(build=build)
    session.send(edits.Pause())
    assert isinstance(session.events()[0], snapshot.ProblemRaised)
    session.close()
    session.close()
    assert not session.advance()


def test_pace_counts_iterations_a_second() -> None:
    now = [0.0]
    pace = Pace(window=2.0, clock=lambda: now[0])
    assert pace.iterations_per_second == 0.0
    for _ in range(100):
        now[0] += 0.1
        pace.mark()
    assert pace.iterations_per_second == pytest.approx(10.0)


def test_a_costly_look_takes_its_share_of_the_time_only() -> None:
    now = [0.0]
    looks = Sparingly(share=0.1, clock=lambda: now[0])
    count = 0
    for _ in range(1000):
        if looks.due():
            started = now[0]
            now[0] += 0.01
            looks.done(started)
            count += 1
        now[0] += 0.001
    assert 0.05 < count * 0.01 / now[0] <= 0.1
