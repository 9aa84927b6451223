"""The timeline under the hand: clicked, dragged, played by keys and buttons, and only seen where there are frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mouse
import pytest
from motions import RisingStrip
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.panels.timeline import Timeline
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.notices import Notices
from app.work.playing import Playing
from app.work.tasks import Tasks

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def playing(qtbot: Any) -> Iterator[Playing]:
    document = Document()
    link = EngineLink(document, Tasks(), FakeSession)
    drawing = Drawing(document, link)
    view = FakeViewport()
    qtbot.addWidget(view)
    drawing.set_viewport(view)  # type: ignore[arg-type]  # the fake has the methods
    made = Playing(document, link, drawing, Notices())
    yield made
    made.close()


@pytest.fixture
def timeline(qtbot: Any, playing: Playing, tmp_path: Path) -> Timeline:
    bar = Timeline(playing)
    qtbot.addWidget(bar)
    bar.resize(700, 70)
    assert not bar.isVisibleTo(None)
    assert playing.open(RisingStrip(tmp_path / "t").write(41).folder)
    bar.show()
    return bar


def test_a_click_goes_there_and_a_drag_scrubs(timeline: Timeline, playing: Playing) -> None:
    track = timeline.track
    middle = track.height() // 2
    mouse.press(track, (track.place(10), middle))
    assert playing.frame == 10
    for frame in (11, 12, 20):
        mouse.move(track, (track.place(frame), middle))
    assert playing.frame == 20
    mouse.release(track, (track.place(20), middle))
    mouse.hover(track, (track.place(30), middle))
    assert playing.frame == 20
    assert timeline.said.text() == "0.200 s of 0.400 s · frame 21 of 41"


def test_arrow_keys_go_frame_by_frame(timeline: Timeline, playing: Playing) -> None:
    timeline.track.setFocus()
    for _ in range(3):
        QTest.keyClick(timeline.track, Qt.Key.Key_Right)
    QTest.keyClick(timeline.track, Qt.Key.Key_Left)
    assert playing.frame == 2
    QTest.keyClick(timeline.track, Qt.Key.Key_End)
    assert playing.frame == 40


def test_j_k_and_l_play_as_in_an_editor_of_films(qtbot: Any, timeline: Timeline, playing: Playing) -> None:
    playing.show_frame(20)
    QTest.keyClick(timeline.track, Qt.Key.Key_L)
    assert playing.playing
    qtbot.waitUntil(lambda: playing.frame > 20)
    QTest.keyClick(timeline.track, Qt.Key.Key_K)
    assert not playing.playing
    playing.show_frame(20)
    QTest.keyClick(timeline.track, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: playing.frame < 20)


def test_buttons_and_speed(timeline: Timeline, playing: Playing) -> None:
    QTest.mouseClick(timeline.last, LEFT)
    assert playing.frame == 40
    QTest.mouseClick(timeline.first, LEFT)
    assert playing.frame == 0
    QTest.mouseClick(timeline.loop, LEFT)
    assert playing.loop
    timeline.speed.activated.emit(timeline.speed.findData(0.1))
    assert playing.speed == 0.1
    QTest.mouseClick(timeline.play, LEFT)
    assert playing.playing and timeline.play.accessibleName() == "Pause"
    QTest.mousePress(timeline.track, LEFT, pos=QPoint(timeline.track.place(30), 5))
    assert not playing.playing and playing.frame == 30, "who takes the handle stops it"


def test_it_goes_while_the_middle_shows_something_else(timeline: Timeline, playing: Playing) -> None:
    timeline.set_wanted(False)
    playing.step(1)
    assert timeline.isHidden()
    timeline.set_wanted(True)
    assert not timeline.isHidden()
