"""Pulls on their way to the engine: at most one a frame, let go at the end, refused where nothing runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from app.work.pulling import Pulling
from app.work.tasks import Tasks
from engine.protocol.edits import Pull
from engine.protocol.scene import Obstacle, Scene, Sheet
from engine.protocol.snapshot import EditApplied
from engine.protocol.study import Study


@dataclass
class Room:
    pulling: Pulling
    document: Document
    session: FakeSession
    link: EngineLink
    noted: list[str]

    @property
    def sent(self) -> list[Pull]:
        return [edit for edit in self.session.sent if isinstance(edit, Pull)]


@pytest.fixture
def room(qtbot: Any) -> Room:
    document, tasks, notices, session = Document(), Tasks(), Notices(), FakeSession()
    link = EngineLink(document, tasks, lambda: session)
    link.start_engine()
    scene = Scene(sheets=[Sheet(name="cloth")], obstacles=[Obstacle(name="table")])
    document.set_study(Study(study="simulate", scene=scene))
    playing = Playing(document, link, Drawing(document, link), notices)
    noted: list[str] = []
    notices.noted.subscribe(noted.append)
    document.run.state = "running"
    return Room(Pulling(document, link, playing, notices), document, session, link, noted)


def test_of_several_targets_in_a_frame_the_latest_is_sent(room: Room) -> None:
    for x in (1.0, 2.0, 3.0):
        room.pulling.pull("cloth", 7, (x, 0.0, 0.0))
    assert room.sent == []
    room.pulling.frame()
    room.pulling.frame()
    assert room.sent == [Pull(body="cloth", vertex=7, target=(3.0, 0.0, 0.0))]


def test_letting_go_is_sent_at_once_and_drops_what_waits(room: Room) -> None:
    room.pulling.pull("cloth", 7, (1.0, 0.0, 0.0))
    room.pulling.frame()
    room.pulling.pull("cloth", 7, (2.0, 0.0, 0.0))
    room.pulling.pull("cloth", 7, None)
    room.pulling.frame()
    assert [edit.target for edit in room.sent] == [(1.0, 0.0, 0.0), None]


def test_a_pull_that_was_never_sent_needs_no_letting_go(room: Room) -> None:
    room.pulling.pull("cloth", 7, (1.0, 0.0, 0.0))
    room.pulling.pull("cloth", 7, None)
    room.pulling.frame()
    assert room.sent == []


def test_a_paused_simulation_takes_it_and_a_finished_one_says_why_not(room: Room) -> None:
    room.document.run.state = "paused"
    room.pulling.pull("cloth", 1, (1.0, 0.0, 0.0))
    room.pulling.frame()
    assert len(room.sent) == 1
    room.pulling.pull("cloth", 1, None)
    room.document.run.state = "finished"
    for x in (1.0, 2.0):
        room.pulling.pull("cloth", 1, (x, 0.0, 0.0))
        room.pulling.frame()
    assert len(room.sent) == 2
    assert room.noted == ["Nothing runs that could be pulled"], "once for the whole drag"


def test_what_moves_as_it_is_told_is_not_pulled(room: Room) -> None:
    refused: list[str] = []
    room.pulling.refused.subscribe(refused.append)
    room.pulling.pull("table", 0, (1.0, 0.0, 0.0))
    room.pulling.frame()
    assert room.sent == [] and "table" in room.noted[0]
    assert refused == room.noted


def test_a_pull_is_no_step_of_undo(room: Room) -> None:
    before, project = room.document.undo_stack.undo_name, room.document.project
    room.pulling.pull("cloth", 7, (1.0, 0.0, 0.0))
    room.pulling.frame()
    room.session.emit = [EditApplied(room.document.run.run, 3, room.sent[0].model_dump(mode="json"))]
    room.link.poll()
    assert room.document.undo_stack.undo_name == before
    assert room.document.project is project
