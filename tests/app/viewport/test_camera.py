import numpy as np
import pytest
from vtkmodules.vtkRenderingCore import vtkCamera

from app.viewport import camera as cameras


@pytest.fixture(params=[False, True], ids=["perspective", "parallel"])
def camera(request):
    made = vtkCamera()
    made.SetPosition(3.0, -9.0, 4.0)
    made.SetFocalPoint(0.3, 0.2, -0.1)
    made.SetViewUp(0.0, 0.0, 1.0)
    made.SetParallelScale(3.0)
    made.SetParallelProjection(request.param)
    return made


def test_a_line_of_sight_passes_through_what_is_projected_to_its_pixel(camera):
    points = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    for point, (x, y, depth) in zip(points, cameras.project(camera, points, 640, 480), strict=True):
        start, direction = cameras.ray(camera, x, y, 640, 480)
        assert depth > 0
        assert np.linalg.norm(np.cross(point - start, direction)) < 1e-9


def test_projection_agrees_with_vtk(camera):
    point = np.array([0.7, -0.4, 0.9])
    camera.SetClippingRange(1.0, 30.0)
    matrix = camera.GetCompositeProjectionTransformMatrix(640 / 480, -1, 1)
    x, y, _, w = matrix.MultiplyPoint((*point, 1.0))
    expected = (320 * (x / w + 1), 240 * (1 - y / w))
    assert cameras.project(camera, point, 640, 480)[0, :2] == pytest.approx(expected, abs=1e-6)


def test_orbiting_keeps_the_pivot_in_its_pixel_and_at_its_distance(camera):
    pivot = np.array([0.5, 0.5, 0.5])
    before = cameras.project(camera, pivot, 640, 480)[0]
    cameras.orbit(camera, pivot, 0.7, -0.4)
    assert cameras.project(camera, pivot, 640, 480)[0] == pytest.approx(before, abs=1e-6)


def test_orbiting_follows_the_pointer(camera):
    front = np.array([0.3, 0.2, -0.1]) + 0.5 * cameras.axes(camera)[2]
    before = cameras.project(camera, front, 640, 480)[0]
    cameras.orbit(camera, np.array([0.3, 0.2, -0.1]), 0.1, 0.1)
    after = cameras.project(camera, front, 640, 480)[0]
    assert after[0] > before[0] + 1 and after[1] < before[1] - 1


def test_zooming_keeps_the_point_under_the_pointer(camera):
    point = np.array([0.6, -0.2, 0.4])
    before = cameras.project(camera, point, 640, 480)[0, :2]
    size = cameras.pixel_size(camera, point, 480)
    cameras.zoom(camera, point, 2.0)
    assert cameras.project(camera, point, 640, 480)[0, :2] == pytest.approx(before, abs=1e-6)
    assert cameras.pixel_size(camera, point, 480) == pytest.approx(size / 2)


def test_panning_moves_a_point_with_the_pointer(camera):
    point = np.array([0.1, 0.4, 0.2])
    before = cameras.project(camera, point, 640, 480)[0, :2]
    cameras.pan(camera, point, 30.0, 12.0, 480)
    assert cameras.project(camera, point, 640, 480)[0, :2] == pytest.approx(np.add(before, (30, -12)), abs=1e-6)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_framing_shows_the_whole_ball(camera, aspect):
    centre, radius = np.array([5.0, 1.0, -3.0]), 2.0
    cameras.frame(camera, centre, radius, aspect)
    width, height = int(400 * aspect), 400
    right, up, _ = cameras.axes(camera)
    rim = np.stack([centre + radius * side for side in (right, -right, up, -up)])
    places = cameras.project(camera, rim, width, height)
    slack = 0.05 * max(width, height)
    assert (places[:, 0] > -slack).all() and (places[:, 0] < width + slack).all()
    assert (places[:, 1] > -slack).all() and (places[:, 1] < height + slack).all()
    assert np.ptp(places[:, :2], axis=0).max() > 0.8 * min(width, height)


@pytest.mark.parametrize("view", cameras.DIRECTIONS)
def test_every_view_looks_along_its_direction(camera, view):
    cameras.look(camera, view)
    direction, _ = cameras.DIRECTIONS[view]
    assert cameras.axes(camera)[2] == pytest.approx(np.array(direction) / np.linalg.norm(direction))


def test_what_lies_beyond_a_side_or_behind_is_not_seen(camera):
    ball = np.random.default_rng(3).uniform(-0.5, 0.5, (30, 3))
    right, up, back = cameras.axes(camera)
    focus = np.array(camera.GetFocalPoint())
    assert cameras.sees(camera, focus + ball, 640, 480)
    for aside in (right, -right, up, -up):
        assert not cameras.sees(camera, focus + 20.0 * aside + ball, 640, 480)
    assert cameras.sees(camera, focus + 100.0 * ball, 640, 480), "it is all around"
    if not camera.GetParallelProjection():
        assert not cameras.sees(camera, np.array(camera.GetPosition()) + 5.0 * back + ball, 640, 480)
