"""Pictures show what is there, where it is, in the right colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.rendering import verification
from engine.rendering.camera import Camera
from engine.rendering.picture import DARK, LIGHT, picture, save_png, thumbnail
from engine.rendering.verification import icosphere


@pytest.fixture(scope="module")
def ball() -> Mesh:
    vertices, triangles = icosphere(3)
    return Mesh(vertices * 40.0, triangles)


@pytest.mark.parametrize("case", [verification.sphere_outline, verification.plane_depth])
def test_against_theory(case) -> None:  # type: ignore[no-untyped-def]  # a registered check
    result = case()
    assert result.passed, result


def test_icosphere_is_a_closed_outward_sphere() -> None:
    vertices, triangles = icosphere(3)
    assert (len(vertices), len(triangles)) == (642, 1280)
    corner = vertices[triangles]
    volume = np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6.0
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.02)


@pytest.mark.parametrize("direction", [(-1.0, -1.6, 1.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (3.0, -2.0, -4.0)])
@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_camera_fits_everything_and_no_more(direction: tuple[float, float, float], aspect: float) -> None:
    positions = np.random.default_rng(2).normal(size=(200, 3)) * (30.0, 5.0, 12.0) + 1e5
    view = Camera.around(positions, direction=direction, aspect=aspect, margin=1.0)
    right, up, forward = view.axes()
    offset = positions - view.position
    tangent = np.tan(np.radians(view.field_of_view / 2))
    depth = offset @ forward
    assert depth.min() > 0
    x, y = offset @ right / (depth * tangent * aspect), offset @ up / (depth * tangent)
    largest = max(np.abs(x).max(), np.abs(y).max())
    assert 0.95 < largest <= 1.0 + 1e-9


def test_light_comes_from_the_upper_left(ball: Mesh) -> None:
    image = picture(ball, (120, 120), samples=1, occlusion_rays=0).astype(int).sum(axis=2)
    assert image[35, 40] > image[85, 80] + 60


def test_colours_land_on_their_vertices(ball: Mesh) -> None:
    colours = np.where(ball.vertices[:, :1] > 0, [[0.9, 0.1, 0.1]], [[0.1, 0.1, 0.9]])
    view = Camera((0.0, -200.0, 0.0), (0.0, 0.0, 0.0))
    image = picture(ball, (100, 100), view=view, colours=colours, samples=1).astype(int)
    assert image[50, 70, 0] > image[50, 70, 2] + 50
    assert image[50, 30, 2] > image[50, 30, 0] + 50
    with pytest.raises(GeometryError, match="colours"):
        picture(ball, (10, 10), colours=colours[:5])


def test_background_is_plain_or_transparent(ball: Mesh) -> None:
    dark = picture(ball, (40, 30), background=DARK, samples=1, occlusion_rays=0)
    assert dark.shape == (30, 40, 3) and dark.dtype == np.uint8
    np.testing.assert_allclose(dark[0, 0] / 255.0, DARK, atol=0.003)
    clear = picture(ball, (40, 30), background=None, samples=2, occlusion_rays=0)
    assert clear.shape == (30, 40, 4) and clear[0, 0, 3] == 0 and clear[15, 20, 3] == 255
    assert ((clear[..., 3] > 0) & (clear[..., 3] < 255)).any()


def test_pictures_are_reproducible(ball: Mesh) -> None:
    np.testing.assert_array_equal(picture(ball, (50, 50)), picture(ball, (50, 50)))


def test_sharp_edges_stay_sharp() -> None:
    """A cube seen from a corner: each of three faces has one brightness, though its vertex normals differ."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    image = picture(Mesh(corners, triangles), (200, 200), samples=1, occlusion_rays=0)
    values, counts = np.unique(image.reshape(-1, 3).astype(int) // 3, axis=0, return_counts=True)
    assert np.sort(counts)[-8:].sum() > 0.97 * counts.sum() and len(values) < 40


def test_points_are_drawn_as_discs() -> None:
    points = Points(np.array([[-10.0, 0, 0], [10.0, 0, 0]]), np.array([[0.0, -1, 0], [0.0, -1, 0]]))
    view = Camera((0.0, -100.0, 0.0), (0.0, 0.0, 0.0), field_of_view=30.0)
    image = picture(points, (300, 300), view=view, background=None, point_size=8.0, occlusion_rays=0)
    covered = image[..., 3].sum() / 255.0
    pixel = 2 * 100.0 * np.tan(np.radians(15.0)) / 300
    assert covered * pixel**2 == pytest.approx(2 * 3 * np.sqrt(3) / 2 * 4.0**2, rel=0.03)
    assert image[150, 150, 3] == 0


def test_thumbnail_far_from_the_origin_and_empty(ball: Mesh) -> None:
    near = thumbnail(ball.vertices, ball.triangles)
    far = thumbnail(ball.vertices + 1e6, ball.triangles)
    assert near.shape == (96, 96, 3) and near.dtype == np.uint8
    assert np.abs(near.astype(int) - far).mean() < 0.5
    empty = thumbnail(np.empty((0, 3)), np.empty((0, 3), np.int32))
    np.testing.assert_allclose(empty / 255.0, np.broadcast_to(LIGHT, (96, 96, 3)), atol=0.003)
    with pytest.raises(GeometryError, match="no triangles"):
        picture(Mesh(np.zeros((3, 3)), np.empty((0, 3))), (10, 10), view=Camera((0, -1, 0), (0, 0, 0)))


def test_png_round_trip(ball: Mesh, tmp_path: Path) -> None:
    from PIL import Image

    image = picture(ball, (40, 30), background=None, samples=1, occlusion_rays=0)
    save_png(image, tmp_path / "ball.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "ball.png")), image)
