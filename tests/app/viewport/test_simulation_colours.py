"""What a simulation's Snapshots look like: bodies in their colours, values on the vertices, bodies left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.viewport.colours import map_sequential, rgb, sequential_table
from app.viewport.image import ImageViewport
from app.viewport.shades import shade_of
from engine.io.motion.motion import GROUND_COLOUR, body_colour
from engine.protocol.snapshot import Snapshot

Pixels = Callable[..., np.ndarray]


def two_sheets() -> Snapshot:
    """Two squares side by side in the plane z = 0, seen from above: the left one is body 0, the right one body 1."""
    square = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [10.0, 10.0, 0.0], [0.0, 10.0, 0.0]], np.float32)
    vertices = np.concatenate([square, square + np.float32([12.0, 0.0, 0.0])])
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    arrays = {
        "vertices": vertices,
        "triangles": triangles,
        "body": np.repeat(np.arange(2, dtype=np.int32), 4),
        "strain": np.array([0, 0.1, 0.1, 0, 0, 0.2, 0.2, 0], np.float32),
        "friction": np.array([0, 0, 0, 0, 2, 2, 2, 2], np.float32),
        "contact_pressure": np.array([5.0] * 4 + [np.nan] * 4, np.float32),
    }
    return Snapshot(1, 3, 100, "paused", 1, (0.0, 0.0, 0.0), arrays, {}, {"bodies": ["left", "right"], "time": 0.3})


def seen(view: ImageViewport, pixels: Pixels, place: tuple[float, float, float]) -> np.ndarray:
    """The colour (3,) in [0, 1] at a position, without its brightness."""
    picture = pixels(view)
    x, y, _ = view.eye.project(np.asarray(place))[0]
    colour = picture[round(y * picture.shape[0] / view.height()), round(x * picture.shape[1] / view.width())]
    return colour / max(colour.max(), 1)


def hue(colour: str) -> np.ndarray:
    return np.array(rgb(colour)) / max(rgb(colour))


@pytest.fixture
def sheets(viewport: ImageViewport) -> ImageViewport:
    viewport.look("top")
    viewport.show_snapshot(two_sheets())
    viewport.look("top")
    viewport.frame()
    return viewport


LEFT, RIGHT = (3.0, 6.0, 0.0), (15.0, 6.0, 0.0)


def test_a_body_with_a_colour_of_its_own_has_that(sheets: ImageViewport, pixels: Pixels) -> None:
    before = two_sheets()
    sheets.show_snapshot(replace(before, iteration=4, info={**before.info, "colours": ["", GROUND_COLOUR]}))
    np.testing.assert_allclose(seen(sheets, pixels, LEFT), hue(body_colour(0)), atol=0.06)
    np.testing.assert_allclose(seen(sheets, pixels, RIGHT), hue(GROUND_COLOUR), atol=0.06)


def test_whoever_frames_everything_means_what_stands_on_the_ground(sheets: ImageViewport) -> None:
    sheets.set_ground(frozenset({"right"}))
    sheets.frame()
    left, middle = sheets.eye.project(np.array([[0.0, 5.0, 0.0], [5.0, 5.0, 0.0]]))[:, 0]
    assert middle == pytest.approx(sheets.width() / 2, abs=1.0), "of the left sheet alone"
    sheets.set_ground(frozenset({"left", "right"}))
    sheets.frame()
    assert sheets.eye.project(np.array([[5.0, 5.0, 0.0]]))[0, 0] < middle - 10.0, "nothing but ground is framed itself"
    assert left < middle


def test_each_body_has_its_colour(sheets: ImageViewport, pixels: Pixels) -> None:
    np.testing.assert_allclose(seen(sheets, pixels, LEFT), hue(body_colour(0)), atol=0.06)
    np.testing.assert_allclose(seen(sheets, pixels, RIGHT), hue(body_colour(1)), atol=0.06)


def test_a_sheet_is_seen_from_behind(sheets: ImageViewport, pixels: Pixels) -> None:
    sheets.look("bottom")
    np.testing.assert_allclose(seen(sheets, pixels, LEFT), hue(body_colour(0)), atol=0.06)


def test_hidden_bodies_are_neither_drawn_nor_picked(sheets: ImageViewport, pixels: Pixels) -> None:
    x, y, _ = sheets.eye.project(np.asarray(RIGHT))[0]
    assert sheets.eye.pick_surface(x, y) is not None
    sheets.hide_bodies(frozenset({"right"}))
    assert sheets.eye.pick_surface(x, y) is None
    assert np.ptp(seen(sheets, pixels, RIGHT)) < 0.05, "the grey of the background"
    np.testing.assert_allclose(seen(sheets, pixels, LEFT), hue(body_colour(0)), atol=0.06)
    sheets.show_snapshot(replace(two_sheets(), iteration=4))
    assert sheets.eye.pick_surface(x, y) is None, "also in the next Snapshot"
    sheets.hide_bodies(frozenset())
    assert sheets.eye.pick_surface(x, y) is not None


def test_values_begin_at_zero_and_can_be_locked(sheets: ImageViewport) -> None:
    assert sorted(sheets.value_names) == ["contact_pressure", "friction", "strain"]
    sheets.set_colouring("strain")
    low, high = sheets.colour_range
    assert low == 0.0 and high == pytest.approx(0.2, rel=0.05)
    sheets.set_colouring("strain", locked_range=(0.0, 1.0))
    assert sheets.colour_range == (0.0, 1.0)
    assert shade_of("bending_energy").unit == "J/m²" and shade_of("contact_pressure").unit == "Pa"


def test_friction_is_told_apart_by_category(sheets: ImageViewport, pixels: Pixels) -> None:
    sheets.set_colouring("friction")
    shade = shade_of("friction")
    np.testing.assert_allclose(seen(sheets, pixels, RIGHT), hue(shade.categories[2][1]), atol=0.06)
    np.testing.assert_allclose(seen(sheets, pixels, LEFT), hue(shade.categories[0][1]), atol=0.06)


def test_what_has_no_value_keeps_the_colour_of_its_body(sheets: ImageViewport, pixels: Pixels) -> None:
    sheets.set_colouring("contact_pressure")
    np.testing.assert_allclose(seen(sheets, pixels, RIGHT), hue(body_colour(1)), atol=0.06)
    assert not np.allclose(seen(sheets, pixels, LEFT), hue(body_colour(0)), atol=0.06)


def test_the_sequential_map_is_as_much_lighter_at_every_step() -> None:
    table = sequential_table(64).astype(float)
    light = table @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0.5).all()
    ends = map_sequential(np.array([2.0, 4.0, 9.0, np.nan]), (2.0, 4.0), sequential_table(3))
    np.testing.assert_array_equal(ends, sequential_table(3)[[0, 2, 2, 0]])
