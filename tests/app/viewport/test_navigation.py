import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from mouse import LEFT, MIDDLE, NO_KEYS, RIGHT, SHIFT, click, double_click, drag, wheel
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.viewport.records import CameraView


def camera_of(view):
    camera = view.scene.camera
    return np.array([camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp()])


def test_a_drag_turns_the_camera_about_the_object(viewport, sphere, qtbot):
    viewport.show_object("ball", sphere(), colour="#888888")
    before = camera_of(viewport)
    with qtbot.waitSignal(viewport.camera_changed):
        drag(viewport, (200, 150), (260, 120))
    after = camera_of(viewport)
    assert np.linalg.norm(after[0] - before[0]) > 1.0
    assert np.isclose(np.linalg.norm(after[0]), np.linalg.norm(before[0]))


def test_middle_right_and_shift_drags_pan(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    for button, keys in (
        (MIDDLE, NO_KEYS),
        (RIGHT, NO_KEYS),
        (LEFT, SHIFT),
    ):
        before = viewport.eye.project(np.zeros(3))[0, :2]
        drag(viewport, (200, 150), (230, 160), keys, button)
        assert np.allclose(viewport.eye.project(np.zeros(3))[0, :2] - before, (30, 10), atol=0.5)


def test_the_wheel_zooms_to_what_is_under_the_pointer(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    under = viewport.eye.pick(230, 130).position
    distance = np.linalg.norm(camera_of(viewport)[0] - under)
    wheel(viewport, (230, 130), 3)
    assert np.allclose(viewport.eye.project(under)[0, :2], (230, 130), atol=1e-6)
    assert np.linalg.norm(camera_of(viewport)[0] - under) < 0.7 * distance


def test_a_double_click_sets_the_rotation_centre(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    under = viewport.eye.pick(230, 130).position
    double_click(viewport, (230, 130))
    before = viewport.eye.project(under)[0]
    drag(viewport, (200, 150), (260, 120))
    assert np.allclose(viewport.eye.project(under)[0], before, atol=1e-6)


def test_the_keyboard_turns_zooms_and_frames(viewport, sphere):
    viewport.show_object("ball", sphere(), colour="#888888")
    framed = camera_of(viewport)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Plus):
        before = camera_of(viewport)
        QTest.keyClick(viewport, key)
        assert not np.allclose(camera_of(viewport)[0], before[0])
    QTest.keyClick(viewport, Qt.Key.Key_F)
    assert np.isclose(np.linalg.norm(camera_of(viewport)[0]), np.linalg.norm(framed[0]))


def test_views_and_projection_keep_what_is_looked_at(viewport, sphere):
    viewport.show_object("ball", sphere(centre=(3.0, 4.0, 5.0)), colour="#888888")
    viewport.look("top")
    position, focus, up = camera_of(viewport)
    assert np.allclose((position - focus) / np.linalg.norm(position - focus), (0, 0, 1)) and np.allclose(up, (0, 1, 0))
    rim = np.array([[13.0, 4.0, 5.0]])
    before = viewport.eye.project(rim)[0, :2]
    viewport.set_perspective(False)
    assert viewport.scene.camera.GetParallelProjection()
    assert np.allclose(viewport.eye.project(rim)[0, :2], before, atol=0.5)
    assert viewport.eye.pick(200, 150).position[2] > 14.9
    viewport.set_perspective(True)
    assert np.allclose(camera_of(viewport)[0], position)


def test_framing_one_object_of_two(viewport, sphere):
    viewport.show_object("near", sphere(1.0), colour="#888888")
    viewport.show_object("far", sphere(1.0, centre=(100.0, 0.0, 0.0)), colour="#888888")
    viewport.frame("far")
    assert np.allclose(viewport.eye.project(np.array([100.0, 0.0, 0.0]))[0, :2], (200, 150), atol=1e-6)
    assert viewport.eye.pick(200, 150).name == "far"
    viewport.frame()
    assert np.allclose(viewport.eye.project(np.array([50.0, 0.0, 0.0]))[0, :2], (200, 150), atol=1e-6)


def test_a_frame_around_the_view_shows_keyboard_focus_only(viewport):
    QApplication.sendEvent(viewport, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert viewport.focus_shown
    click(viewport, (5, 5))
    assert not viewport.focus_shown
    QApplication.sendEvent(viewport, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.MouseFocusReason))
    assert not viewport.focus_shown


@pytest.mark.parametrize("parallel", [False, True])
def test_the_camera_is_plain_data_that_brings_the_same_view_back(viewport, sphere, parallel):
    far = np.array([1e6, -2e6, 3e6])
    viewport.show_object("ball", sphere(centre=tuple(far)), colour="#888888")
    viewport.set_perspective(not parallel)
    viewport.eye.orbit(60.0, 25.0)
    viewport.eye.zoom(1.7, (230.0, 130.0))
    kept = viewport.camera()
    points = far + np.random.default_rng(0).normal(size=(20, 3)) * 10
    places = viewport.eye.project(points)
    assert json.loads(json.dumps(asdict(kept)))["parallel"] is parallel
    viewport.set_perspective(parallel)
    viewport.look("top")
    viewport.eye.pan(40.0, 10.0)
    viewport.set_camera(kept)
    assert viewport.camera() == kept and viewport.perspective is not parallel
    assert np.allclose(viewport.eye.project(points), places, atol=1e-5)
    pivot = viewport.eye.project(np.asarray(kept.pivot))[0]
    viewport.eye.orbit(30.0, 0.0)
    assert np.allclose(viewport.eye.project(np.asarray(kept.pivot))[0], pivot, atol=1e-5)  # it still turns about that


@pytest.mark.parametrize(
    "change",
    [{"position": (np.nan, 0.0, 0.0)}, {"up": (0.0, 0.0, 0.0)}, {"scale": 0.0}, {"focal_point": (9.0, 9.0, 9.0)}],
)
def test_a_camera_that_cannot_be_leaves_the_view_as_it_was(viewport, sphere, change):
    viewport.show_object("ball", sphere(), colour="#888888")
    before = viewport.camera()
    viewport.set_camera(replace(before, **({"position": (9.0, 9.0, 9.0)} | change)))
    assert viewport.camera() == before


def test_a_camera_that_was_set_is_not_moved_by_the_first_thing_shown(viewport, sphere):
    view = CameraView((50.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    viewport.set_camera(view)
    viewport.show_object("ball", sphere(centre=(3.0, 4.0, 5.0)), colour="#888888")
    assert viewport.camera().position == pytest.approx(view.position)
