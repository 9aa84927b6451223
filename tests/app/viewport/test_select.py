import numpy as np
import pytest
from mouse import ALT, CTRL, SHIFT, click, drag, hover, move, press, release
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.document.placement import Placement
from app.document.project import Clip
from app.viewport.colours import SELECTED
from app.viewport.records import SelectionView
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points

TOP = (200, 150)


@pytest.fixture
def selecting(viewport, sphere):
    """The viewport over a ball named "ball", seen from the front, with the selection tool; and what it tells."""
    viewport.show_object("ball", sphere(), colour="#888888")
    viewport.look("front")
    viewport.set_tool("select")
    told = []
    viewport.selected.connect(told.append)

    def choose(mode, **options):
        viewport.set_selecting(mode=mode, **options)
        return told

    return choose


def test_a_click_tells_the_place_and_keys_tell_the_operation(viewport, selecting):
    told = selecting("click")
    for keys in (Qt.KeyboardModifier.NoModifier, SHIFT, CTRL, ALT):
        click(viewport, TOP, keys)
    assert [gesture.operation for gesture in told] == ["replace", "add", "subtract", "subtract"]
    assert all(gesture.of == "ball" and gesture.mode == "click" and gesture.ended for gesture in told)
    assert told[0].positions == pytest.approx(np.array([[0.0, -10.0, 0.0]]), abs=0.1)


def test_a_click_beside_everything_says_that_it_met_nothing(viewport, selecting):
    told = selecting("connected")
    click(viewport, (3, 3))
    assert told[0].of == "" and len(told[0].positions) == 0


def test_a_drag_with_the_click_mode_turns_the_view(viewport, selecting):
    told = selecting("click")
    before = viewport.camera()
    drag(viewport, TOP, (240, 150))
    assert not told and viewport.camera() != before


def test_a_box_holds_the_seen_vertices_within_it_and_no_others(viewport, selecting, sphere):
    told = selecting("box")
    before = viewport.camera()
    drag(viewport, (150, 100), (220, 170))
    (gesture,) = told
    assert viewport.camera() == before and gesture.of == "ball" and gesture.mode == "box"
    vertices = sphere().vertices
    inside = gesture.outline.inside(vertices)
    places = viewport.eye.project(vertices)[:, :2]
    within = ((places > (150, 100)) & (places < (220, 170))).all(axis=1)
    front = vertices[:, 1] < -1.0
    assert (inside[front] == within[front]).all() and within[front].sum() > 20
    assert not inside[vertices[:, 1] > 0.5].any()


def test_selecting_through_also_takes_what_is_hidden(viewport, selecting, sphere):
    told = selecting("box", through=True)
    drag(viewport, (150, 100), (220, 170))
    vertices = sphere().vertices
    inside = told[0].outline.inside(vertices)
    places = viewport.eye.project(vertices)[:, :2]
    assert (inside == ((places > (150, 100)) & (places < (220, 170))).all(axis=1)).all()
    assert inside[vertices[:, 1] > 1.0].any()


@pytest.mark.parametrize("parallel", [False, True])
def test_what_faces_away_behind_a_thin_wall_is_not_seen(viewport, selecting, parallel):
    """Two sheets a tenth of a millimetre apart, as the two sides of one wall."""
    viewport.remove_object("ball")
    grid = np.stack(np.meshgrid(np.linspace(-8, 8, 30), [0.0], np.linspace(-8, 8, 30), indexing="ij"), -1).reshape(
        -1, 3
    )
    index = np.arange(900).reshape(30, 30)
    a, b, c, d = (index[i : i + 29, j : j + 29].ravel() for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)))
    sheet = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    wall = Mesh(np.concatenate([grid, grid + np.array([0, 0.1, 0])]), np.concatenate([sheet, sheet[:, ::-1] + 900]))
    viewport.show_object("wall", wall, colour="#888888")
    viewport.set_perspective(not parallel)
    viewport.frame()
    told = selecting("box")
    drag(viewport, (1, 1), (398, 298))
    normals = np.repeat([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]], 900, axis=0)
    inside = told[0].outline.inside(wall.vertices, normals)
    assert inside[:900].all() and not inside[900:].any()


def test_a_lasso_follows_the_hand(viewport, selecting, sphere):
    told = selecting("lasso")
    press(viewport, (160, 110))
    for place in ((240, 110), (240, 190), (200, 150), (160, 190)):
        move(viewport, place)
    assert viewport.state.outline is not None
    release(viewport, (160, 190))
    vertices = sphere().vertices
    inside = told[0].outline.inside(vertices)
    places = viewport.eye.project(vertices)[:, :2]
    assert inside[(np.abs(places - (200, 130)).max(axis=1) < 12) & (vertices[:, 1] < -1)].all()
    assert not inside[(np.abs(places - (200, 180)).max(axis=1) < 8)].any()  # the notch
    assert viewport.state.outline is None


