"""Sensitivities of a simulation's numbers: asked of the engine, shown as colours and as words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.viewport.shades import shade_of
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from app.work.sensing import Sensing, lines_of
from app.work.tasks import Tasks
from engine.protocol.session import Sensitivity
from engine.protocol.snapshot import Snapshot

NUMBER = "cloth centre z [m]"
FOUND = Sensitivity(
    NUMBER, -0.02, 10, np.array([0.0, 0.5, 0.25], np.float32), np.zeros((3, 3)),
    {
        "cloth.density": (np.array(160.0), np.array(1e-6)),
        "cloth.young": (np.array(1e6), np.array(-3e-9)),
        "gravity": (np.array([0.0, 0.0, -9.81]), np.array([0.0, 0.0, 0.05])),
    },
)  # fmt: skip


@pytest.fixture
def room(qtbot: Any) -> Any:
    document, tasks, notices, session = Document(), Tasks(), Notices(), FakeSession()
    link = EngineLink(document, tasks, lambda: session)
    link.start_engine()
    drawing, view = Drawing(document, link), FakeViewport()
    qtbot.addWidget(view)
    drawing.set_viewport(view)  # type: ignore[arg-type]  # the fake has the methods
    playing = Playing(document, link, drawing, notices)
    sensing = Sensing(document, link, drawing, playing, notices)
    said: list[Any] = []
    notices.said.subscribe(said.append)
    yield sensing, document, link, view, playing, said
    playing.close()


def state(count: int = 3) -> Snapshot:
    arrays = {"vertices": np.zeros((count, 3), np.float32), "triangles": np.array([[0, 1, 2]], np.int32)}
    return Snapshot(0, 5, 100, "paused", 0, (0.0, 0.0, 0.0), arrays, {}, {"numbers": [NUMBER, "kinetic [J]"]})


def test_numbers_are_offered_while_there_is_a_run(room: Any) -> None:
    sensing, document, *_ = room
    document.run.see(state())
    assert sensing.numbers == []
    document.run.state = "paused"
    assert sensing.numbers == [NUMBER, "kinetic [J]"]


def test_what_comes_back_colours_the_state_and_says_what_matters_most(room: Any) -> None:
    sensing, document, link, view, playing, said = room
    document.run.state = "paused"
    shown: list[str] = []
    sensing.shown.subscribe(shown.append)
    link.snapshot_arrived(state())
    sensing._answered(FOUND)
    (snapshot,), _ = view.last("show_snapshot")
    np.testing.assert_array_equal(snapshot.arrays[shown[0]], FOUND.vertices)
    assert not playing.live, "what the Run sends does not wipe the colours away"
    assert said[0].kind == "note" and NUMBER in said[0].text and "10 steps" in said[0].text
    assert lines_of(FOUND) == [
        "1 % more of gravity: -0.00491", "1 % more of cloth.young: -3e-05", "1 % more of cloth.density: +1.6e-06"
    ]  # fmt: skip
    playing.go_live()
    (snapshot,), _ = view.last("show_snapshot")
    assert shown[0] not in snapshot.arrays


def test_an_answer_about_another_run_is_dropped(room: Any) -> None:
    sensing, _, link, view, _, said = room
    link.snapshot_arrived(state(4))
    count = view.count("show_snapshot")
    sensing._answered(FOUND)
    assert view.count("show_snapshot") == count and said == []


def test_the_colour_bar_has_the_unit_of_the_derivative() -> None:
    shade = shade_of("sensitivity of kinetic [J]")
    assert (shade.title, shade.unit, shade.map) == ("Sensitivity of kinetic", "J/m", "sequential")


def test_a_cancelled_question_is_withdrawn_and_nothing_is_said(room: Any) -> None:
    sensing, document, link, *_, said = room
    document.run.see(state())
    document.run.state = "paused"
    problems: list[Any] = []
    link.problem_raised.subscribe(problems.append)
    sensing.ask(NUMBER)
    (row,) = link._tasks.rows.running
    assert row.cancellable
    row.cancel()
    link._tasks.poll()
    assert row.outcome == "cancelled" and not said and not problems
