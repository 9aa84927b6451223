import numpy as np
import pytest
from mouse import CTRL, click, drag, hover, move, press, release
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.document.placement import Placement
from app.viewport.gizmo import ARROW, angles, gizmo_parts, scaled, turned
from engine.geometry.points import Points


@pytest.fixture
def moving(viewport, sphere):
    """The viewport over a ball at (5, 0, 0) with the gizmo on it; and what it tells."""
    viewport.show_object("ball", sphere(4.0, centre=(5.0, 0.0, 0.0)), colour="#888888")
    viewport.eye.zoom(0.4)
    viewport.set_tool("move")
    viewport.set_gizmo("ball")
    told = []
    viewport.placement_dragged.connect(lambda *args: told.append(args))
    return told


def part(view, name):
    return next(part for part in gizmo_parts(view) if part.name == name)


def grip(view, name):
    """A pixel on a part where no other is."""
    places = part(view, name).places
    if part(view, name).kind == "square":
        return tuple(places.mean(axis=0))
    return tuple(places[-1] if part(view, name).kind == "arrow" else places[len(places) // 3])


def test_an_object_is_drawn_and_picked_where_it_stands_and_nothing_of_it_is_copied(viewport, sphere, pixels):
    viewport.show_object("ball", sphere(4.0), colour="#888888")
    arrays = viewport.scene.objects["ball"].drawn.vertices
    placement = Placement((20.0, -3.0, 6.0), (30.0, 40.0, 50.0), (1.0, 2.0, 0.5))
    viewport.set_placement("ball", placement)
    viewport.frame()
    placed = placement.apply(sphere(4.0))
    assert np.shares_memory(viewport.scene.objects["ball"].drawn.vertices, arrays)
    middle = viewport.eye.project(np.array([[20.0, -3.0, 6.0]]))[0, :2]
    hit = viewport.eye.pick(*middle)
    assert np.linalg.norm(placed.vertices - hit.position, axis=1).min() < 1.2
    assert np.dot(hit.normal, viewport.eye.sight(*middle)[1]) < 0
    moved = pixels(viewport)
    viewport.remove_object("ball")
    viewport.show_object("copy", placed, colour="#888888")
    viewport.scene.origin = None
    assert np.abs(moved - pixels(viewport)).mean() < 0.2  # as if its vertices had been moved


def test_normals_of_a_stretched_object_stand_on_its_surface(viewport, sphere):
    viewport.show_object("ball", sphere(5.0, 60), colour="#888888", placement=Placement(scale=(1.0, 1.0, 3.0)))
    viewport.look("front")
    hit = viewport.eye.pick(200, 120)
    gradient = hit.position / np.array([1.0, 1.0, 9.0])
    assert np.dot(hit.normal, gradient / np.linalg.norm(gradient)) > 0.995


def test_a_placed_scan_is_picked_where_it_stands(viewport, sphere):
    viewport.show_object("scan", Points(sphere(5.0, 60).vertices), colour="#888888")
    viewport.set_placement("scan", Placement((0.0, 0.0, 50.0), (0.0, 90.0, 0.0), (2.0, 2.0, 2.0)))
    viewport.frame()
    hit = viewport.eye.pick(200, 150)
    assert np.linalg.norm(hit.position - (0.0, 0.0, 50.0)) == pytest.approx(10.0, abs=1e-3)


@pytest.mark.parametrize(("letter", "axis"), [("x", 0), ("y", 1), ("z", 2)])
def test_an_arrow_moves_along_its_axis_only(viewport, moving, letter, axis):
    start, end = part(viewport, letter).places[[0, -1]]
    way = (end - start) / np.linalg.norm(end - start)
    camera, step = viewport.camera(), viewport.eye.pixel_size(np.array([5.0, 0.0, 0.0]))
    drag(viewport, tuple(end), tuple(end + 30 * way))
    assert viewport.camera() == camera
    name, placement, ended = moving[-1]
    moved = np.array(placement.translation)
    assert name == "ball" and ended and [told[2] for told in moving].count(True) == 1
    assert moved[axis] > 0.5 and np.delete(moved, axis) == pytest.approx(0.0, abs=1e-12)
    centre = np.array([5.0, 0.0, 0.0])
    tip = centre + np.eye(3)[axis] * ARROW * step + moved
    assert viewport.eye.project(tip)[0, :2] == pytest.approx(end + 30 * way, abs=0.1)  # under the pointer


def test_a_square_moves_within_its_plane(viewport, moving):
    at = np.array(grip(viewport, "xy"))
    drag(viewport, tuple(at), tuple(at + np.array([25, 10])))
    moved = np.array(moving[-1][1].translation)
    assert moved[2] == pytest.approx(0.0, abs=1e-9) and np.linalg.norm(moved) > 0.5
    shift = (
        viewport.eye.project(np.array([5.0, 0, 0]) + moved)[0, :2] - viewport.eye.project(np.array([5.0, 0, 0]))[0, :2]
    )
    assert shift == pytest.approx((25, 10), abs=2.5)


@pytest.mark.parametrize(
    ("letter", "axis", "view"),
    [("x", 0, "isometric"), ("y", 1, "isometric"), ("z", 2, "isometric"), ("y", 1, "front"), ("z", 2, "top")],
)
def test_a_ring_turns_about_the_middle_of_the_object(viewport, moving, letter, axis, view):
    viewport.look(view)
    places = part(viewport, f"turn {letter}").places
    drag(viewport, tuple(places[12]), tuple(places[20]))
    placement = moving[-1][1]
    middle = placement.matrix() @ (5.0, 0.0, 0.0, 1.0)
    assert middle[:3] == pytest.approx((5.0, 0.0, 0.0), abs=1e-9)
    turn = placement.matrix()[:3, :3]
    assert turn[axis, axis] == pytest.approx(1.0)
    # The part under the pointer follows it: eight steps of five degrees each, forwards.
    angle = np.degrees(np.arctan2(turn[(axis + 2) % 3, (axis + 1) % 3], turn[(axis + 1) % 3, (axis + 1) % 3]))
    assert angle == pytest.approx(40.0, abs=9.0)


def test_the_circle_scales_about_the_middle(viewport, moving):
    middle = viewport.eye.project(np.array([5.0, 0.0, 0.0]))[0, :2]
    at = np.array(grip(viewport, "scale"))
    drag(viewport, tuple(at), tuple(middle + 1.5 * (at - middle)))
    placement = moving[-1][1]
    assert placement.scale == pytest.approx((1.5, 1.5, 1.5), rel=0.02)
    assert (placement.matrix() @ (5.0, 0.0, 0.0, 1.0))[:3] == pytest.approx((5.0, 0.0, 0.0))


def test_ctrl_goes_in_steps(viewport, moving):
    places = part(viewport, "turn z").places
    drag(viewport, tuple(places[12]), tuple(places[21]), CTRL)
    assert abs(moving[-1][1].rotation[2]) % 15.0 == pytest.approx(0.0, abs=1e-9)
    assert abs(moving[-1][1].rotation[2]) >= 15.0


def test_escape_puts_the_object_back(viewport, moving):
    start, end = part(viewport, "x").places[[0, -1]]
    press(viewport, tuple(end))
    move(viewport, tuple(2 * end - start))
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    release(viewport, tuple(2 * end - start))
    assert moving[-1][1] == Placement() and moving[-1][2]
    assert viewport.placement_of("ball") == Placement() and viewport.state.dragged is None


def test_a_drag_goes_on_from_where_the_object_stands(viewport, moving):
    viewport.set_placement("ball", Placement((0.0, 0.0, 2.0), (0.0, 0.0, 90.0), (2.0, 2.0, 2.0)))
    start, end = part(viewport, "z").places[[0, -1]]
    drag(viewport, tuple(end), tuple(end + 0.2 * (end - start)))
    placement = moving[-1][1]
    assert placement.rotation == (0.0, 0.0, 90.0) and placement.scale == (2.0, 2.0, 2.0)
    assert placement.translation[:2] == pytest.approx((0.0, 0.0)) and placement.translation[2] > 2.0


def test_a_click_on_another_object_asks_for_the_gizmo(viewport, moving, sphere):
    viewport.show_object("other", sphere(2.0, centre=(-19.0, 0.0, 0.0)), colour="#888888")
    picked = []
    viewport.object_picked.connect(picked.append)
    click(viewport, tuple(viewport.eye.project(np.array([-19.0, 0.0, 0.0]))[0, :2]))
    assert picked == ["other"] and not moving


def test_a_ring_seen_almost_from_its_edge_turns_as_the_pointer_goes(viewport, moving):
    viewport.look("front")
    viewport.eye.orbit(0.0, -20.0)  # the ring about z is a flat ellipse
    places = part(viewport, "turn z").places
    drag(viewport, tuple(places[18]), tuple(places[18] + (33, 0)))
    # What is in front goes right with the pointer: about z, forwards, by half a radius.
    assert moving[-1][1].rotation[2] == pytest.approx(np.degrees(0.5), abs=4.0)


def test_the_gizmo_shows_with_its_tool_only_and_lights_up(viewport, moving):
    with_it = viewport.grab().toImage()
    hover(viewport, grip(viewport, "z"))
    assert viewport.state.grip == "z" and viewport.grab().toImage() != with_it
    hover(viewport, (2, 2))
    assert viewport.state.grip == "" and viewport.grab().toImage() == with_it
    viewport.set_tool("navigate")
    assert viewport.grab().toImage() != with_it


def test_angles_give_the_rotation_back():
    rng = np.random.default_rng(5)
    for rotation in [*rng.uniform(-180, 180, (50, 3)), (10.0, 90.0, 20.0), (10.0, -90.0, 20.0), (0.0, 0.0, 0.0)]:
        turn = Placement(rotation=tuple(rotation)).matrix()[:3, :3]
        assert Placement(rotation=angles(turn)).matrix()[:3, :3] == pytest.approx(turn, abs=1e-7)


def test_turning_and_scaling_are_what_they_say():
    placement = Placement((1.0, 2.0, 3.0), (20.0, -35.0, 110.0), (2.0, 1.0, 0.5))
    centre, points = np.array([4.0, -1.0, 2.0]), np.random.default_rng(1).normal(size=(9, 3))
    angle = np.radians(33.0)
    about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    before = placement.points(points)
    assert turned(placement, centre, 2, angle).points(points) == pytest.approx(centre + (before - centre) @ about_z.T)
    assert scaled(placement, centre, 1.7).points(points) == pytest.approx(centre + 1.7 * (before - centre))


def test_a_gizmo_that_sets_keyframes_does_not_scale(viewport, moving):
    kinds = {part.kind for part in gizmo_parts(viewport)}
    assert "scale" in kinds
    viewport.set_gizmo("ball", scales=False)
    assert {part.kind for part in gizmo_parts(viewport)} == kinds - {"scale"}
