import numpy as np
import pytest
from mouse import click, drag, hover
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.document.placement import Placement
from app.document.project import Measurement
from app.viewport.tools.measure import measure
from engine.geometry.points import Points


@pytest.fixture
def measuring(viewport, snapshot):
    viewport.show_snapshot(snapshot(10.0, 60))
    viewport.look("front")
    viewport.set_tool("measure")
    told = []
    viewport.measured.connect(lambda *args: told.append(args))
    return told


def test_two_clicks_measure_a_distance(viewport, measuring):
    first, second = viewport.eye.pick(170, 150).position, viewport.eye.pick(230, 150).position
    click(viewport, (170, 150))
    assert not measuring
    hover(viewport, (200, 150))
    assert viewport.state.measure_to is not None
    click(viewport, (230, 150))
    ((kind, points, value),) = measuring
    assert kind == "distance" and value == pytest.approx(np.linalg.norm(first - second))
    assert np.array(points) == pytest.approx(np.stack([first, second]))
    assert not viewport.state.measure  # the next click begins anew


def test_three_clicks_measure_the_angle_at_the_second(viewport, measuring):
    viewport.set_measure_kind("angle")
    places = [(150, 150), (200, 100), (250, 150)]
    points = [viewport.eye.pick(*place).position for place in places]
    for place in places:
        click(viewport, place)
    ((kind, told, value),) = measuring
    one, other = points[0] - points[1], points[2] - points[1]
    cosine = np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
    assert kind == "angle" and np.array(told) == pytest.approx(np.stack(points))
    assert value == pytest.approx(np.degrees(np.arccos(cosine)))


def test_one_click_measures_the_thickness_of_the_wall(viewport, measuring):
    viewport.set_measure_kind("thickness")
    click(viewport, (200, 150))
    ((kind, points, value),) = measuring
    assert kind == "thickness" and value == pytest.approx(20.0, rel=0.01)  # through the middle of the ball
    assert points[0][1] == pytest.approx(-10.0, abs=0.1) and points[1][1] == pytest.approx(10.0, abs=0.1)


def test_thickness_of_a_placed_mesh_is_in_world_millimetres(viewport, sphere):
    viewport.show_object("ball", sphere(10.0, 60), colour="#888888", placement=Placement(scale=(1.0, 0.3, 1.0)))
    viewport.look("front")
    viewport.set_tool("measure")
    viewport.set_measure_kind("thickness")
    told = []
    viewport.measured.connect(lambda *args: told.append(args))
    click(viewport, (200, 150))
    assert told[0][2] == pytest.approx(6.0, rel=0.01)


def test_a_scan_has_no_walls_and_the_view_says_so(viewport, sphere):
    viewport.show_object("scan", Points(sphere(10.0, 60).vertices), colour="#888888")
    viewport.set_tool("measure")
    viewport.set_measure_kind("thickness")
    told = []
    viewport.measured.connect(lambda *args: told.append(args))
    click(viewport, (200, 150))
    assert not told and viewport.state.hint and not viewport.state.measure


def test_escape_first_drops_the_points_and_then_leaves_the_tool(viewport, measuring):
    click(viewport, (170, 150))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert not viewport.state.measure and viewport.state.tool == "measure"
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert viewport.state.tool == "navigate"


def test_a_drag_turns_the_view_and_measures_nothing(viewport, measuring):
    before = viewport.camera()
    drag(viewport, (200, 150), (240, 160))
    assert viewport.camera() != before and not viewport.state.measure


def test_dimensions_stay_until_they_are_taken_away(viewport, measuring):
    plain = viewport.picture()
    taken = [
        Measurement("distance", ((-8.0, -6.0, 0.0), (8.0, -6.0, 0.0)), 16.0),
        Measurement("angle", ((8.0, -6.0, 0.0), (0.0, -6.0, 0.0), (0.0, -6.0, 8.0)), 90.0),
        Measurement("thickness", ((0.0, -10.0, -3.0), (0.0, 10.0, -3.0)), 20.0),
    ]
    shown = []
    for count in range(1, 4):
        viewport.set_measurements(taken[:count])
        shown.append(viewport.picture())
    assert plain != shown[0] != shown[1] != shown[2]
    viewport.set_tool("navigate")
    viewport.set_measurements([])
    assert viewport.picture() == plain


@pytest.mark.parametrize("degrees", [1e-4, 30.0, 90.0, 179.9999])
def test_angles_are_exact_however_small_or_straight(degrees):
    turn = np.radians(degrees)
    points = [np.array([2.0, 0, 0]), np.zeros(3), np.array([5 * np.cos(turn), 5 * np.sin(turn), 0])]
    assert measure(points) == pytest.approx(degrees, rel=1e-9)