def test_escape_drops_a_lasso(viewport, selecting):
    told = selecting("lasso")
    press(viewport, (160, 110))
    for place in ((240, 110), (240, 190)):
        move(viewport, place)
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, (240, 190))
    assert not told and viewport.state.outline is None and viewport.state.tool == "select"


def test_a_box_beside_everything_says_so(viewport, selecting):
    told = selecting("box")
    drag(viewport, (2, 2), (20, 20))
    assert not told and viewport.state.hint


def test_a_brush_adds_stamps_and_ends_its_stroke(viewport, selecting):
    told = selecting("brush", profile="linear")
    viewport.set_brush_radius(2.0)
    drag(viewport, (160, 150), (240, 150))
    stamps = np.concatenate([gesture.positions for gesture in told])
    assert {gesture.operation for gesture in told} == {"add"} and {gesture.profile for gesture in told} == {"linear"}
    assert [gesture.ended for gesture in told].count(True) == 1 and told[-1].ended
    assert np.linalg.norm(np.diff(stamps, axis=0), axis=1).min() >= 0.69
    drag(viewport, (160, 150), (170, 150), CTRL)
    assert told[-1].operation == "subtract"


def test_a_stroke_that_is_given_up_says_so(viewport, selecting):
    told = selecting("brush")
    press(viewport, TOP)
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, TOP)
    assert told[-1].cancelled and not any(gesture.ended for gesture in told)


def test_a_stroke_stays_on_the_object_on_which_it_began(viewport, selecting, sphere):
    viewport.show_object("near", sphere(2.0, centre=(6.0, -20.0, 0.0)), colour="#888888")
    told = selecting("brush")
    viewport.set_brush_radius(1.0)
    across = viewport.eye.project(np.array([[-6.0, 0, 0], [6.0, -20.0, 0.0]]))[:, 0].round().astype(int)
    assert viewport.eye.pick(across[1], 150).name == "near"
    drag(viewport, (across[0], 150), (across[1], 150))
    stamps = np.concatenate([gesture.positions for gesture in told])
    assert {gesture.of for gesture in told} == {"ball"}
    assert np.linalg.norm(stamps, axis=1) == pytest.approx(np.full(len(stamps), 10.0), abs=0.1)


def test_dragging_away_from_a_point_widens_what_is_selected_around_it(viewport, selecting):
    told = selecting("geodesic")
    press(viewport, TOP)
    for x in (210, 220, 230):
        move(viewport, (x, 150))
    assert viewport.state.circle is not None
    release(viewport, (230, 150))
    radii = [gesture.radius for gesture in told]
    assert radii == sorted(radii) and told[-1].ended and not told[0].ended
    assert radii[-1] == pytest.approx(30 * viewport.eye.pixel_size(np.array([0.0, -10.0, 0.0])), rel=1e-6)
    assert told[-1].positions == pytest.approx(np.array([[0.0, -10.0, 0.0]]), abs=0.1)


def test_a_target_is_selected_on_whatever_lies_before_it(viewport, selecting, snapshot):
    viewport.show_snapshot(snapshot(12.0))
    told = selecting("click", target="ball")
    click(viewport, TOP)
    assert told[-1].of == "ball" and np.linalg.norm(told[-1].positions) == pytest.approx(10.0, abs=0.1)
    viewport.set_selecting(target="")
    click(viewport, TOP)
    assert told[-1].of == "result"


def test_a_scan_hides_its_own_far_side(viewport, selecting, sphere):
    viewport.remove_object("ball")
    points = sphere(10.0, 90).vertices
    viewport.show_object("scan", Points(points), colour="#888888")
    told = selecting("box")
    drag(viewport, (180, 130), (220, 170))
    inside = told[0].outline.inside(points)
    assert told[0].of == "scan" and inside[points[:, 1] < -9].any() and not inside[points[:, 1] > 0].any()


@pytest.mark.parametrize("kind", ["mesh", "scan"])
def test_with_normals_all_that_faces_the_eye_is_seen_up_to_steep_slopes(viewport, selecting, sphere, kind):
    viewport.remove_object("ball")
    ball = sphere(10.0, 70)
    normals = ball.vertices / 10.0
    viewport.show_object("it", ball if kind == "mesh" else Points(ball.vertices, normals), colour="#888888")
    told = selecting("box")
    drag(viewport, (2, 2), (398, 298))
    inside = told[0].outline.inside(ball.vertices, normals)
    sights = ball.vertices - told[0].outline.lens.position
    facing = -np.einsum("ij,ij->i", sights / np.linalg.norm(sights, axis=1)[:, None], normals)
    assert inside[facing > np.cos(np.radians(80.0))].mean() > 0.995
    assert not inside[facing < 0.0].any()


