"""A simulation as a Run: what it shows, how it is steered, and what fails."""

from __future__ import annotations

import numpy as np
import pytest
from cloth_runs import PULL, begin, flag, frames, heavier, positions, problem_of, study, until

from engine.core.errors import FileError, ParameterError
from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.study import Study
from engine.simulation.newton import NewtonSettings
from engine.simulation.shell.bending import Bending
from engine.simulation.world.world import build_world
from engine.studies.registry import build_problem
from engine.studies.session import LocalSession


def events(session: LocalSession, kind: type) -> list:
    return [event for event in session.events() if isinstance(event, kind)]


def test_an_iteration_is_a_step_of_its_scene() -> None:
    session = until(begin(), 30)
    session.run_to_end()
    assert session.run is not None
    assert (session.run.status, session.run.iteration) == ("finished", 30)
    world = build_world(flag(), {})
    stepper = world.stepper()
    for number in range(1, 31):
        stepper.snapshot()
        stepper.step(world.held_positions(0.01 * number))
    assert np.array_equal(positions(session), stepper.positions.numpy())
    assert positions(session)[:30, 2].min() < -5e-3, "it hangs"


def test_frames_are_of_every_step_from_the_start() -> None:
    session = begin()
    seen = {0: problem_of(session).world.positions.numpy()}
    while session.advance():
        seen[problem_of(session).stepper.moment.step] = positions(session)
    trajectory = frames(session)
    assert trajectory.steps().tolist() == list(range(31))
    assert np.allclose(trajectory.times(), 0.01 * np.arange(31))
    for number in (0, 1, 17, 30):
        assert np.array_equal(trajectory[number].positions, seen[number].astype(np.float32))
    assert [(body.name, body.kind) for body in trajectory.bodies] == [("card", "sheet"), ("post", "obstacle")]
    frame = trajectory[30]
    assert frame.energies == problem_of(session).stepper.energies()
    assert np.isfinite(frame.scalars["edge z [N]"])
    assert frame.fields["strain"].shape == (len(seen[0]),)


def test_cloth_that_winds_up_goes_on() -> None:
    """Pulled hard in long steps, without contact, its folds close by more than they could if they met themselves."""
    session = until(begin(time={"step": 0.01, "duration": 1.0, "scheme": "bdf2"}), 13)
    session.send(PULL)
    until(session, 50)
    (bending,) = [e for e in problem_of(session).world.system.energies.values() if isinstance(e, Bending)]
    assert float(bending.edge_angles(problem_of(session).stepper.moment.q).abs().max()) > 1.1 * np.pi
    earlier = problem_of(session).state()
    del earlier["energies"]["card.bending"]["angles"]  # as an earlier version kept it
    fresh = problem_of(begin(time={"step": 0.01, "duration": 1.0, "scheme": "bdf2"}))
    fresh.restore(earlier)
    assert np.array_equal(fresh.stepper.moment.q, problem_of(session).stepper.moment.q)


def test_the_losses_are_energies_by_kind() -> None:
    session = until(begin(), 20)
    energies = problem_of(session).stepper.energies()
    session.run_to_end()
    assert session.run is not None
    iterations, losses = session.run.history.losses("main")
    at = iterations.tolist().index(20)
    assert losses["term:bending"][at] == pytest.approx(energies["card.bending"], rel=1e-12)
    assert losses["term:gravity"][at] == energies["gravity"]
    assert losses["loss"][at] == pytest.approx(sum(energies.values()), rel=1e-12)


def test_a_snapshot_shows_all_bodies_about_its_origin() -> None:
    session = until(begin(), 5)
    shown = session.snapshot()
    assert shown is not None
    there = positions(session)
    assert np.allclose(1e-3 * (shown.arrays["vertices"] + np.array(shown.origin)), there, atol=1e-8)
    assert shown.info["bodies"] == ["card", "post"]
    assert shown.arrays["body"].tolist() == [0] * 30 + [1] * (len(there) - 30)
    assert shown.info["time"] == pytest.approx(0.05)
    assert shown.arrays["strain"].shape == (len(there),)
    assert np.nanmax(shown.arrays["bending_energy"]) > 0.0
    assert "edge z [N]" in {name.removeprefix("sensor:") for name in shown.scalars if name.startswith("sensor:")}
    assert "learning_rate" not in shown.scalars
    assert shown.info["trajectory"]


