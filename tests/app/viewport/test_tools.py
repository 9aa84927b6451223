import numpy as np
import pytest
from mouse import CTRL, SHIFT, click, hover, leave, move, press, release, wheel
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.viewport.view import HandleView


@pytest.fixture
def heard(viewport):
    """What the viewport has told, by signal."""
    told = {"placed": [], "moved": [], "selected": [], "painted": [], "measured": [], "tool": [], "radius": []}
    viewport.handle_placed.connect(told["placed"].append)
    viewport.handle_moved.connect(lambda *args: told["moved"].append(args))
    viewport.handle_selected.connect(told["selected"].append)
    viewport.painted.connect(lambda *args: told["painted"].append(args))
    viewport.measured.connect(lambda *args: told["measured"].append(args))
    viewport.tool_changed.connect(told["tool"].append)
    viewport.brush_radius_changed.connect(told["radius"].append)
    return told


def test_a_click_places_a_handle_on_the_surface(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    click(viewport, (210, 140))
    (place,) = heard["placed"]
    assert np.linalg.norm(place) == pytest.approx(10.0, abs=0.1)
    assert viewport.eye.project(np.array(place))[0, :2] == pytest.approx((210, 140), abs=1e-3)


def test_a_click_beside_everything_places_nothing(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    click(viewport, (3, 3))
    assert heard["placed"] == []


def place_in(viewport):
    """Let the viewport show each handle as soon as it is placed, as the window does."""
    viewport.handle_placed.connect(lambda at: viewport.set_handles([HandleView("new", at, at, 2.0)]))


def test_a_press_on_the_surface_places_a_handle_and_drags_it_in_one_go(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    place_in(viewport)
    before = viewport.scene.camera.GetPosition()
    press(viewport, (200, 150))
    (place,) = heard["placed"]
    move(viewport, (220, 150))
    move(viewport, (240, 150))
    release(viewport, (240, 150))
    assert len(heard["placed"]) == 1 and viewport.scene.camera.GetPosition() == before
    name, target, ended = heard["moved"][-1]
    assert name == "new" and ended
    drag = viewport.eye.project(np.array(target))[0, :2] - viewport.eye.project(np.array(place))[0, :2]
    assert drag == pytest.approx((40, 0), abs=0.01)


def test_a_click_that_trembles_places_and_does_not_pull(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    place_in(viewport)
    press(viewport, (200, 150))
    move(viewport, (202, 151))
    release(viewport, (202, 151))
    assert len(heard["placed"]) == 1 and heard["moved"] == []


def test_escape_takes_a_handle_back_that_is_being_placed(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    place_in(viewport)
    withdrawn = []
    viewport.handle_withdrawn.connect(withdrawn.append)
    press(viewport, (200, 150))
    move(viewport, (230, 150))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, (230, 150))
    assert withdrawn == ["new"] and viewport.state.held is None and viewport.state.tool == "handle"


def test_a_drag_beside_the_geometry_turns_the_view_with_the_handle_tool(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    before = viewport.scene.camera.GetPosition()
    press(viewport, (5, 5))
    move(viewport, (25, 5))
    release(viewport, (25, 5))
    assert heard["placed"] == [] and viewport.scene.camera.GetPosition() != before


@pytest.mark.parametrize("tool", ["navigate", "handle"])
def test_dragging_a_handle_tells_where_it_is_all_along(viewport, snapshot, heard, tool):
    viewport.show_snapshot(snapshot())
    viewport.set_tool(tool)
    top = (0.0, 0.0, 10.0)
    viewport.set_handles([HandleView("nose", top, top, 2.0)])
    x, y = viewport.eye.project(np.array(top))[0, :2].round().astype(int)
    press(viewport, (x, y))
    for step in range(1, 6):
        move(viewport, (x + 8 * step, y - 4 * step))
    release(viewport, (x + 40, y - 20))
    assert heard["selected"] == ["nose"]
    names, targets, finished = zip(*heard["moved"], strict=True)
    assert set(names) == {"nose"}
    assert finished[-1] and finished.count(True) == 1
    places = viewport.eye.project(np.array(targets))
    assert (np.diff(places[:, 0]) >= -1e-6).all()
    assert places[-1, :2] - viewport.eye.project(np.array(top))[0, :2] == pytest.approx((40, -20), abs=0.01)
    # In the plane of the view: at the depth it had.
    assert places[:, 2] == pytest.approx(viewport.eye.project(np.array(top))[0, 2])
    assert viewport.state.held is None


def test_with_ctrl_a_handle_moves_along_the_normal(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.look("front")
    top = (0.0, 0.0, 10.0)
    viewport.set_handles([HandleView("nose", top, top, 2.0)])
    x, y = viewport.eye.project(np.array(top))[0, :2].round().astype(int)
    keys = CTRL
    press(viewport, (x, y), keys)
    move(viewport, (x + 9, y - 30), keys)
    release(viewport, (x + 9, y - 30), keys)
    target = np.array(heard["moved"][-1][1])
    assert target[:2] == pytest.approx((0, 0), abs=1e-6) and target[2] > 11.0
    assert viewport.eye.project(target)[0, 1] == pytest.approx(y - 30, abs=2)


def test_a_held_handle_stays_with_the_pointer_when_the_window_sets_it(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    top = (0.0, 0.0, 10.0)
    viewport.set_handles([HandleView("nose", top, top, 2.0)])
    x, y = viewport.eye.project(np.array(top))[0, :2].round().astype(int)
    press(viewport, (x, y))
    move(viewport, (x + 10, y))
    move(viewport, (x + 20, y))
    viewport.set_handles([HandleView("nose", top, heard["moved"][0][1], 2.0)])
    move(viewport, (x + 30, y))
    release(viewport, (x + 30, y))
    assert viewport.eye.project(np.array(heard["moved"][-1][1]))[0, 0] == pytest.approx(x + 30, abs=1)


def test_escape_puts_a_dragged_handle_back_and_then_leaves_the_tool(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("handle")
    top = (0.0, 0.0, 10.0)
    viewport.set_handles([HandleView("nose", top, top, 2.0)])
    x, y = viewport.eye.project(np.array(top))[0, :2].round().astype(int)
    press(viewport, (x, y))
    move(viewport, (x + 25, y))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert heard["moved"][-1] == ("nose", top, True)
    assert viewport.state.tool == "handle"
    release(viewport, (x + 25, y))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert heard["tool"] == ["handle", "navigate"]


def test_a_stroke_is_evenly_spaced_stamps_on_the_surface(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("brush")
    viewport.set_brush_radius(2.0)
    press(viewport, (160, 150))
    move(viewport, (240, 150))  # one quick jump: no gaps
    release(viewport, (240, 150))
    stamps = np.array([centre for centres, _, _ in heard["painted"] for centre in centres])
    assert all(radius == 2.0 and freeze for _, radius, freeze in heard["painted"])
    assert len(stamps) > 6
    assert np.linalg.norm(stamps, axis=1) == pytest.approx(np.full(len(stamps), 10.0), abs=0.1)
    gaps = np.linalg.norm(np.diff(stamps, axis=0), axis=1)
    assert gaps.min() >= 0.69 and gaps.max() < 2.0


def test_shift_thaws_and_a_stroke_beside_the_surface_turns_the_view(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("brush")
    click(viewport, (200, 150), SHIFT)
    assert [freeze for _, _, freeze in heard["painted"]] == [False]
    before = viewport.scene.camera.GetPosition()
    press(viewport, (4, 4))
    move(viewport, (30, 4))
    release(viewport, (30, 4))
    assert len(heard["painted"]) == 1 and viewport.scene.camera.GetPosition() != before


def test_the_brush_paints_the_surface_behind_a_scan_but_never_an_object(viewport, snapshot, sphere, heard):
    viewport.show_object("scan", sphere(12.0), colour="#888888")
    viewport.set_tool("brush")
    click(viewport, (200, 150))
    assert heard["painted"] == []
    viewport.show_snapshot(snapshot())
    click(viewport, (200, 150))
    assert np.linalg.norm(heard["painted"][0][0][0]) == pytest.approx(10.0, abs=0.1)


def test_brackets_and_ctrl_wheel_change_the_brush(viewport, snapshot, heard):
    viewport.show_snapshot(snapshot())
    assert viewport.brush_radius == pytest.approx(np.sqrt(3) * 20 / 20, rel=0.01)
    viewport.set_tool("brush")
    viewport.set_brush_radius(2.0)
    QTest.keyClick(viewport, Qt.Key.Key_BracketRight)
    assert viewport.brush_radius > 2.0
    QTest.keyClick(viewport, Qt.Key.Key_BracketLeft)
    assert viewport.brush_radius == pytest.approx(2.0)
    camera = viewport.scene.camera.GetPosition()
    wheel(viewport, (200, 150), 1, CTRL)
    assert viewport.brush_radius > 2.0 and viewport.scene.camera.GetPosition() == camera
    assert len(heard["radius"]) == 4


def test_the_pointer_probes_the_value_under_it(viewport, snapshot, qtbot):
    viewport.show_snapshot(snapshot(sensitivity=lambda v: v[:, 2]))
    viewport.look("front")
    with qtbot.waitSignal(viewport.point_probed) as probe:
        hover(viewport, (200, 110))
    position, value = probe.args
    assert value == pytest.approx(position[2], abs=1.0) and value > 2.0
    with qtbot.waitSignal(viewport.point_probed) as probe:
        hover(viewport, (2, 2))
    assert probe.args == [(), None]


def test_the_value_stands_beside_a_pointer_that_rests(viewport, snapshot, qtbot):
    viewport.show_snapshot(snapshot(sensitivity=lambda v: v[:, 2]))
    viewport.look("front")
    viewport.set_colouring("sensitivity")
    with qtbot.waitSignal(viewport.point_probed):
        hover(viewport, (200, 110))
    assert viewport.state.probed is not None
    told = viewport.grab().toImage()
    hover(viewport, (3, 3))
    assert viewport.state.probed is None and viewport.grab().toImage() != told
    with qtbot.waitSignal(viewport.point_probed):
        hover(viewport, (200, 110))
    viewport.set_colouring("plain")
    plain = viewport.grab().toImage()
    hover(viewport, (3, 3))
    assert viewport.grab().toImage() == plain  # no value where nothing is coloured by it


def test_what_follows_the_pointer_needs_no_3d_drawing(viewport, snapshot, monkeypatch):
    viewport.show_snapshot(snapshot())
    viewport.set_tool("brush")
    leave(viewport)  # wherever the display's own pointer is
    before = viewport.grab().toImage()
    drawings = []
    monkeypatch.setattr(viewport._drawing.canvas, "request", lambda **_: drawings.append(1))
    hover(viewport, (200, 150))
    hover(viewport, (210, 150))
    assert viewport.state.brush_at is not None
    assert viewport.grab().toImage() != before
    leave(viewport)
    assert viewport.grab().toImage() == before
    assert not drawings
