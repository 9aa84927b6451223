from dataclasses import replace

import numpy as np
import pytest
from mouse import drag


@pytest.fixture
def large(snapshot):
    return replace(snapshot(12.0), state="paused")


@pytest.fixture
def small(snapshot):
    return replace(snapshot(6.0), state="paused")


def blueness(pixel):
    return pixel[2] - pixel[0]


def test_a_swipe_shows_a_left_and_b_right_of_the_divider(viewport, large, small, pixels):
    viewport.show_comparison(large, small, "swipe")
    viewport.look("front")
    there = pixels(viewport)
    background = there[2, 30]
    # A reaches further than B on both sides of the middle.
    a_rim, b_rim = (viewport.eye.project(np.array([[-r, 0.0, 0.0]]))[0, 0] for r in (11.5, 5.5))
    assert np.abs(there[150, round(a_rim)] - background).max() > 20
    assert np.abs(there[150, round(400 - a_rim)] - background).max() < 3
    assert there[150, round(400 - b_rim) - 4, 2] > there[150, round(400 - b_rim) - 4, 0] + 40  # B is blue
    viewport.set_swipe(0.98)
    assert np.abs(pixels(viewport)[150, round(400 - a_rim)] - background).max() > 20


@pytest.mark.parametrize("parallel", [False, True])
def test_the_divider_stays_on_its_pixel_however_the_camera_moves(viewport, large, small, pixels, parallel):
    viewport.set_perspective(not parallel)
    viewport.show_comparison(large, small, "swipe")
    viewport.set_swipe(0.4)
    for turn in ((0.0, 0.0), (70.0, 30.0), (-200.0, 50.0)):
        viewport.eye.orbit(*turn)
        row = pixels(viewport)[150]
        assert blueness(row[155]) < 25 < blueness(row[175])  # grey, then blue


def test_the_divider_is_dragged_by_the_mouse_and_not_the_camera(viewport, large, small):
    viewport.show_comparison(large, small, "swipe")
    before = viewport.camera()
    drag(viewport, (200, 40), (100, 60))
    assert viewport.scene.comparison.swipe == pytest.approx(0.25)
    assert viewport.camera() == before
    viewport.show_comparison(large, small, "overlay")
    drag(viewport, (100, 40), (150, 60))
    assert viewport.scene.comparison.swipe == pytest.approx(0.25) and viewport.camera() != before


def test_an_overlay_shows_one_through_the_other(viewport, large, small, pixels):
    viewport.show_comparison(small, large, "overlay")
    viewport.look("front")
    through = pixels(viewport)
    rim = round(viewport.eye.project(np.array([[9.0, 0.0, 0.0]]))[0, 0])
    assert blueness(through[150, rim]) > 30
    viewport.show_comparison(large, small, "overlay")  # B within A: hidden
    assert blueness(pixels(viewport)[150, 200]) < 25


def test_sheets_of_a_simulation_are_seen_from_both_sides_in_the_colours_of_a_and_b(viewport, snapshot, pixels):
    corners = np.array([[-9, 0, -9], [9, 0, -9], [9, 0, 9], [-9, 0, 9]], np.float32)
    arrays = {
        "vertices": corners,
        "triangles": np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        "body": np.zeros(4, np.int32),
    }
    sheet = replace(snapshot(), arrays=arrays, info={"bodies": ["card"], "colours": ["#3f7fbf"]}, state="paused")
    behind = replace(sheet, arrays={**arrays, "vertices": corners + np.float32([0.0, 40.0, 0.0])})
    viewport.show_comparison(sheet, behind, "overlay")
    for side in ("front", "back"):
        viewport.look(side)
        there = pixels(viewport)
        middle, background = there[150, 200], there[2, 30]
        assert np.abs(middle - background).max() > 20, f"it is seen from the {side}"
    viewport.show_comparison(behind, sheet, "overlay")
    viewport.look("front")
    assert blueness(pixels(viewport)[150, 200]) > 25, "B is blue"
    viewport.show_comparison(sheet, behind, "overlay")
    assert blueness(pixels(viewport)[150, 200]) < 25, "A is grey, though its body is blue"


def test_distances_colour_a_and_can_be_read_under_the_pointer(viewport, large, small, pixels, qtbot):
    distances = large.arrays["vertices"][:, 2] / 4.0
    viewport.show_comparison(large, small, "distance", distances, (-3.0, 3.0))
    viewport.look("front")
    coloured = pixels(viewport)
    assert coloured[70, 200, 0] > coloured[70, 200, 2] + 40 and coloured[200, 200, 2] > coloured[200, 200, 0] + 40
    hit = viewport.eye.pick(200, 100)
    assert hit.value == pytest.approx(hit.position[2] / 4.0, abs=0.2)
    assert np.abs(coloured[-30:, -200:] - coloured[2, 30]).max() > 60  # the colour bar
    assert viewport.scene.comparison.first.range.limits == (-3.0, 3.0)


def test_distances_without_a_sign_have_a_bar_of_their_own(viewport, large, small, pixels):
    away = np.abs(large.arrays["vertices"][:, 2]) / 4.0
    viewport.show_comparison(large, small, "distance", away, (-3.0, 3.0))
    viewport.look("front")
    coloured = pixels(viewport)
    assert viewport.scene.comparison.first.one_sided
    assert coloured[70, 200, 0] > coloured[70, 200, 2] + 40 and coloured[200, 200, 0] > coloured[200, 200, 2] + 40
    bar = coloured[240:260, 170:380]
    assert (bar[:, :, 2] - bar[:, :, 0]).max() < 40  # nothing blue in it


def test_the_runs_surface_gives_way_and_comes_back(viewport, snapshot, large, small, pixels):
    viewport.show_snapshot(snapshot(10.0))
    alone = pixels(viewport)
    camera = viewport.camera()
    viewport.show_comparison(small, large, "swipe")
    viewport.show_snapshot(snapshot(11.0))  # the Run goes on behind it
    assert viewport.camera() == camera
    viewport.clear_comparison()
    viewport.clear_comparison()
    viewport.show_snapshot(snapshot(10.0))
    assert np.abs(pixels(viewport) - alone).max() == 0
    assert viewport.scene.renderer.GetActors().GetNumberOfItems() == 1


def test_a_comparison_keeps_no_hold_of_shared_arrays(viewport, large, small, pixels):
    viewport.show_comparison(large, small, "swipe")
    before = pixels(viewport)
    large.arrays["vertices"][:] = 0.0
    assert np.abs(pixels(viewport) - before).max() == 0
