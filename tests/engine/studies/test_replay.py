"""Sessions steered at random, recorded, and done again: the same surface, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sphere_study import build

from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.recording import (
    RecordedEdit,
    RecordedEnd,
    Recording,
    as_recording,
    parse_recording,
    read_recording,
)
from engine.protocol.snapshot import ProblemRaised, RolledBack
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.replay import replay
from engine.studies.session import LocalSession

Action = Callable[[random.Random, LocalSession], None]


def study(**parameters: Any) -> Study:
    return Study(
        study="sphere",
        parameters={"iterations": 60, "active": 4, "grow": 1, **parameters},
        optimizer=OptimizerSpec(learning_rate=0.02),
    )


def begin(**parameters: Any) -> LocalSession:
    session = LocalSession(build=build)
    session.start(study(**parameters), {})
    session.advance()
    session.advance()
    return session


def recorded(session: LocalSession) -> Recording:
    recording: Recording = session.ask(requests.RecordedEdits()).result()
    return parse_recording(recording.to_text())


def mesh_of(session: LocalSession) -> Mesh:
    mesh: Mesh = session.ask(requests.ResultMesh()).result()
    return mesh


def same(one: Mesh, other: Mesh) -> bool:
    return np.array_equal(one.vertices, other.vertices) and np.array_equal(one.triangles, other.triangles)


def some_checkpoint(choice: random.Random, session: LocalSession) -> int:
    assert session.run is not None
    return choice.choice(session.run.history.infos()).id


def pull(choice: random.Random, session: LocalSession) -> None:
    assert session.run is not None
    names = [spec.name for spec in session.run.problem.terms()]
    if "pull" in names:
        session.send(edits.RemoveTerm(term="pull"))
    else:
        radius = choice.uniform(1.0, 3.0)
        session.send(edits.AddTerm(spec=TermSpec(kind="pull", name="pull", parameters={"radius": radius})))


def pause(choice: random.Random, session: LocalSession) -> None:
    session.send(edits.Pause())
    session.run_to_end()
    if choice.random() < 0.5:
        session.send(edits.SetWeight(term="noise", weight=choice.uniform(0.0, 0.5)))
    session.send(edits.Resume(steps=choice.choice([0, 0, 2])))


def scrub(choice: random.Random, session: LocalSession) -> None:
    session.ask(requests.CheckpointView(some_checkpoint(choice, session))).result()


def tidy(choice: random.Random, session: LocalSession) -> None:
    """Name, promote or delete a branch: no part of what is repeated."""
    assert session.run is not None
    branch = choice.choice(list(session.run.history.branches))
    request = choice.choice(
        [
            requests.RenameBranch(branch, f"name {choice.randrange(10**6)}"),
            requests.PromoteBranch(branch),
            requests.DeleteBranch(branch),
        ]
    )
    answer = session.ask(request)
    if isinstance(request, requests.DeleteBranch) and branch == session.run.branch:
        assert "descends on" in str(answer.exception())
    else:
        answer.result()


ACTIONS: list[Action] = [
    lambda choice, session: session.send(edits.SetWeight(term="noise", weight=choice.uniform(0.0, 0.5))),
    lambda choice, session: session.send(
        edits.SetParameter(owner="optimizer", name="learning_rate", value=choice.uniform(0.005, 0.05))
    ),
    lambda choice, session: session.send(
        edits.SetParameter(owner="optimizer", name="kind", value=choice.choice(["adam", "l-bfgs"]))
    ),
    lambda choice, session: session.send(edits.SetParameter(owner="study", name="rings", value=choice.randint(8, 20))),
    lambda choice, session: session.send(
        edits.SetParameter(owner="study", name="iterations", value=choice.randint(20, 120))
    ),
    lambda choice, session: session.send(
        edits.PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0, frozen=choice.random() < 0.6)
    ),
    lambda choice, session: session.send(edits.MakeCheckpoint(label="mine")),
    lambda choice, session: session.send(edits.Rewind(checkpoint=some_checkpoint(choice, session))),
    lambda choice, session: session.send(edits.SetWeight(term="absent", weight=1.0)),
    lambda choice, session: session.send(edits.Stop()),
    pull,
    pause,
    scrub,
    tidy,
]


def steer(choice: random.Random, session: LocalSession) -> LocalSession:
    """Some thirty actions between iterations, some together, some at the end, which more iterations follow."""
    for _ in range(choice.randint(10, 30)):
        choice.choice(ACTIONS)(choice, session)
        for _ in range(choice.choice([0, 1, 1, 7, 12])):
            session.advance()
        assert session.run is not None
        if session.run.status not in ("running", "paused") or choice.random() < 0.1:
            more = session.run.iteration + choice.randint(1, 30)
            session.send(edits.SetParameter(owner="study", name="iterations", value=more))
        if session.run.status != "running":
            session.send(edits.Resume(steps=0))
    session.advance()
    return session


@pytest.mark.parametrize("seed", range(25))
def test_a_session_steered_at_random_is_repeated_bit_for_bit(seed: int) -> None:
    session = steer(random.Random(seed), begin())
    assert same(replay(study(), {}, recorded(session), build=build), mesh_of(session))


@pytest.mark.parametrize("seed", range(8))
def test_a_session_with_failures_is_repeated_and_the_engine_does_its_own_again(seed: int) -> None:
    trouble = {"bomb_at": 15, "bomb_above": 1.15, "bomb": "value"}
    session = steer(random.Random(100 + seed), begin(**trouble))
    recording = recorded(session)
    if seed == 0:
        assert any(entry.by_engine for entry in recording.edits)
        assert any(isinstance(event, RolledBack) for event in session.events())
    assert same(replay(study(**trouble), {}, recording, build=build), mesh_of(session))


@pytest.mark.parametrize("seed", range(4))
def test_a_session_that_goes_on_after_the_engine_died_is_repeated_as_one(seed: int, tmp_path: Path) -> None:
    choice = random.Random(200 + seed)
    first = steer(choice, begin())
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    second = LocalSession(build=build)
    second.start(study(), {}, resume=tmp_path / "kept")
    second.advance()
    second.send(edits.Resume(steps=0))
    steer(choice, second)
    assert same(replay(study(), {}, recorded(second), build=build), mesh_of(second))
    assert read_recording(tmp_path / "kept" / "edits.jsonl") == recorded(first)


def test_checkpoints_have_the_same_numbers() -> None:
    session = steer(random.Random(3), begin())
    again = LocalSession(build=build)
    again.start(study(), {}, edits=recorded(session))
    again.run_to_end()
    assert session.run is not None and again.run is not None
    assert [(i.id, i.parent, i.iteration, i.label) for i in again.run.history.infos()] == [
        (i.id, i.parent, i.iteration, i.label) for i in session.run.history.infos()
    ]
    told = [[(e.step, e.iteration, e.edit, e.by_engine) for e in recorded(one).edits] for one in (session, again)]
    assert told[0] == told[1], "and are recorded the same, but for the names of branches"


def test_a_run_that_was_repeated_can_be_steered_on() -> None:
    session = begin()
    while session.run is None or session.run.iteration < 25:
        session.advance()
    again = LocalSession(build=build)
    again.start(study(), {}, edits=recorded(session))
    again.run_to_end()
    assert again.run is not None and (again.run.status, again.run.iteration) == ("paused", 25)
    again.send(edits.Resume(steps=0))
    for one in (session, again):
        one.run_to_end()
    assert again.run.status == "finished" and same(mesh_of(again), mesh_of(session))


def test_edits_written_by_hand_act_at_their_iterations() -> None:
    lines: list[dict[str, Any]] = [
        {"iteration": 10, "edit": {"edit": "set-weight", "term": "noise", "weight": 0.4}},
        {"iteration": 25, "edit": {"edit": "pause"}},
        {"iteration": 40, "edit": {"edit": "rewind", "checkpoint": 2}},
    ]
    session = begin()
    assert session.run is not None
    session.run.send(edits.SetWeight(term="noise", weight=0.4), at=10)
    session.run.send(edits.Rewind(checkpoint=2), at=40)
    session.run_to_end()
    assert same(replay(study(), {}, lines, build=build), mesh_of(session))
    with pytest.raises(FormwrightError, match="came to rest at iteration 60"):
        replay(study(), {}, [{"iteration": 100, "edit": {"edit": "make-checkpoint"}}], build=build)


def test_no_edits_run_the_study_to_its_end() -> None:
    session = begin()
    session.run_to_end()
    assert same(replay(study(), {}, build=build), mesh_of(session))


def test_what_leaves_the_path_says_where() -> None:
    session = begin()
    while session.run is None or session.run.iteration < 30:
        session.advance()
    session.send(edits.SetWeight(term="noise", weight=0.3))
    session.advance()
    recording = recorded(session)
    with pytest.raises(FormwrightError, match=r"left the recorded path: it came to rest at iteration 12"):
        replay(study(iterations=12), {}, recording, build=build)
    with pytest.raises(FormwrightError, match=r"left the recorded path: Edit 1 acted before iteration 30, and now is"):
        replay(study(bomb_at=20, bomb_above=1.15), {}, recording, build=build)
    wrong = Recording((RecordedEdit(5, {"edit": "rewind", "checkpoint": 77, "branch": ""}, 5),), RecordedEnd(9, 9))
    with pytest.raises(FormwrightError, match="Edit 1 of the recording: checkpoint"):
        replay(study(), {}, wrong, build=build)


def test_a_term_that_raises_is_raised_again_and_the_session_goes_on_as_it_did() -> None:
    session = begin(bomb_at=20, bomb="raise")
    session.run_to_end()
    assert any(isinstance(event, ProblemRaised) for event in session.events())
    session.send(edits.RemoveTerm(term="bomb"))
    session.send(edits.Resume(steps=0))
    session.run_to_end()
    assert session.run is not None and session.run.status == "finished"
    again = replay(study(bomb_at=20, bomb="raise"), {}, recorded(session), build=build)
    assert same(again, mesh_of(session))


GOOD = '{"iteration": 3, "edit": {"edit": "set-weight", "term": "fit", "weight": 1.0}}'


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([GOOD, "nonsense"], r"line 2 is no JSON object"),
        ([GOOD, "", "[1]"], r"line 3 is no JSON object"),
        ([GOOD, GOOD[:40]], r"line 2 is no JSON object"),
        (['{"format": 99}', GOOD], "newer version"),
        (['{"iteration": 3}'], r"line 1: edit: it is missing"),
        (['{"iteration": 3, "edit": {"edit": "explode"}}'], r"line 1: edit.*'explode'"),
        (['{"iteration": 3, "edit": {"edit": "set-weight", "term": "fit", "weight": -1}}'], r"line 1: edit.*weight"),
        (['{"iteration": 3, "edit": {"edit": "set-weight", "term": "fit", "weight": NaN}}'], r"line 1: edit.*weight"),
        (['{"edit": {"edit": "pause"}}'], r"line 1: iteration: .*missing"),
        (['{"iteration": -2, "edit": {"edit": "pause"}}'], r"line 1: iteration: .*got -2"),
        (['{"iteration": true, "edit": {"edit": "pause"}}'], r"line 1: iteration"),
        (['{"iteration": 3, "step": "x", "edit": {"edit": "pause"}}'], r"line 1: step"),
        (['{"iteration": 3, "end": true}', GOOD], r"line 2 comes after the end"),
        (
            ['{"step": 9, "iteration": 9, "edit": {"edit": "pause"}}', '{"step": 4, "iteration": 4, "end": true}'],
            r"line 2: step 4 comes after step 9",
        ),
    ],
)
def test_a_damaged_file_of_edits_names_the_line(tmp_path: Path, lines: list[str], words: str) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(FileError, match=rf"edits\.jsonl.*{words}"):
        read_recording(path)


def test_what_is_no_text_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "edits.jsonl").write_bytes(b"\xff\xfe\x00")
    for name in ("edits.jsonl", "absent.jsonl"):
        with pytest.raises(FileError, match=name):
            read_recording(tmp_path / name)
    with pytest.raises(FileError, match=r"entry 1: iteration"):
        as_recording([{"edit": {"edit": "pause"}}])
