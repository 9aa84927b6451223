"""A turntable keeps the object in the picture all the way round, and comes back to where it began."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.rendering.camera import Camera, Vector
from engine.rendering.picture import pictures
from engine.rendering.turntable import AXES, camera_all_round, rotation, turned, turntable


def in_picture(view: Camera, positions: np.ndarray, aspect: float) -> np.ndarray:
    """Places in the picture, shape (n, 2): its edges are at ±1."""
    right, up, forward = view.axes()
    offset = positions - view.position
    tangent = np.tan(np.radians(view.field_of_view / 2))
    depth = offset @ forward
    return np.stack([offset @ right / (depth * tangent * aspect), offset @ up / (depth * tangent)], axis=1)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("aspect", [0.6, 1.5])
def test_nothing_leaves_the_picture_while_it_turns(axis: str, aspect: float) -> None:
    positions = np.random.default_rng(1).normal(size=(300, 3)) * (30.0, 4.0, 11.0) + (1e5, -2e4, 50.0)
    view, centre = camera_all_round(positions, axis=AXES[axis], aspect=aspect, margin=1.0)
    seen = [in_picture(camera, positions, aspect) for camera in turntable(view, 90, axis=AXES[axis], centre=centre)]
    widest = np.abs(np.concatenate(seen)).max()
    assert widest <= 1.0 + 1e-9
    assert widest > 0.85  # and no farther away than the slices' rings ask for


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_the_axis_stands_upright(axis: str) -> None:
    view, centre = camera_all_round(np.random.default_rng(3).normal(size=(50, 3)), axis=AXES[axis])
    for camera in turntable(view, 7, axis=AXES[axis], centre=centre):
        right, up, _ = camera.axes()
        assert right @ np.array(AXES[axis]) == pytest.approx(0.0, abs=1e-9)
        assert up @ np.array(AXES[axis]) > 0.5


def test_a_full_turn_is_no_turn() -> None:
    view = Camera((3.0, -4.0, 5.0), (0.5, 0.0, 1.0))
    axis: Vector = (1.0, 2.0, -1.0)
    again = turned(view, 360.0, axis=axis, centre=(1.0, 1.0, 1.0))
    for before, after in ((view.position, again.position), (view.target, again.target), (view.up, again.up)):
        assert after == pytest.approx(before, abs=1e-12)
    assert rotation((0.0, 0.0, 2.0), np.pi / 2) @ np.array([1.0, 0.0, 0.0]) == pytest.approx([0.0, 1.0, 0.0])


def test_pictures_from_several_places_show_several_sides() -> None:
    # A flat plate that lies on one side of the axis: seen from the front it is wide, from the side a line.
    vertices = np.array([[0, 0, 0], [10, 0, 0], [10, 0, 10], [0, 0, 10]], float)
    plate = Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    front = Camera.around(vertices, direction=(0.0, -1.0, 0.0))
    views = list(turntable(front, 4, axis=AXES["z"], centre=(5.0, 0.0, 5.0)))
    covered = [
        (image[..., 3] > 128).mean()
        for image in pictures(plate, views, (32, 32), background=None, samples=2, occlusion_rays=0)
    ]
    assert covered[0] > 0.7
    assert covered[1] < 0.05
    assert covered[2] == pytest.approx(covered[0], abs=0.05)