def test_the_result_is_what_is_visible() -> None:
    session = until(begin(), 5)
    mesh = session.ask(requests.ResultMesh()).result()
    assert mesh.vertex_count == len(positions(session))
    assert np.allclose(1e-3 * mesh.vertices, positions(session))
    hidden = flag()
    hidden = hidden.model_copy(update={"obstacles": [hidden.obstacles[0].model_copy(update={"visible": False})]})
    session.send(edits.SetScene(scene=hidden))
    session.advance()
    mesh = session.ask(requests.ResultMesh()).result()
    assert mesh.vertex_count == 30
    assert np.allclose(1e-3 * mesh.vertices, positions(session)[:30])
    sheet = session.ask(requests.QualitySheet()).result()
    assert sheet["vertices"] == 30
    assert sheet["watertight"] is False
    assert sheet["verdict"] == ["Nothing runs through anything."]


def test_a_verdict_says_what_runs_through_what() -> None:
    post = flag().model_dump()["obstacles"][0] | {"pose": {"translation": [0.03, 0.003, 0.0]}}
    session = until(begin(obstacles=[post]), 1)
    sheet = session.ask(requests.QualitySheet()).result()
    assert sheet["intersecting_triangles"] > 0
    assert sheet["verdict"] == [f"{sheet['intersecting_triangles']} triangles run through others."]


def test_a_pull_pulls_and_its_inverse_lets_go() -> None:
    session = until(begin(), 5)
    session.send(PULL)
    until(session, 6)
    (applied,) = events(session, snapshot.EditApplied)
    world = problem_of(session).world
    assert applied.inverse == PULL.model_copy(update={"target": None}).model_dump(mode="json")
    assert list(world.pulls) == ["mouse"]
    until(session, 15)
    free = until(begin(), 15)
    target = 1e-3 * np.array(PULL.target)
    assert np.linalg.norm(positions(session)[29] - target) < 0.8 * np.linalg.norm(positions(free)[29] - target)
    session.send(PULL.model_copy(update={"target": (0.0, 0.0, 50.0)}))
    until(session, 16)
    (applied,) = events(session, snapshot.EditApplied)
    back = edits.EDIT.validate_python(applied.inverse)
    assert isinstance(back, edits.Pull)
    assert (back.vertex, back.body) == (29, "card")
    assert back.target == pytest.approx(PULL.target)
    session.send(PULL.model_copy(update={"target": None}))
    until(session, 17)
    assert not world.pulls


def test_the_scene_changes_while_it_runs_and_its_inverse_undoes_it() -> None:
    session = until(begin(), 5)
    session.send(heavier())
    until(session, 6)
    (applied,) = events(session, snapshot.EditApplied)
    assert problem_of(session).world.system.gravity.tolist() == [0.0, 0.0, -20.0]
    session.send(edits.EDIT.validate_python(applied.inverse))
    until(session, 7)
    assert problem_of(session).world.scene == flag()
    assert problem_of(session).world.system.gravity.tolist() == [0.0, 0.0, -9.81]


def test_what_wants_a_new_start_is_refused_with_the_reason() -> None:
    session = until(begin(), 5)
    session.send(edits.SetScene(scene=flag(time={"step": 0.02, "duration": 0.3, "scheme": "bdf2"})))
    session.send(PULL.model_copy(update={"body": "post"}))
    session.send(PULL.model_copy(update={"vertex": 9999}))
    session.send(edits.SetWeight(term="fit", weight=1.0))
    until(session, 6)
    told = session.events()
    refused = [event.edit["edit"] for event in told if isinstance(event, snapshot.EditRefused)]
    assert refused == ["set-scene", "pull", "pull", "set-weight"]
    messages = [event.message for event in told if isinstance(event, snapshot.ProblemRaised)]
    assert "time.step" in messages[0]
    assert "9999" in messages[2]
    assert problem_of(session).world.scene == flag()
    until(session, 20)
    assert np.array_equal(positions(session), positions(until(begin(), 20)))


