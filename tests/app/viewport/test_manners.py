import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QMainWindow

from app.viewport.create import VARIABLE, create_viewport, qt_opengl
from app.viewport.image import ImageViewport
from engine.geometry.points import Points


def dropped(view, urls):
    data = QMimeData()
    data.setUrls(urls)
    arguments = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(50, 50), *arguments)
    enter.ignore()
    QApplication.sendEvent(view, enter)
    if enter.isAccepted():
        QApplication.sendEvent(view, QDropEvent(QPointF(50, 50), *arguments))
    return enter.isAccepted()


def test_dropped_files_are_told_by_path(viewport, qtbot, tmp_path):
    paths = [tmp_path / "a b.stl", tmp_path / "c.ply"]
    with qtbot.waitSignal(viewport.files_dropped) as drop:
        assert dropped(viewport, [QUrl.fromLocalFile(str(path)) for path in paths])
    assert drop.args == [[str(path) for path in paths]]


def test_a_dropped_web_address_is_refused(viewport):
    assert not dropped(viewport, [QUrl("https://example.org/a.stl")])


def test_it_has_a_name_for_those_who_do_not_see_it(viewport):
    assert viewport.accessibleName() and viewport.accessibleDescription()
    assert viewport.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_shutting_down_twice_and_closing_is_harmless(qtbot, snapshot):
    window = QMainWindow()
    qtbot.addWidget(window)
    view = ImageViewport(window)
    window.setCentralWidget(view)
    window.show()
    view.show_snapshot(snapshot())
    view.shut_down()
    view.shut_down()
    window.repaint()
    window.close()


def test_shutting_down_before_anything_was_shown(qtbot):
    view = ImageViewport()
    qtbot.addWidget(view)
    view.shut_down()
    view.show()
    qtbot.wait(30)
    assert not view.begun


