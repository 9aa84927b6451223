"""Pictures and turntables: asked for in the dialog, drawn while the window lives, cancelled without a trace."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from tests_app_fakes import polls

from app.panels.number_field import NumberField
from app.panels.picture_dialog import PictureDialog
from app.viewport.records import CameraView
from app.work.pictures import Axis, turned_view


@pytest.fixture
def dialog(qtbot: Any, running: Any, tmp_path: Path) -> PictureDialog:
    running.registry.trigger("file.picture")
    shown: PictureDialog = running.dialogs.picture
    assert shown.isVisible() and not shown.isModal()
    shown.place.setText(str(tmp_path / "picture.png"))
    return shown


def enter(qtbot: Any, field: NumberField, text: str) -> None:
    field.selectAll()
    qtbot.keyClicks(field, text)
    field.commit()


def finish(qtbot: Any, window: Any) -> None:
    """Let timers and threads work until nothing is under way."""

    def rests() -> bool:
        window.tasks.poll()
        return not window.tasks.rows.running

    qtbot.waitUntil(rests)


def test_a_png_of_the_wanted_size(qtbot: Any, running: Any, dialog: PictureDialog, tmp_path: Path) -> None:
    enter(qtbot, dialog.scale, "3")
    width, height = running.viewport.width(), running.viewport.height()
    assert f"{3 * width:,} × {3 * height:,} pixels" == dialog.said()
    dialog.transparent.setChecked(True)
    dialog.handles.setChecked(False)
    qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    finish(qtbot, running)
    arguments, options = running.viewport.last("picture")
    assert arguments == (3,)
    assert (options["transparent"], options["handles"], options["legend"]) == (True, False, True)
    with Image.open(tmp_path / "picture.png") as image:
        assert image.size == (24, 24)
    assert "Saved picture.png" in running.status_line.currentMessage()


def test_a_turntable_goes_once_round_and_the_window_lives(
    qtbot: Any, running: Any, dialog: PictureDialog, tmp_path: Path
) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    assert dialog.place.text().endswith("picture.gif")
    assert dialog.frames.isVisible() and not dialog.scale.isVisible() and not dialog.transparent.isVisible()
    enter(qtbot, dialog.frames, "8")
    enter(qtbot, dialog.seconds, "2.0")
    assert dialog.said().endswith("4 pictures a second")
    before = running.viewport.camera()
    drawn = running.viewport.count("picture")
    qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    (row,) = running.tasks.rows.running
    assert row.title == "Turntable picture.gif"
    assert running.viewport.count("picture") == drawn  # nothing is drawn in the click itself
    finish(qtbot, running)
    taken = [options["camera"] for name, _, options in running.viewport.calls if name == "picture"]
    cameras = [camera for camera in taken if camera is not None]
    angles = np.degrees([np.arctan2(camera.position[1], camera.position[0]) for camera in cameras]) % 360
    assert np.diff(np.unwrap(angles, period=360)) == pytest.approx(-45.0)
    assert cameras[0].position == pytest.approx(before.position)
    assert running.viewport.count("set_camera") == 0
    with Image.open(tmp_path / "picture.gif") as image:
        assert image.n_frames == 8
        reds = []
        for index in range(8):
            image.seek(index)
            reds.append(image.convert("RGB").getpixel((1, 1))[0])
    assert reds[0] == 248 and reds[4] == 8 and reds[0] > reds[1] > reds[2]
    assert row.outcome == "done"


def test_a_cancelled_turntable_leaves_nothing(qtbot: Any, running: Any, dialog: PictureDialog, tmp_path: Path) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    enter(qtbot, dialog.frames, "3000")
    dialog.begin()
    (row,) = running.tasks.rows.running
    qtbot.waitUntil(lambda: (row.fraction or 0) > 0)
    row.cancel()
    finish(qtbot, running)
    assert row.outcome == "cancelled"
    assert list(tmp_path.iterdir()) == []
    assert running.error_bar.message is None
    drawn = running.viewport.count("picture")
    qtbot.wait(100)
    assert running.viewport.count("picture") == drawn


def test_closing_the_window_ends_a_turntable(qtbot: Any, running: Any, dialog: PictureDialog, tmp_path: Path) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    enter(qtbot, dialog.frames, "3000")
    dialog.begin()
    qtbot.wait(60)
    running.workbench.close()
    qtbot.wait(60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_place_that_cannot_be_written_is_said(
    qtbot: Any, running: Any, dialog: PictureDialog, tmp_path: Path, suffix: str
) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(suffix))
    dialog.place.setText(str(tmp_path / "nowhere" / f"picture{suffix}"))
    dialog.begin()
    finish(qtbot, running)
    assert "folder does not exist" in running.error_bar.text()


def test_without_an_encoder_the_dialog_says_what_to_install(
    qtbot: Any, running: Any, dialog: PictureDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    dialog.kind.setCurrentIndex(dialog.kind.findData(".mp4"))
    assert "Install ffmpeg" in dialog.said() and not dialog.action_button.isEnabled()
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    assert dialog.action_button.isEnabled()


def test_the_extension_that_is_typed_chooses_the_format(qtbot: Any, dialog: PictureDialog, tmp_path: Path) -> None:
    dialog.place.clear()
    qtbot.keyClicks(dialog.place, str(tmp_path / "turn.gif"))
    assert dialog.kind.currentData() == ".gif" and dialog.place.text().endswith("turn.gif")


def test_every_control_of_the_dialog_has_a_name(dialog: PictureDialog) -> None:
    for control in (dialog.kind, dialog.place, dialog.scale, dialog.height_box, dialog.frames, dialog.axis):
        assert control.accessibleName()


@pytest.mark.parametrize("axis", ["view", "x", "y", "z"])
def test_a_turned_view_keeps_its_distance_and_comes_back(axis: Axis) -> None:
    view = CameraView((10.0, -4.0, 6.0), (1.0, 2.0, 0.5), (0.1, 0.2, 0.9), pivot=(0.0, 1.0, 0.0))
    centre = np.array(view.pivot)
    quarter = turned_view(view, 90.0, axis)
    for before, after in ((view.position, quarter.position), (view.focal_point, quarter.focal_point)):
        assert np.linalg.norm(np.array(after) - centre) == pytest.approx(np.linalg.norm(np.array(before) - centre))
    assert np.linalg.norm(np.subtract(quarter.position, view.position)) > 1.0
    again = turned_view(quarter, 270.0, axis)
    assert again.position == pytest.approx(view.position) and again.up == pytest.approx(view.up)


def test_polls_still_work_while_a_film_is_drawn(qtbot: Any, running: Any, dialog: PictureDialog) -> None:
    dialog.kind.setCurrentIndex(dialog.kind.findData(".gif"))
    enter(qtbot, dialog.frames, "200")
    before = running.document.run.iteration
    dialog.begin()
    polls(running, 5)
    assert running.document.run.iteration > before
    finish(qtbot, running)
