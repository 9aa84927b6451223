"""Making a scene with the mouse: outlines on the ground, creases on a sheet, pins under a brush."""

import numpy as np
import pytest
from mouse import SHIFT, click, drag, hover, move, press, release
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.viewport.records import MarkView
from app.viewport.tools.staging import simplified
from engine.geometry.mesh import Mesh
from engine.geometry.sheets import regular_sheet


@pytest.fixture
def sheet(viewport):
    """The viewport over a sheet of 100 mm on the ground."""
    vertices, triangles = regular_sheet(100.0, 100.0, 10, 10)
    viewport.show_object("body:Sheet", Mesh(vertices, triangles), colour="#888888")
    viewport.look("top")
    viewport.frame()
    return viewport


def pixel(view, place):
    return tuple(view.eye.project(np.array([place], np.float64))[0, :2])


def test_clicks_on_the_ground_draw_an_outline_that_its_first_point_closes(viewport):
    told = []
    viewport.outline_drawn.connect(told.append)
    viewport.set_tool("outline")
    viewport.look_at_ground(150.0)
    corners = [(-60.0, -40.0, 0.0), (60.0, -40.0, 0.0), (60.0, 50.0, 0.0)]
    for corner in corners:
        click(viewport, pixel(viewport, corner))
    hover(viewport, pixel(viewport, (0.0, 50.0, 0.0)))
    assert not told and not viewport.state.polyline_closes
    hover(viewport, pixel(viewport, corners[0]))
    assert viewport.state.polyline_closes
    click(viewport, pixel(viewport, corners[0]))
    (drawn,) = told
    assert np.array(drawn) == pytest.approx(np.array(corners), abs=1.0)
    assert not viewport.state.corners


def test_return_closes_an_outline_and_escape_forgets_it(viewport):
    told = []
    viewport.outline_drawn.connect(told.append)
    viewport.set_tool("outline")
    viewport.look_at_ground(150.0)
    for corner in ((-60.0, -40.0, 0.0), (60.0, -40.0, 0.0), (60.0, 50.0, 0.0)):
        click(viewport, pixel(viewport, corner))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert not viewport.state.corners and viewport.state.tool == "outline"
    for corner in ((-60.0, -40.0, 0.0), (60.0, -40.0, 0.0), (60.0, 50.0, 0.0)):
        click(viewport, pixel(viewport, corner))
    QTest.keyClick(viewport, Qt.Key.Key_Return)
    assert len(told) == 1 and len(told[0]) == 3


def test_a_drag_over_a_sheet_is_a_crease_and_escape_takes_it_back(sheet):
    told = []
    sheet.crease_drawn.connect(lambda *arguments: told.append(arguments))
    sheet.set_tool("crease")
    start, end = pixel(sheet, (-30.0, -20.0, 0.0)), pixel(sheet, (30.0, 20.0, 0.0))
    press(sheet, start)
    move(sheet, end)
    assert sheet.state.polyline is not None
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    release(sheet, end)
    assert not told and sheet.state.polyline is None
    drag(sheet, start, end)
    ((name, line),) = told
    assert name == "Sheet" and len(line) == 2  # straight, so its ends are enough
    assert np.array(line) == pytest.approx(np.array([(-30.0, -20.0, 0.0), (30.0, 20.0, 0.0)]), abs=1.0)
    click(sheet, start)
    assert len(told) == 1


def test_a_line_keeps_its_corners():
    line = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 2, 0]], np.float64)
    assert simplified(line).tolist() == [[0, 0, 0], [2, 0, 0], [2, 2, 0]]


def test_the_brush_tells_its_stamps_and_shift_lets_go(sheet):
    told = []
    sheet.pin_painted.connect(lambda *arguments: told.append(arguments))
    sheet.set_tool("pin")
    sheet.set_brush_radius(5.0)
    start, end = pixel(sheet, (-30.0, 0.0, 0.0)), pixel(sheet, (30.0, 0.0, 0.0))
    drag(sheet, start, end)
    stamps = np.array([stamp for _, each, _, _, _ in told for stamp in each])
    assert {name for name, *_ in told} == {"Sheet"} and all(add for *_, add, _ in told)
    assert [ended for *_, ended in told] == [*[False] * (len(told) - 1), True]
    assert np.diff(np.sort(stamps[:, 0])).max() < 5.0 and np.abs(stamps[:, 1]).max() < 1.0
    told.clear()
    drag(sheet, start, end, SHIFT)
    assert not any(add for *_, add, _ in told)


def test_over_what_is_no_body_of_the_set_up_a_hint_says_what_to_do(viewport, snapshot):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("pin")
    told = []
    viewport.pin_painted.connect(lambda *arguments: told.append(arguments))
    click(viewport, (viewport.width() / 2, viewport.height() / 2))
    assert not told and "set-up" in viewport.state.hint


def test_pins_and_creases_are_painted_with_a_legend(sheet):
    def painted():
        image = sheet.picture(scale=1.0)
        return sum(image.pixelColor(x, y).name() == "#d55e00" for x in range(image.width()) for y in range(40))

    before = painted()
    held = np.array([[-50.0, -50.0, 0.0], [50.0, -50.0, 0.0]])
    sheet.set_marks([MarkView("pin", held, "#d55e00", "Held")])
    assert painted() > before  # the dot in the legend, at the top
