"""The back-end on Qt's OpenGL. Needs a display, and a process of its own: `test_native.py` runs this file in one."""

import os

import numpy as np
import pytest
from mouse import drag
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMainWindow

if os.environ.get("QT_QPA_PLATFORM") == "offscreen":  # set by the tests around, for those that need no display
    del os.environ["QT_QPA_PLATFORM"]

from app.viewport.create import qt_opengl
from app.viewport.view import HandleView


@pytest.fixture
def native(qtbot):
    if qt_opengl() == "none":
        pytest.skip("Qt has no OpenGL here: run under xvfb-run")
    from app.viewport.native import NativeViewport

    window = QMainWindow()
    qtbot.addWidget(window, before_close_func=lambda _: view.shut_down())
    view = NativeViewport(window, software=True)
    window.setCentralWidget(view)
    window.resize(400, 300)
    window.show()
    qtbot.waitExposed(window)
    qtbot.waitUntil(lambda: view.begun)
    yield view


def on_screen(view, x, y):
    return view.grab().toImage().pixelColor(x, y)


def test_snapshots_are_drawn_on_the_screen(native, snapshot, qtbot):
    qtbot.waitUntil(lambda: on_screen(native, 200, 220).lightness() > 200)
    empty = on_screen(native, 200, 220).lightness()
    native.show_snapshot(snapshot())
    qtbot.waitUntil(lambda: on_screen(native, 200, 220).lightness() < empty - 30)
    native.set_colouring("sensitivity")
    native.show_snapshot(snapshot(sensitivity=lambda v: v[:, 2]))
    native.look("front")
    qtbot.waitUntil(lambda: on_screen(native, 200, 90).red() > on_screen(native, 200, 90).blue() + 40)


def test_the_mouse_turns_the_camera_and_drags_handles(native, snapshot, qtbot):
    native.show_snapshot(snapshot())
    before = native.scene.camera.GetPosition()
    drag(native, (200, 150), (240, 130))
    assert native.scene.camera.GetPosition() != before
    native.set_handles([HandleView("nose", (0.0, 0.0, 10.0), (0.0, 0.0, 10.0), 1.0)])
    x, y = native.eye.project(np.array([0.0, 0.0, 10.0]))[0, :2].round().astype(int)
    moved = []
    native.handle_moved.connect(lambda *args: moved.append(args))
    drag(native, (x, y), (x + 30, y))
    assert moved[-1][2] and len(moved) >= 4
    assert native.eye.project(np.array(moved[-1][1]))[0, 0] == pytest.approx(x + 30, abs=1)


def test_both_back_ends_draw_the_same(native, viewport, snapshot, qtbot):
    viewport.resize(native.size())
    pictures = []
    for view in (native, viewport):
        view.show_snapshot(snapshot(sensitivity=lambda v: v[:, 0]))
        view.set_colouring("sensitivity")
        image = view.picture().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        pictures.append(rows[:, : 3 * image.width()].astype(int))
    assert pictures[0].shape == pictures[1].shape
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0


def test_it_rests_when_nothing_happens(native, snapshot, qtbot):
    native.show_snapshot(snapshot())
    drawings = []
    tag = native.scene.renderer.AddObserver("StartEvent", lambda *_: drawings.append(1))
    for _ in range(20):  # until it is at rest, however slow the machine is
        drawings.clear()
        qtbot.wait(300)
        if not drawings:
            break
    native.scene.renderer.RemoveObserver(tag)
    assert not drawings


def test_it_can_be_closed_with_its_window_and_shut_down_twice(native, snapshot):
    native.show_snapshot(snapshot())
    window = native.window()
    native.shut_down()
    native.shut_down()
    window.close()