def test_sensors_may_come_while_it_runs() -> None:
    session = until(begin(), 5)
    more = [*flag().model_dump()["sensors"], {"name": "tip", "kind": "vertices", "body": "card", "count": 2}]
    session.send(edits.SetScene(scene=flag(sensors=more)))
    until(session, 8)
    trajectory = frames(session)
    assert trajectory.steps().tolist() == list(range(9))
    name = next(name for name in trajectory.layout.scalars if name.startswith("tip"))
    series = trajectory.series(name)
    assert np.isnan(series[:6]).all()
    assert np.isfinite(series[6:]).all()


def test_a_longer_duration_lets_it_go_on() -> None:
    session = begin()
    session.run_to_end()
    session.send(edits.SetScene(scene=flag(time={"step": 0.01, "duration": 0.4, "scheme": "bdf2"})))
    session.send(edits.Resume())
    session.run_to_end()
    assert session.run is not None
    assert (session.run.iteration, session.run.iterations, session.run.status) == (40, 40, "finished")
    assert frames(session).steps().tolist() == list(range(41))


def test_a_step_that_does_not_converge_pauses_at_its_place_and_can_be_tried_again() -> None:
    session = until(begin(), 7)
    before = positions(session)
    newton = problem_of(session).stepper._newton
    allowed = newton.settings
    newton.settings = NewtonSettings(max_iterations=0)
    session.run_to_end()
    assert session.run is not None
    assert (session.run.status, session.run.iteration) == ("paused", 7)
    (problem,) = events(session, snapshot.ProblemRaised)
    assert "Step 8 does not converge" in problem.message and problem.remedy
    assert problem.place is not None
    assert np.linalg.norm(1e-3 * np.array(problem.place) - before, axis=1).min() < 1e-9
    assert np.array_equal(positions(session), before), "the last good state is kept"
    assert frames(session).steps().tolist() == list(range(8))
    newton.settings = allowed
    session.send(edits.Resume())
    session.run_to_end()
    whole = begin()
    whole.run_to_end()
    assert np.array_equal(positions(session), positions(whole))


def test_frames_that_cannot_be_written_pause_it_with_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    session = until(begin(), 7)
    before, stretch = positions(session), problem_of(session).state()["stretch"]
    frames_of = problem_of(session).frames
    with monkeypatch.context() as patch:

        def full(*_: object) -> str:
            raise FileError("frames-0.bin", "the disk is full.", remedy="Free some space.")

        patch.setattr(frames_of, "add", full)
        session.run_to_end()
    assert session.run is not None
    assert session.run.status == "paused"
    assert np.array_equal(positions(session), before)
    assert problem_of(session).state()["stretch"] == stretch
    session.send(edits.Resume())
    session.run_to_end()
    assert frames(session).steps().tolist() == list(range(31))


def test_looking_leaves_the_run_as_it_was() -> None:
    plain, looked = begin(), begin()
    plain.run_to_end()
    while looked.advance():
        assert looked.run is not None
        looked.snapshot()
        looked.run.state()
        if looked.run.iteration % 7 == 0:
            looked.ask(requests.CheckpointView(0)).result()
            looked.ask(requests.QualitySheet()).result()
            looked.ask(requests.CompareCheckpoints(0, None)).result()
    assert np.array_equal(positions(plain), positions(looked))
    assert frames(looked).steps().tolist() == list(range(31))


def test_a_checkpoint_shows_its_own_frames_and_time() -> None:
    session = until(begin(), 20)
    shown = session.ask(requests.CheckpointView(2)).result()
    assert (shown.iteration, shown.info["time"]) == (10, pytest.approx(0.1))
    assert np.allclose(
        1e-3 * (shown.arrays["vertices"] + np.array(shown.origin)), frames(session)[10].positions, atol=1e-7
    )
    assert shown.info["trajectory"] == problem_of(session).view()[2]["trajectory"]
    assert not any(np.isnan(value) for value in shown.scalars.values())


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (Study(study="simulate"), "needs one"),
        (study(sheets=[], obstacles=[], sensors=[]), "nothing that deforms"),
        (study(sheets=[{"name": "card", "shape": {"kind": "mesh", "input": "shirt"}}], sensors=[]), "shirt"),
        (study().model_copy(update={"parameters": {"resolution": 48}}), "resolution"),
    ],
)
def test_what_cannot_be_simulated_is_refused_plainly(study: Study, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        build_problem(study, {})
