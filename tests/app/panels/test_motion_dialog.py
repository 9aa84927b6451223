"""Exporting what the timeline has: the dialog filled in by hand, files read back, films drawn frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from motions import RisingStrip
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from shiboken6 import delete
from tests_app_fakes import FakeSession, FakeViewport

from app.document.document import Document
from app.panels.motion_dialog import MotionDialog
from app.work.drawing import Drawing
from app.work.engine_link import EngineLink
from app.work.motions import Motions
from app.work.notices import Notices
from app.work.pictures import Pictures
from app.work.playing import Playing
from app.work.tasks import Tasks
from engine.io.registry import read
from engine.protocol.scene import Obstacle, Scene, Sheet
from engine.protocol.study import Study


class Camera(FakeViewport):
    """Pictures are as red as the strip that was shown last is high [mm]."""

    def picture(self, **_look: Any) -> QImage:  # type: ignore[override]
        (snapshot,), _ = self.last("show_snapshot")
        height = float(snapshot.arrays["vertices"][0, 2] + snapshot.origin[2])
        image = QImage(16, 16, QImage.Format.Format_RGB32)
        image.fill(QColor(round(20 * height), 60, 60))
        return image


class Room:
    def __init__(self, folder: Path, view: FakeViewport) -> None:
        self.document, self.tasks, notices = Document(), Tasks(), Notices()
        link = EngineLink(self.document, self.tasks, FakeSession)
        drawing = Drawing(self.document, link)
        drawing.set_viewport(view)  # type: ignore[arg-type]  # the fake has the methods
        self.playing = Playing(self.document, link, drawing, notices)
        self.motions = Motions(self.document, self.playing, Pictures(drawing, self.tasks, notices), self.tasks, notices)
        self.said: list[Any] = []
        notices.said.subscribe(self.said.append)
        self.strip = RisingStrip(folder / "trajectory").write(9)
        assert self.playing.open(self.strip.folder)

    def finish(self, qtbot: Any) -> None:
        def ended() -> bool:
            self.tasks.poll()
            return not self.tasks.busy

        qtbot.waitUntil(ended)


@pytest.fixture
def room(qtbot: Any, tmp_path: Path) -> Iterator[Room]:
    view = Camera()
    qtbot.addWidget(view)
    made = Room(tmp_path, view)
    yield made
    made.playing.close()
    made.tasks.close()


@pytest.fixture
def dialog(qtbot: Any, room: Room, tmp_path: Path) -> MotionDialog:
    made = MotionDialog(room.motions, tmp_path / "rise.glb")
    qtbot.addWidget(made)
    made.show()
    return made


def enter(box: Any, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)
    box.commit()


def test_what_is_typed_counts_without_return_and_the_dialog_may_go_before_the_files_are_there(
    qtbot: Any, room: Room, tmp_path: Path
) -> None:
    dialog = MotionDialog(room.motions, tmp_path / "rise.ply")
    dialog.every.selectAll()
    QTest.keyClicks(dialog.every, "4")
    dialog.action_button.clicked.emit()
    delete(dialog)
    room.finish(qtbot)
    assert len(list(tmp_path.glob("rise-*.ply"))) == 3 and not room.said


def test_a_range_of_frames_is_written_with_its_unit(
    qtbot: Any, room: Room, dialog: MotionDialog, tmp_path: Path
) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(".ply"))
    assert dialog.place.text() == str(tmp_path / "rise.ply") and dialog.unit.isVisible()
    enter(dialog.first, "3")
    enter(dialog.every, "2")
    dialog.unit.setCurrentIndex(dialog.unit.findData("cm"))
    assert dialog.said().startswith("4 frames, 0.06 s of the simulation")
    QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    room.finish(qtbot)
    files = sorted(tmp_path.glob("rise-*.ply"))
    assert len(files) == 4 and dialog.said().startswith("Wrote 4 files from rise-000000.ply on")
    mesh = read(files[1], unit="cm")
    expected = 1000.0 * room.strip.positions
    expected[:10, 2] += 4.0
    np.testing.assert_allclose(mesh.vertices, expected, atol=1e-4)
    assert room.tasks.rows.ended[-1].fraction == 1.0


def test_hidden_bodies_are_left_out(qtbot: Any, room: Room, dialog: MotionDialog, tmp_path: Path) -> None:
    room.playing._opened_from_disk = False
    scene = Scene(sheets=[Sheet(name="strip")], obstacles=[Obstacle(name="block", visible=False)])
    room.document.set_study(Study(study="simulate", scene=scene))
    dialog.kind.setCurrentIndex(dialog.kind.findData(".obj"))
    assert "without hidden bodies" in dialog.said()
    QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    room.finish(qtbot)
    assert read(tmp_path / "rise-000000.obj").vertex_count == 10


def test_a_cancelled_export_leaves_nothing(qtbot: Any, room: Room, dialog: MotionDialog, tmp_path: Path) -> None:
    gate = Event()
    for _ in range(2):  # both threads have something to do until the export is cancelled
        room.tasks.do(gate.wait, lambda _: None, lambda _: None)
    QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    assert not dialog.action_button.isEnabled()
    room.tasks.rows.running[0].cancel()
    gate.set()
    room.finish(qtbot)
    assert room.tasks.rows.ended[-1].outcome == "cancelled"
    assert [path.name for path in tmp_path.iterdir()] == ["trajectory"]
    assert dialog.action_button.isEnabled()


def test_a_film_shows_every_frame_and_the_timeline_comes_back(
    qtbot: Any, room: Room, dialog: MotionDialog, tmp_path: Path
) -> None:
    room.playing.show_frame(2)
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    assert not dialog.unit.isVisible() and dialog.rate.isVisible()
    enter(dialog.rate, "10")
    enter(dialog.every, "2")
    assert "the film lasts 0.5 s (0.16 times real time)" in dialog.said()
    QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    room.finish(qtbot)
    film = Image.open(tmp_path / "rise.gif")
    reds = []
    for index in range(film.n_frames):
        film.seek(index)
        reds.append(film.convert("RGB").getpixel((3, 3))[0])
    np.testing.assert_allclose(reds, [0, 40, 80, 120, 160], atol=2)
    assert room.playing.frame == 2 and room.said == []


def test_a_place_that_cannot_be_written_is_said(qtbot: Any, room: Room, dialog: MotionDialog, tmp_path: Path) -> None:
    for suffix in (".glb", ".ply", ".csv", ".vtkhdf"):
        dialog.place.clear()
        QTest.keyClicks(dialog.place, str(tmp_path / "nowhere" / f"rise{suffix}"))
        assert dialog.kind.currentData() == suffix, "the extension that is typed chooses the format"
        QTest.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
        room.finish(qtbot)
        assert "folder does not exist" in room.said[-1].text
        assert dialog.action_button.isEnabled()


def test_an_empty_range_cannot_be_written(dialog: MotionDialog) -> None:
    enter(dialog.first, "6")
    enter(dialog.last, "4")
    assert dialog.said() == "There are no frames in this range." and not dialog.action_button.isEnabled()
