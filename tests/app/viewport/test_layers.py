"""What a regression model predicts, on the surface: its colours, its bands under the pointer, probes and arrows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mouse import click, drag, hover
from PySide6.QtTest import QTest

from app.viewport.image import ImageViewport
from app.viewport.overlay.probes import spread_over
from app.viewport.records import ProbeView
from app.viewport.shades import shade_of
from engine.protocol.layers import BAND, DESCENT, DIFFERENCE, FIELD, RESIDUAL, TRUTH, parts_of
from engine.protocol.snapshot import Snapshot

Pixels = Callable[..., np.ndarray]


def plate(count: int = 21, state: str = "paused") -> Snapshot:
    """A flat plate of 20 x 20 mm; its stress rises from 300 MPa at the left to 310 MPa at the right."""
    x, y = np.meshgrid(np.linspace(-10.0, 10.0, count), np.linspace(-10.0, 10.0, count), indexing="xy")
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(count * count)], axis=1).astype(np.float32)
    index = np.arange(count * count).reshape(count, count)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.concatenate([np.stack(each, -1).reshape(-1, 3) for each in ((a, b, c), (a, c, d))])
    stress = (305.0 + 0.5 * vertices[:, 0]).astype(np.float32)
    arrays = {
        "vertices": vertices, "triangles": triangles.astype(np.int32), FIELD + "stress": stress,
        BAND + "stress": np.full_like(stress, 2.5), RESIDUAL: np.abs(vertices[:, 1]), "sensitivity": vertices[:, 0],
        DESCENT: np.stack([0.0 * stress, 1.0 + 0.0 * stress, 0.0 * stress], axis=1),
    }  # fmt: skip
    info = {"fields": {"stress": "MPa"}}
    return Snapshot(1, 3, 100, state, 1, (0.0, 0.0, 0.0), arrays, {}, info)  # type: ignore[arg-type]


@pytest.fixture
def view(viewport: ImageViewport) -> ImageViewport:
    viewport.show_snapshot(plate())
    viewport.look("top")
    viewport.frame()
    viewport.set_colouring(FIELD + "stress")
    return viewport


def test_names_of_layers() -> None:
    assert parts_of("field:von Mises: z") == (FIELD, "von Mises: z")
    assert parts_of("sensitivity") == ("", "sensitivity")


def test_layers_have_the_unit_of_their_field_and_a_map_of_their_own() -> None:
    units = {"u": "mm"}
    assert shade_of(FIELD + "u", np.array([1.0, 2.0]), units).unit == "mm"
    assert shade_of(FIELD + "u", np.array([1.0, 2.0]), units).map == "sequential"
    assert shade_of(FIELD + "u", np.array([-1.0, 2.0, np.nan]), units).map == "diverging"
    assert shade_of(FIELD + "u", np.array([-0.01, 2.0]), units).map == "sequential", "an overshoot is no second sign"
    assert shade_of(DIFFERENCE + "u", np.array([1.0]), units).map == "diverging"
    assert shade_of(BAND + "u").map == shade_of(RESIDUAL).map == "sequential"
    assert shade_of(TRUTH + "u", np.array([1.0]), units).title != shade_of(FIELD + "u", np.array([1.0]), units).title


def test_the_colours_of_a_field_reach_from_its_lowest_to_its_highest_value(view: ImageViewport, pixels: Pixels) -> None:
    assert view.colour_range == pytest.approx((300.0, 310.0))
    picture = pixels(view)
    left, right = (picture[150, round(view.eye.project(np.array([x, 1.0, 0.0]))[0, 0])] for x in (-9.5, 9.5))
    assert left[2] > left[1] and right[0] > right[2] + 60, "violet is low, yellow is high"
    view.set_colouring(FIELD + "stress", locked_range=(0.0, 1000.0))
    assert view.colour_range == (0.0, 1000.0)


def test_a_hot_spot_is_never_cut_off_and_what_rests_is_exact(view: ImageViewport) -> None:
    running = plate(state="running")
    stress = running.arrays[FIELD + "stress"].copy()
    stress[7] = 500.0
    view.show_snapshot(replace(running, arrays={**running.arrays, FIELD + "stress": stress}))
    assert view.snapshot is not None and view.colour_range[1] == 500.0
    view.show_snapshot(running)
    assert view.snapshot is not None and 310.0 < view.colour_range[1] < 500.0, "it falls slowly while one watches"
    view.show_snapshot(plate())
    assert view.snapshot is not None and view.colour_range == pytest.approx((300.0, 310.0))


def test_a_range_that_nearly_begins_at_zero_begins_there(view: ImageViewport) -> None:
    view.set_colouring(RESIDUAL)
    assert view.colour_range == (0.0, 10.0)
    shot = plate()
    view.show_snapshot(replace(shot, arrays={**shot.arrays, RESIDUAL: shot.arrays[RESIDUAL] + np.float32(0.1)}))
    assert view.snapshot is not None and view.colour_range == pytest.approx((0.0, 10.1))


def test_a_field_without_a_value_somewhere_says_so(view: ImageViewport, pixels: Pixels) -> None:
    assert not view.scene.surface.gaps
    before = pixels(view)
    shot = plate()
    stress = shot.arrays[FIELD + "stress"].copy()
    stress[shot.arrays["vertices"][:, 0] > 5.0] = np.nan
    view.show_snapshot(replace(shot, arrays={**shot.arrays, FIELD + "stress": stress}))
    after = pixels(view)
    assert view.scene.surface.gaps and view.colour_range[1] < 308.0
    right = round(view.eye.project(np.array([9.0, 1.0, 0.0]))[0, 0])
    assert np.ptp(after[150, right]) < 15 < np.ptp(before[150, right]), "grey, and no colour of the map"


def test_the_pointer_is_told_value_and_band(qtbot: Any, view: ImageViewport) -> None:
    hover(view, view.eye.project(np.zeros(3))[0, :2])
    qtbot.waitUntil(lambda: view.state.probed is not None)
    assert view.state.probed == pytest.approx(305.0, abs=0.6) and view.state.probed_band == pytest.approx(2.5)
    view.set_colouring("sensitivity")
    QTest.qWait(120)
    hover(view, view.eye.project(np.array([5.0, 0.0, 0.0]))[0, :2])
    qtbot.waitUntil(lambda: view.state.probed is not None)
    assert view.state.probed_band is None


def test_a_flat_part_is_seen_from_both_sides(view: ImageViewport, pixels: Pixels) -> None:
    view.look("bottom")
    assert np.ptp(pixels(view)[150, 200]) > 30


def test_a_click_keeps_a_probe_and_a_drag_turns_the_view(view: ImageViewport) -> None:
    told: list[Any] = []
    view.probe_placed.connect(told.append)
    view.set_tool("probe")
    place = view.eye.project(np.array([4.0, 2.0, 0.0]))[0, :2]
    click(view, place)
    assert np.array(told[0]) == pytest.approx([4.0, 2.0, 0.0], abs=0.2)
    click(view, (3, 3))
    assert len(told) == 1 and view.state.hint
    before = view.camera().position
    drag(view, place, (place[0] + 40, place[1] + 20))
    assert len(told) == 1 and view.camera().position != before


def test_probes_and_arrows_are_drawn_over_the_picture(view: ImageViewport, pixels: Pixels) -> None:
    before = pixels(view)
    view.set_probes([ProbeView((4.0, 2.0, 0.0), "307 ± 2.5 MPa"), ProbeView((-5.0, 0.0, 0.0), "new here", True)])
    after = pixels(view)
    x, y = map(round, view.eye.project(np.array([4.0, 2.0, 0.0]))[0, :2])
    assert np.abs(after[y, x] - before[y, x]).max() > 40
    view.set_probes([])
    assert np.abs(pixels(view) - before).max() < 3
    view.set_colouring("sensitivity")
    with_arrows = pixels(view)
    shot = plate()
    del shot.arrays[DESCENT]
    view.show_snapshot(shot)
    assert (np.abs(pixels(view) - with_arrows).max(axis=2) > 60).sum() > 300


def test_arrows_are_spread_over_the_part() -> None:
    points = np.random.default_rng(0).random((4000, 3)) * [10.0, 5.0, 0.0]
    chosen = spread_over(points, np.arange(1000, 4000), 100)
    assert 40 <= len(chosen) <= 100 and chosen.min() >= 1000 and len(set(chosen.tolist())) == len(chosen)
    assert np.ptp(points[chosen], axis=0)[:2] == pytest.approx([10.0, 5.0], rel=0.15)
