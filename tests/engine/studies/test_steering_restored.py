"""What steers a Run is told when it begins, is taken up again, or goes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphere_study import build

from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.run_folder import EDITS
from engine.protocol.study import Study
from engine.studies.session import LocalSession

STUDY = Study(study="sphere", parameters={"iterations": 30})


def begin(**options: Any) -> LocalSession:
    session = LocalSession(build=build)
    session.start(STUDY, {}, **options)
    session.advance()
    return session


def until(session: LocalSession, iteration: int) -> None:
    while session.run is None or session.run.iteration < iteration:
        assert session.advance()


def told(session: LocalSession) -> list[snapshot.SteeringRestored]:
    return [event for event in session.events() if isinstance(event, snapshot.SteeringRestored)]


def kinds(event: snapshot.SteeringRestored) -> list[str]:
    return [edit["edit"] for edit in event.edits]


def test_a_run_that_begins_is_steered_by_its_study_alone() -> None:
    (event,) = told(begin())
    assert event.edits == [] and event.checkpoint is None
    assert event.study is not None and Study.parse(event.study, owner="") == STUDY


def test_a_run_that_goes_back_is_steered_by_what_had_acted_before_the_checkpoint() -> None:
    session = begin()
    until(session, 3)
    session.send(edits.SetWeight(term="noise", weight=0.5))
    until(session, 12)
    session.send(edits.SetWeight(term="noise", weight=0.9))
    until(session, 14)
    told(session)
    session.send(edits.Rewind(checkpoint=2))
    session.advance()
    (event,) = told(session)
    assert (event.checkpoint, event.study) == (2, None)
    assert event.edits == [edits.SetWeight(term="noise", weight=0.5).model_dump(mode="json")]


def test_what_acted_after_the_last_save_is_told_once_and_as_part_of_what_steers(tmp_path: Path) -> None:
    session = begin()
    until(session, 3)
    session.send(edits.PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0))
    until(session, 6)
    session.ask(requests.SaveRun(tmp_path / "kept")).result()
    session.send(edits.SetWeight(term="fit", weight=2.0))
    until(session, 8)
    recording = session.ask(requests.RecordedEdits()).result()
    (tmp_path / "kept" / EDITS).write_text(recording.to_text())  # noted later than the state, as by a killed engine
    other = begin(resume=tmp_path / "kept", paused=True)
    events = other.events()
    steering = [event for event in events if isinstance(event, snapshot.SteeringRestored)]
    assert [kinds(event) for event in steering] == [["paint-freeze", "set-weight"]]
    applied = [event for event in events if isinstance(event, snapshot.EditApplied)]
    assert [event.edit["edit"] for event in applied] == ["set-weight"]
    assert events.index(applied[0]) < events.index(steering[0])
    assert other.run is not None and other.run.problem.weights()["fit"] == 2.0