@pytest.mark.parametrize("mode", ["click", "box", "brush"])
def test_while_two_surfaces_are_compared_neither_is_selected_on(viewport, selecting, snapshot, mode):
    viewport.remove_object("ball")
    told = selecting(mode)
    viewport.show_comparison(snapshot(10.0), snapshot(9.0), "overlay")
    drag(viewport, (180, 130), (220, 170))
    click(viewport, TOP)
    assert all(gesture.of == "" for gesture in told) and viewport.state.hint
    viewport.clear_comparison()
    viewport.show_snapshot(snapshot(10.0))
    viewport.look("front")
    drag(viewport, (180, 130), (220, 170))
    click(viewport, TOP)
    assert told[-1].of == "result" and not viewport.state.hint


def test_what_is_cut_away_hides_nothing(viewport, selecting, sphere):
    viewport.set_clip(Clip("plane", origin=(0.0, 0.0, 0.0), normal=(0.0, -1.0, 0.0)))
    told = selecting("box")
    drag(viewport, (180, 130), (220, 170))
    inside = told[0].outline.inside(sphere().vertices)
    assert inside[sphere().vertices[:, 1] > 9].any()


def test_selections_are_tinted_where_their_values_say(viewport, sphere, pixels):
    ball = sphere()
    viewport.show_object("ball", ball, colour="#888888")
    viewport.look("front")
    plain = pixels(viewport)
    values = (ball.vertices[:, 2] > 0).astype(np.float32)
    viewport.set_selections([SelectionView("ball", values, SELECTED)])
    tinted = pixels(viewport)
    assert (
        np.abs(tinted[100, 200] - plain[100, 200]).max() > 40 and np.abs(tinted[200, 200] - plain[200, 200]).max() == 0
    )
    assert tinted[100, 200, 0] > tinted[100, 200, 2] + 60  # amber
    viewport.set_selections([])
    assert np.abs(pixels(viewport) - plain).max() == 0


def test_a_selection_on_a_thinned_mesh_and_on_a_scan_lies_where_it_should(viewport, sphere, pixels):
    large = sphere(10.0, 120)
    for name, geometry in (("mesh", large), ("scan", Points(large.vertices))):
        viewport.show_object(name, geometry, colour="#888888")
        viewport.look("front")
        assert viewport.scene.objects[name].thinned
        plain = pixels(viewport)
        viewport.set_selections([SelectionView(name, (large.vertices[:, 0] > 0).astype(np.float32), SELECTED)])
        changed = np.abs(pixels(viewport) - plain).max(axis=2) > 20
        assert changed[130:170, 220:250].mean() > 0.5 and not changed[:, :190].any()
        viewport.remove_object(name)
        viewport.set_selections([])


def test_a_selection_on_the_result_follows_a_surface_whose_vertices_change(viewport, snapshot, sphere, pixels):
    viewport.show_snapshot(snapshot(10.0, 24))
    viewport.look("front")
    points = sphere(10.0, 24).vertices
    view = SelectionView("result", (points[:, 2] > 0).astype(np.float32), SELECTED, points, reach=1.5)
    viewport.set_selections([view])
    for rings in (24, 31, 18):
        viewport.show_snapshot(snapshot(10.0, rings))
        tinted = pixels(viewport)
        assert tinted[100, 200, 0] > tinted[100, 200, 2] + 60 and np.ptp(tinted[200, 200]) < 12
    viewport.show_snapshot(snapshot(13.0, 24))  # beyond reach
    assert np.ptp(pixels(viewport)[100, 200]) < 12


def test_framing_the_selection(viewport, sphere):
    ball = sphere()
    viewport.show_object("ball", ball, colour="#888888")
    distance = viewport.scene.camera.GetDistance()
    values = (np.linalg.norm(ball.vertices - (0, 0, 10), axis=1) < 3).astype(np.float32)
    viewport.set_selections([SelectionView("ball", values, SELECTED)])
    viewport.frame_selection()
    assert viewport.eye.project(np.array([0.0, 0.0, 9.8]))[0, :2] == pytest.approx((200, 150), abs=8)
    assert viewport.scene.camera.GetDistance() < 0.5 * distance


def test_a_placed_object_is_selected_where_it_stands(viewport, selecting, sphere):
    viewport.set_placement("ball", Placement(translation=(0.0, 0.0, 30.0), scale=(0.5, 0.5, 0.5)))
    viewport.frame()
    told = selecting("box")
    drag(viewport, (2, 2), (398, 298))
    placed = Placement(translation=(0.0, 0.0, 30.0), scale=(0.5, 0.5, 0.5)).apply(sphere())
    assert told[0].outline.inside(placed.vertices)[placed.vertices[:, 1] < -2.0].all()


def test_the_brush_of_the_selection_is_shown(viewport, selecting):
    selecting("brush")
    before = viewport.grab().toImage()
    hover(viewport, TOP)
    assert viewport.grab().toImage() != before
    hover(viewport, TOP, CTRL)
    assert viewport.state.removes
