"""Arrows and planes of Terms: what a drag of them tells."""

from __future__ import annotations

import numpy as np
import pytest
from mouse import CTRL, move, press, release
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.viewport.records import PlacedView
from app.viewport.tools.placed import placed_grips


@pytest.fixture
def told(viewport):
    heard: list[tuple] = []
    viewport.term_placed.connect(lambda *said: heard.append(said))
    return heard


def grip_pixel(viewport, part: str) -> tuple[int, int]:
    grip = next(grip for grip in placed_grips(viewport) if grip.part == part)
    x, y = viewport.eye.project(grip.place)[0, :2].round().astype(int)
    return int(x), int(y)


def test_an_arrow_turns_to_where_it_is_dragged(viewport, snapshot, told):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    viewport.set_placed([PlacedView("up", "Overhang", (0.0, 0.0, 1.0))])
    x, y = grip_pixel(viewport, "tip")
    press(viewport, (x, y))
    move(viewport, (x + 30, y + 10))
    release(viewport, (x + 60, y + 20))
    names, parameters, values, ended = zip(*told, strict=True)
    assert set(names) == {"up"} and set(parameters) == {"direction"} and ended == (False, True)
    direction = np.array(values[-1])
    assert np.linalg.norm(direction) == pytest.approx(1.0)
    viewport.set_placed([PlacedView("up", "Overhang", values[-1])])
    assert grip_pixel(viewport, "tip") == pytest.approx((x + 60, y + 20), abs=2)


def test_with_ctrl_an_arrow_stays_on_an_axis(viewport, snapshot, told):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    viewport.set_placed([PlacedView("up", "Overhang", (0.1, 0.0, 1.0))])
    x, y = grip_pixel(viewport, "tip")
    press(viewport, (x, y), CTRL)
    move(viewport, (x + 15, y), CTRL)
    release(viewport, (x + 15, y), CTRL)
    assert told[-1][2] == (0.0, 0.0, 1.0)


def test_a_plane_moves_along_its_normal_and_escape_puts_it_back(viewport, snapshot, told):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    viewport.set_placed([PlacedView("mirror", "Symmetry", (1.0, 0.0, 0.0), (2.0, 7.0, 9.0))])
    x, y = grip_pixel(viewport, "middle")
    press(viewport, (x, y))
    move(viewport, (x + 20, y + 20))
    name, parameter, place, ended = told[-1]
    assert (name, parameter, ended) == ("mirror", "point", False)
    assert place[0] == pytest.approx(2.0 + 20 * viewport.eye.pixel_size(np.array(place)), rel=0.05)
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, (x + 20, y + 20))
    assert told[-1] == ("mirror", "point", (2.0, 7.0, 9.0), True)


def test_the_normal_of_a_plane_turns(viewport, snapshot, told):
    viewport.show_snapshot(snapshot())
    viewport.look("isometric")
    viewport.set_placed([PlacedView("mirror", "Symmetry", (1.0, 0.0, 0.0), (0.0, 0.0, 0.0))])
    x, y = grip_pixel(viewport, "tip")
    press(viewport, (x, y))
    release(viewport, (x, y))
    assert not told, "a click turns nothing"
    press(viewport, (x, y))
    move(viewport, (x - 10, y - 30))
    release(viewport, (x - 10, y - 30))
    assert told[-1][1] == "normal" and told[-1][2][2] > 0.1


def test_the_pointer_over_a_grip_is_seen_and_the_rest_turns_the_view(viewport, snapshot, told):
    viewport.show_snapshot(snapshot())
    viewport.set_placed([PlacedView("up", "Overhang", (0.0, 0.0, 1.0))])
    x, y = grip_pixel(viewport, "tip")
    move(viewport, (x, y))
    assert viewport.state.grip == "tip of up"
    move(viewport, (x + 40, y + 5))
    assert viewport.state.grip == ""
    before = viewport.scene.camera.GetPosition()
    press(viewport, (x + 40, y + 5))
    move(viewport, (x + 60, y + 5))
    release(viewport, (x + 60, y + 5))
    assert not told and viewport.scene.camera.GetPosition() != before
