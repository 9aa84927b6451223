"""The back-end on Qt's OpenGL. Needs a display, and a process of its own: `test_native.py` runs this file in one."""

import os

import numpy as np
import pytest
from mouse import drag
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMainWindow

if os.environ.get("QT_QPA_PLATFORM") == "offscreen":  # set by the tests around, for those that need no display
    del os.environ["QT_QPA_PLATFORM"]

from app.document.placement import Placement
from app.document.project import Clip
from app.viewport.colours import SELECTED
from app.viewport.create import qt_opengl
from app.viewport.gizmo import gizmo_parts
from app.viewport.records import HandleView, SelectionView
from app.viewport.tools.clip import clip_grips


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


def coloured(view, snapshot, sphere):
    view.show_snapshot(snapshot(sensitivity=lambda v: v[:, 0]))
    view.set_colouring("sensitivity")


def clipped(view, snapshot, sphere):
    view.show_snapshot(snapshot())
    view.show_object("ball", sphere(4.0, centre=(9.0, 0.0, 0.0)), colour="#a05050")
    view.set_clip(Clip("plane", normal=(1.0, -1.0, 0.0)))


def without_a_box(view, snapshot, sphere):
    view.show_snapshot(snapshot())
    view.set_clip(Clip("box", bounds=((-20.0, -20.0, -3.0), (4.0, 2.0, 20.0)), flipped=True))


def placed_and_selected(view, snapshot, sphere):
    ball = sphere()
    view.show_object(
        "ball", ball, colour="#888888", placement=Placement((1.0, 2.0, 3.0), (10.0, 20.0, 30.0), (1, 2, 0.5))
    )
    view.set_selections([SelectionView("ball", (ball.vertices[:, 0] > 0).astype(np.float32), SELECTED)])
    view.frame()


def swiped(view, snapshot, sphere):
    view.show_comparison(snapshot(10.0), snapshot(7.0), "swipe")
    view.set_swipe(0.6)


def over_each_other(view, snapshot, sphere):
    view.show_comparison(snapshot(8.0), snapshot(10.0), "overlay")


@pytest.mark.parametrize("scene", [coloured, clipped, without_a_box, placed_and_selected, swiped, over_each_other])
def test_both_back_ends_draw_the_same(native, viewport, snapshot, sphere, scene):
    viewport.resize(native.size())
    pictures = []
    for view in (native, viewport):
        scene(view, snapshot, sphere)
        image = view.picture().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        pictures.append(rows[:, : 3 * image.width()].astype(int))
    assert pictures[0].shape == pictures[1].shape and np.ptp(pictures[0]) > 80
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0


def test_the_mouse_selects_moves_cuts_and_swipes(native, snapshot, sphere):
    ball = sphere()
    native.show_object("ball", ball, colour="#888888")
    native.look("front")
    native.set_tool("select")
    native.set_selecting(mode="box")
    gestures, placements, clips = [], [], []
    native.selected.connect(gestures.append)
    native.placement_dragged.connect(lambda *told: placements.append(told))
    native.clip_dragged.connect(lambda *told: clips.append(told))
    drag(native, (150, 100), (220, 170))
    inside = gestures[-1].outline.inside(ball.vertices)
    assert inside.sum() > 20 and (ball.vertices[inside, 1] < 0).all()

    native.set_tool("move")
    native.set_gizmo("ball")
    arrow = next(part for part in gizmo_parts(native) if part.name == "z").places[-1]
    drag(native, tuple(arrow), tuple(arrow - (0.0, 20.0)))
    assert placements[-1][2] and placements[-1][1].translation[2] > 0.5
    native.set_placement("ball", Placement())

    native.set_tool("navigate")
    native.look("isometric")
    native.set_clip(Clip("plane", normal=(0.0, 0.0, 1.0)))
    grip, foot = native.eye.project(np.stack([clip_grips(native)[0].place, clip_grips(native)[0].foot]))[:, :2]
    drag(native, tuple(grip), tuple(grip + 0.3 * (grip - foot)))
    assert clips[-1][1] and clips[-1][0].origin[2] > 0.3

    native.show_comparison(snapshot(10.0), snapshot(7.0), "swipe")
    width = native.width()
    drag(native, (width / 2, 20), (width / 4, 20))
    assert native.scene.comparison.swipe == pytest.approx(0.25, abs=0.01)


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
