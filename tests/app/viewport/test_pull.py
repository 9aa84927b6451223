"""The pull tool under the mouse: a press takes the nearest vertex, a drag pulls it in the plane of the view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mouse
import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest

from app.viewport.image import ImageViewport
from app.viewport.overlay.ink import label_box
from app.viewport.overlay.pulling import pull_label
from engine.protocol.snapshot import Snapshot


def two_sheets() -> Snapshot:
    """Two squares in the plane z = 0; of "right" the vertices are 4 to 7."""
    square = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [10.0, 10.0, 0.0], [0.0, 10.0, 0.0]], np.float32)
    arrays = {
        "vertices": np.concatenate([square, square + np.float32([12.0, 0.0, 0.0])]),
        "triangles": np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32),
        "body": np.repeat(np.arange(2, dtype=np.int32), 4),
    }
    return Snapshot(1, 3, 100, "running", 1, (100.0, 0.0, 0.0), arrays, {}, {"bodies": ["left", "right"]})


@pytest.fixture
def view(viewport: ImageViewport) -> ImageViewport:
    viewport.show_snapshot(two_sheets())
    viewport.look("top")
    viewport.frame()
    viewport.set_tool("pull")
    viewport.told: list[Any] = []  # type: ignore[attr-defined]
    viewport.pulled.connect(lambda *told: viewport.told.append(told))  # type: ignore[attr-defined]
    return viewport


def pixel(view: ImageViewport, place: tuple[float, float, float]) -> mouse.Pixel:
    x, y, _ = view.eye.project(np.asarray(place, np.float64))[0]
    return round(x), round(y)


def test_a_drag_pulls_the_nearest_vertex_of_its_body_in_the_plane_of_the_view(view: ImageViewport) -> None:
    mouse.press(view, pixel(view, (121.0, 9.0, 0.0)))
    assert view.told == [], "a press alone pulls nothing"
    mouse.move(view, pixel(view, (124.0, 13.0, 0.0)))
    body, vertex, target = view.told[-1]
    assert (body, vertex) == ("right", 2)
    np.testing.assert_allclose(target, (125.0, 14.0, 0.0), atol=0.15)
    assert view.state.pull is not None
    mouse.release(view, pixel(view, (124.0, 13.0, 0.0)))
    assert view.told[-1] == ("right", 2, None) and view.state.pull is None


def test_the_line_begins_where_the_vertex_has_come(view: ImageViewport) -> None:
    mouse.press(view, pixel(view, (121.0, 9.0, 0.0)))
    mouse.move(view, pixel(view, (124.0, 13.0, 0.0)))
    before = two_sheets()
    moved = before.arrays["vertices"].copy()
    moved[6] += np.float32([0.0, 3.0, 1.0])
    view.show_snapshot(replace(before, iteration=4, arrays={**before.arrays, "vertices": moved}))
    assert view.snapshot is not None
    held, _ = view.state.pull  # type: ignore[misc]
    np.testing.assert_allclose(view.scene.surface.position_of(held), (122.0, 13.0, 1.0))


def test_escape_lets_go(view: ImageViewport) -> None:
    mouse.press(view, pixel(view, (103.0, 3.0, 0.0)))
    mouse.move(view, pixel(view, (103.0, 5.0, 0.0)))
    assert view.told[-1][:2] == ("left", 0)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.told[-1] == ("left", 0, None) and view.state.pull is None
    count = len(view.told)
    mouse.move(view, pixel(view, (106.0, 5.0, 0.0)))
    assert len(view.told) == count and view.state.tool == "pull"


def test_beside_all_bodies_the_view_turns_and_hidden_ones_are_not_there(view: ImageViewport) -> None:
    view.hide_bodies(frozenset({"right"}))
    before = view.camera().position
    mouse.press(view, pixel(view, (118.0, 5.0, 0.0)))
    mouse.move(view, pixel(view, (121.0, 9.0, 0.0)))
    mouse.release(view, pixel(view, (121.0, 9.0, 0.0)))
    assert view.told == [] and view.camera().position != before


def test_what_is_refused_draws_no_line_and_says_why_at_the_pointer(view: ImageViewport) -> None:
    view.pulled.connect(lambda body, vertex, target: target and view.refuse_pull(f"{body} stands still"))
    mouse.press(view, pixel(view, (121.0, 9.0, 0.0)))
    mouse.move(view, pixel(view, (124.0, 13.0, 0.0)))
    assert view.state.pull is None and view.state.hint == "right stands still"
    mouse.release(view, pixel(view, (124.0, 13.0, 0.0)))
    assert view.told[-1] == ("right", 2, None) and view.state.hint == ""


def test_labels_near_the_border_are_moved_into_the_view_and_those_beyond_it_are_not(view: ImageViewport) -> None:
    inside, metrics = QRectF(view.rect()), QFontMetricsF(view.font())
    width, height = inside.width(), inside.height()
    words = "the table moves as its motion says"
    for corner in ((0.5 * width, 0.5 * height), (width - 20.0, 0.5 * height), (20.0, 5.0), (20.0, height - 1.0)):
        box = label_box(QPointF(*corner), words, metrics, inside)
        assert inside.contains(box), f"all of the label at {corner} is seen"
    free = label_box(QPointF(40.0, 60.0), words, metrics, inside)
    assert (free.left(), free.top()) == (40.0, 60.0 - metrics.height()), "what has room stays"
    assert label_box(QPointF(width + 50.0, 60.0), words, metrics, inside).left() == width + 50.0


def test_the_label_says_the_force_of_the_spring_once_the_run_has_felt_it(view: ImageViewport) -> None:
    mouse.press(view, pixel(view, (121.0, 9.0, 0.0)))
    x, y = pixel(view, (121.0, 9.0, 0.0))
    mouse.move(view, (x + 40, y))
    before = two_sheets()
    view.show_snapshot(before)
    assert "N" not in pull_label(view)
    view.show_snapshot(replace(before, iteration=4, info={**before.info, "pull_stiffness": {"mouse": 20.0}}))
    view.scene.take()
    assert view.state.pull is not None
    held, target = view.state.pull
    apart = float(np.linalg.norm(target - view.scene.surface.position_of(held)))
    number, unit = pull_label(view).split()[-2:]
    assert unit == "N" and float(number) == pytest.approx(20.0 * 1e-3 * apart, rel=0.05)
