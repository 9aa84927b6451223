"""Meshes in colour: the right triangle and the right value at every pixel, and what the mouse does."""

from __future__ import annotations

from typing import Any

import mouse
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from tests_app_fakes import ball, pixels

from app.panels.colour_scale import ColourBar, ColourScale
from app.panels.field_picture import still
from app.panels.field_raster import rasterize
from app.panels.field_view import FieldView

SQUARE = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 20.0], [0.0, 20.0]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_every_pixel_of_a_mesh_belongs_to_the_triangle_that_it_lies_in() -> None:
    raster = rasterize(SQUARE + 5.0, HALVES, 60, 40)
    assert np.count_nonzero(raster.faces >= 0) == 40 * 20
    assert raster.faces[6, 40] == 0 and raster.faces[23, 7] == 1 and raster.faces[3, 3] == -1


def test_a_linear_field_is_exact_between_the_nodes() -> None:
    places = SQUARE + 5.0
    values = 3.0 * places[:, 0] - 2.0 * places[:, 1] + 1.0
    found = rasterize(places, HALVES, 60, 40).interpolate(values, HALVES)
    y, x = np.nonzero(np.isfinite(found))
    assert np.allclose(found[y, x], 3.0 * (x + 0.5) - 2.0 * (y + 0.5) + 1.0)


def test_what_is_nearer_hides_what_is_behind_whatever_the_order() -> None:
    near = np.column_stack([SQUARE, np.full(4, 2.0)])
    far = np.column_stack([SQUARE, np.full(4, 1.0)])
    for first, second, seen in ((near, far, 0), (far, near, 2)):
        raster = rasterize(np.concatenate([first, second]), np.concatenate([HALVES, HALVES + 4]), 40, 20)
        assert set(np.unique(raster.faces)) == {seen, seen + 1}


def test_a_triangle_without_area_or_far_outside_is_no_trouble() -> None:
    flat = np.array([[0.0, 0.0], [5.0, 5.0], [9.0, 9.0]])
    assert (rasterize(flat, np.array([[0, 1, 2]]), 20, 20).faces == -1).all()
    assert (rasterize(SQUARE + 1e6, HALVES, 20, 20).faces == -1).all()


def test_a_field_with_both_signs_has_its_grey_at_zero() -> None:
    scale = ColourScale.over(-10.0, 30.0)
    assert (scale.low, scale.high, scale.diverging) == (-30.0, 30.0, True)
    red, green, blue = map(int, scale.colours(np.zeros(1))[0])
    assert max(red, green, blue) - min(red, green, blue) < 8
    assert not ColourScale.over(-0.1, 30.0).diverging, "a trace below zero is none"


def test_the_bar_says_where_values_lie_beyond_its_ends(qtbot: Any) -> None:
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.show_scale(ColourScale.over(0.0, 10.0, lowest=0.0, highest=12.0), "MPa")
    assert bar.accessibleDescription() == "0, 5, ≥ 10 MPa"


@pytest.fixture
def view(qtbot: Any) -> FieldView:
    view = FieldView("Field")
    qtbot.addWidget(view)
    view.resize(300, 200)
    view.show()
    view.show_mesh(SQUARE, HALVES)
    view.show_values(np.array([0.0, 1.0, 1.0, 0.0]), ColourScale(0.0, 1.0))
    return view


def test_the_pointer_finds_the_node_that_is_nearest_and_no_other(view: FieldView) -> None:
    heard: list[int] = []
    view.hovered.connect(heard.append)
    for node in range(4):
        inside = view.place_of(node) * 0.9 + QPointF(150, 100) * 0.1
        mouse.hover(view, (inside.x(), inside.y()))
    mouse.hover(view, (2.0, 2.0))
    assert heard == [0, 1, 2, 3, -1]


def test_colours_go_from_one_end_of_the_map_to_the_other(view: FieldView) -> None:
    seen = pixels(view.picture())
    ratio = seen.shape[1] / view.width()
    left, right = (seen[seen.shape[0] // 2, round(x * ratio), :3] for x in (20, 280))
    ends = ColourScale(0.0, 1.0).colours(np.array([0.02, 0.98]))
    assert np.abs(left.astype(int) - ends[0]).max() < 12 and np.abs(right.astype(int) - ends[1]).max() < 12


def test_enlarging_keeps_what_is_under_the_pointer_and_a_drag_moves_it(view: FieldView) -> None:
    view.setFocus()
    corner = view.place_of(2)
    view._zoom_by(3.0, corner)
    assert (view.place_of(2) - corner).manhattanLength() < 1e-6
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.mouseMove(view, QPoint(130, 90))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(130, 90))
    assert (view.place_of(2) - corner - QPointF(30, -10)).manhattanLength() < 1e-6
    QTest.keyClick(view, Qt.Key.Key_0)
    assert (view.place_of(2) - corner).manhattanLength() < 1e-6


def test_a_surface_in_space_turns_and_its_picture_is_no_blank(qtbot: Any) -> None:
    vertices, triangles = ball(10.0)
    view = FieldView("Field")
    qtbot.addWidget(view)
    view.resize(200, 200)
    view.show()
    view.show_mesh(vertices, triangles)
    view.show_values(vertices[:, 2], ColourScale.over(-10.0, 10.0))
    before = pixels(view.picture())
    share = np.count_nonzero(before[..., 3]) / before[..., 3].size
    assert 0.1 < share < np.pi / 4
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.mouseMove(view, QPoint(100, 180))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 180))
    after = pixels(view.picture())
    assert before.shape != after.shape or not np.array_equal(before, after)


def test_a_small_picture_has_the_size_that_was_asked_for() -> None:
    from PySide6.QtCore import QSize

    picture = still(SQUARE, HALVES, None, ColourScale(0.0, 1.0), QSize(54, 40))
    assert isinstance(picture, QImage) and (picture.width(), picture.height()) == (54, 40)
    assert 0.4 < np.count_nonzero(pixels(picture)[..., 3]) / (54 * 40) < 1.0