def test_making_it_does_not_yet_import_vtk_and_nothing_imports_the_engines_libraries():
    code = """
import sys
from PySide6.QtWidgets import QApplication
application = QApplication([])
from app.viewport.create import create_viewport
view = create_viewport()
view.set_theme(dark=True)
view.set_tool("brush")
view.set_perspective(False)
assert not any(name.startswith("vtkmodules") for name in sys.modules), "vtk"
view.resize(200, 150)
view.show()
view.picture()
assert "vtkmodules.vtkRenderingCore" in sys.modules
assert not {"torch", "warp", "pyvista"} & set(sys.modules), "heavy"
assert view.scene.camera.GetParallelProjection()
view.shut_down()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
                            env={**__import__("os").environ, "QT_QPA_PLATFORM": "offscreen"})  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_a_picture_has_the_size_asked_for_and_can_be_transparent(viewport, snapshot):
    viewport.show_snapshot(snapshot())
    small, large = viewport.picture(), viewport.picture(scale=2)
    assert (large.width(), large.height()) == (2 * small.width(), 2 * small.height())
    clear = viewport.picture(transparent=True)
    assert clear.pixelColor(390, 10).alpha() == 0
    assert clear.pixelColor(200, 150).alpha() == 255
    assert small.pixelColor(390, 10).alpha() == 255
    again = viewport.picture()
    assert again.size() == small.size() and again == small


def test_what_is_painted_on_the_screen_is_the_picture(viewport, snapshot, qtbot):
    viewport.show_snapshot(snapshot())
    picture = viewport.picture().convertToFormat(QImage.Format.Format_RGB888)

    def apart():
        screen = viewport.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        pairs = [(screen.pixelColor(*at), picture.pixelColor(*at)) for at in ((200, 150), (10, 10), (150, 200))]
        return max(abs(x - y) for a, b in pairs for x, y in zip(a.getRgb(), b.getRgb(), strict=True))

    qtbot.waitUntil(lambda: apart() <= 2)


def test_dark_is_dark_and_light_is_light(viewport):
    viewport.set_theme(dark=True)
    assert viewport.picture().pixelColor(200, 100).lightness() < 80
    viewport.set_theme(dark=False)
    assert viewport.picture().pixelColor(200, 100).lightness() > 200


def test_objects_come_go_and_hide(viewport, sphere, pixels):
    empty = pixels(viewport)
    viewport.show_object("ball", sphere(), colour="#d04040")
    red = pixels(viewport)[150, 200]
    assert red[0] > red[1] + 50
    viewport.set_object_visible("ball", False)
    assert np.abs(pixels(viewport)[:240, 60:] - empty[:240, 60:]).max() == 0
    assert viewport.eye.pick(200, 150) is None
    viewport.set_object_visible("ball", True)
    viewport.show_object("ball", sphere(), colour="#4040d0", opacity=0.5)
    blue = pixels(viewport)[150, 200]
    assert blue[2] > blue[0] + 30
    viewport.remove_object("ball")
    viewport.remove_object("ball")
    assert viewport.scene.renderer.GetActors().GetNumberOfItems() == 1


def test_a_scan_is_drawn_picked_and_thinned_when_huge(viewport, sphere, pixels):
    empty = pixels(viewport)
    mesh = sphere(10.0, 60)
    viewport.show_object("scan", Points(mesh.vertices, mesh.vertices / 10.0), colour="#8a5fb0")
    assert (np.abs(pixels(viewport) - empty).max(axis=2) > 30).sum() > 2_000
    hit = viewport.eye.pick(200, 150)
    assert np.linalg.norm(hit.position) == pytest.approx(10.0, abs=1e-4) and hit.normal.shape == (3,)
    assert np.dot(hit.position, viewport.eye.sight(200, 150)[1]) < 0  # the near side
    positions = np.random.default_rng(0).normal(size=(90_000, 3))
    viewport.show_object("scan", Points(positions), colour="#8a5fb0")
    drawn, there = viewport.scene.thinned()
    assert there == 90_000 and drawn < there


def test_a_scan_steps_back_behind_its_result_and_follows_the_theme(viewport, sphere, pixels):
    mesh = sphere(10.0, 60)
    scan = Points(mesh.vertices, mesh.vertices / 10.0)
    empty = pixels(viewport)
    viewport.show_object("scan", scan, colour="#7f8c99")
    plain = np.abs(pixels(viewport) - empty).sum()
    viewport.show_object("scan", scan, colour="#7f8c99", opacity=0.3)
    assert np.abs(pixels(viewport) - empty).sum() < 0.3 * plain
    assert viewport.scene.objects["scan"].drawn_count <= 4_000 < mesh.vertex_count
    assert viewport.scene.thinned() is None  # nothing is kept from a person: the scan is meant to be faint
    light = viewport.scene.objects["scan"].drawn.actor.GetProperty().GetColor()
    viewport.set_theme(dark=True)
    dark = viewport.scene.objects["scan"].drawn.actor.GetProperty().GetColor()
    assert max(dark) < min(light)


def test_a_mesh_steps_back_behind_its_result_wherever_the_two_lie(viewport, sphere, snapshot, pixels):
    viewport.show_snapshot(snapshot(radius=10.0))
    alone = pixels(viewport)
    # Just outside the result, and just inside: as they meet, neither may be drawn into the other.
    for radius in (10.3, 9.9):
        viewport.show_object("input", sphere(radius), colour="#7f8c99", opacity=0.3)
        assert np.abs(pixels(viewport)[100:200, 150:250] - alone[100:200, 150:250]).max() == 0
        assert viewport.eye.pick(200, 150).name == "result"
    viewport.show_object("input", sphere(14.0), colour="#7f8c99", opacity=0.3)
    changed = np.abs(pixels(viewport) - alone).max(axis=2)
    assert (changed > 8).sum() > 2_000 and changed[100:200, 150:250].max() == 0  # only beside the result
    viewport.set_object_visible("input", False)
    assert np.abs(pixels(viewport) - alone).max() == 0


def test_the_first_content_is_told_once(qtbot, sphere):
    view = ImageViewport()
    qtbot.addWidget(view, before_close_func=lambda widget: widget.shut_down())
    told = []
    view.content_shown.connect(lambda: told.append(1))
    view.show()
    qtbot.waitUntil(lambda: view.begun)
    qtbot.wait(100)
    assert not told
    view.show_object("ball", sphere(5.0), colour="#808080")
    qtbot.waitUntil(lambda: bool(told))
    view.show_object("ring", sphere(6.0), colour="#808080")
    qtbot.wait(100)
    assert told == [1]


def test_a_place_is_shown_in_the_middle_and_near(viewport, sphere):
    viewport.show_object("ball", sphere(10.0), colour="#808080")
    before = viewport.scene.camera.GetDistance()
    viewport.show_place((0.0, -10.0, 0.0))
    ((x, y, depth),) = viewport.eye.project(np.array([0.0, -10.0, 0.0]))
    assert (x, y) == pytest.approx((200.0, 150.0), abs=1.0) and depth > 0
    assert viewport.scene.camera.GetDistance() < 0.5 * before


def test_the_environment_forces_a_back_end_and_no_opengl_means_the_image(qtbot, monkeypatch):
    monkeypatch.setenv(VARIABLE, "image")
    view = create_viewport()
    qtbot.addWidget(view)
    assert isinstance(view, ImageViewport)
    if qt_opengl() == "none":
        monkeypatch.setenv(VARIABLE, "native")
        view = create_viewport()
        qtbot.addWidget(view)
        assert isinstance(view, ImageViewport)
