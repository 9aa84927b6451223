from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from engine.protocol.scene import Gripper, Keyframe, Motion, Pose
from engine.simulation.rigid.gripper import carried, fingers
from engine.simulation.rigid.motion import pose_at, poses_at
from engine.simulation.rigid.poses import RigidPoints, orientation, placed, rotation_matrices

ANGLES = [0.0, 1e-300, 1e-160, 1e-9, 1e-3, 0.0999, 0.1001, 1.0, math.pi - 1e-9, math.pi, math.pi + 1e-9, 7.0]


@pytest.mark.parametrize("angle", ANGLES)
def test_rotations_and_their_derivatives_at_any_angle(angle: float) -> None:
    axis = torch.tensor([2.0, -1.0, 3.0], dtype=torch.float64)
    vector = angle * axis / axis.norm()
    expected = Rotation.from_rotvec(vector.numpy()).as_matrix()
    torch.testing.assert_close(rotation_matrices(vector), torch.as_tensor(expected), rtol=0, atol=4e-15)
    assert torch.autograd.gradcheck(rotation_matrices, vector.requires_grad_(), eps=1e-6, atol=1e-8, rtol=1e-7)
    assert torch.autograd.gradgradcheck(rotation_matrices, vector, eps=1e-6, atol=1e-7, rtol=1e-6)


def test_many_rotations_at_once() -> None:
    vectors = torch.zeros(2, 3, 3, dtype=torch.float64)
    vectors[1, 2, 0] = math.pi / 2
    turned = rotation_matrices(vectors)
    assert turned.shape == (2, 3, 3, 3)
    torch.testing.assert_close(turned[0], torch.eye(3, dtype=torch.float64).expand(3, 3, 3))
    torch.testing.assert_close(turned[1, 2] @ torch.tensor([0.0, 1, 0]).double(), torch.tensor([0.0, 0, 1]).double())


@pytest.mark.parametrize("width", [None, 0.05])
def test_held_points_are_differentiable_in_poses(width: float | None) -> None:
    generator = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    opening = None if width is None else numbers(4, 3)
    points = RigidPoints(numbers(4, 3), numbers(3), opening, width or 0.0)
    poses = numbers(5, 6 if width is None else 7)
    poses[0] = 0.0  # where the rotation vector has no direction
    assert torch.autograd.gradcheck(points.at, poses.requires_grad_(), eps=1e-6, atol=1e-9, rtol=1e-7)


def test_distances_are_kept_and_the_origin_only_moves() -> None:
    generator = torch.Generator().manual_seed(1)
    points = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    pose = torch.tensor([0.1, -0.2, 0.3, 0.4, 1.5, -2.0], dtype=torch.float64)
    held = RigidPoints(points, points[2]).at(pose)
    torch.testing.assert_close(torch.pdist(held), torch.pdist(points), rtol=1e-13, atol=0)
    torch.testing.assert_close(held[2], points[2] + pose[:3], rtol=0, atol=1e-15)


def test_keyframes_straight_and_smooth() -> None:
    keys = [
        Keyframe(time=1.0, translation=(1.0, 0.0, 0.0)),
        Keyframe(time=3.0, translation=(3.0, 2.0, 0.0), rotation=(0, 0, 720)),
    ]
    times = torch.tensor([0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0], dtype=torch.float64)
    straight = poses_at(Motion(keyframes=keys, interpolation="linear"), times)
    torch.testing.assert_close(straight[:, 0], torch.tensor([1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0]).double())
    torch.testing.assert_close(straight[:, 5], 4 * math.pi * torch.tensor([0, 0, 0.25, 0.5, 0.75, 1, 1]).double())
    smooth = Motion(keyframes=keys)
    torch.testing.assert_close(poses_at(smooth, times[3:4]), straight[3:4])
    step = 1e-6
    for key in (1.0, 3.0):
        speed = (pose_at(smooth, key + step) - pose_at(smooth, key - step)) / (2 * step)
        assert float(speed.abs().max()) < 1e-4
    assert float((pose_at(smooth, 2.0 + step) - pose_at(smooth, 2.0 - step))[0]) / (2 * step) == pytest.approx(1.5)


def test_no_keyframes_and_one() -> None:
    times = torch.tensor([0.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(poses_at(Motion(), times), torch.zeros(2, 6).double())
    torch.testing.assert_close(poses_at(Motion(), times, 0.03)[:, 6], torch.full((2,), 0.03).double())
    one = Motion(keyframes=[Keyframe(time=1.0, translation=(0.0, 0.0, 1.0))])
    torch.testing.assert_close(poses_at(one, times)[:, 2], torch.ones(2).double())


def test_a_keyframe_without_width_leaves_it() -> None:
    keys = [Keyframe(time=0.0), Keyframe(time=1.0, width=0.01), Keyframe(time=2.0), Keyframe(time=3.0, width=0.03)]
    motion = Motion(keyframes=keys, interpolation="linear")
    widths = poses_at(motion, torch.tensor([0.0, 0.5, 1.5, 2.5], dtype=torch.float64), 0.02)[:, 6]
    torch.testing.assert_close(widths, torch.tensor([0.02, 0.015, 0.01, 0.02]).double())


def test_a_pose_turns_about_x_then_y_then_z() -> None:
    pose = Pose(translation=(1.0, 2.0, 3.0), rotation=(20.0, -50.0, 110.0), scale=2.0)
    expected = Rotation.from_euler("xyz", pose.rotation, degrees=True).as_matrix()
    np.testing.assert_allclose(orientation(pose), expected, atol=1e-15)
    points = np.array([[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(placed(points, pose), 2.0 * points @ expected.T + pose.translation, atol=1e-15)


def test_fingers_close_along_their_axis() -> None:
    gripper = Gripper(
        name="g", pose=Pose(translation=(0.0, 0.0, 0.5), rotation=(0, 0, 90)), width=0.04, finger=(0.01, 0.02, 0.03)
    )
    both, triangles = fingers(gripper)
    half = len(both.points) // 2
    assert set(triangles[: len(triangles) // 2].reshape(-1).tolist()) == set(range(half))

    def gap(pose: Tensor) -> float:
        held = both.at(pose)
        return float(held[half:, 1].min() - held[:half, 1].max())

    rest = torch.tensor([0.0] * 6 + [0.04], dtype=torch.float64)
    torch.testing.assert_close(both.at(rest), both.points)
    assert gap(rest) == pytest.approx(0.04)  # x of the gripper is y of the world
    assert float(both.points[:, 2].min()) == pytest.approx(0.5 - 0.015)
    closed = rest.clone()
    closed[6] = 0.01
    assert gap(closed) == pytest.approx(0.01)
    pin = carried(gripper, np.array([[0.0, 0.0, 0.4]]))
    torch.testing.assert_close(pin.at(closed), pin.points)
    turned = closed.clone()
    turned[3] = math.pi  # about the world's x through the gripper's origin
    torch.testing.assert_close(pin.at(turned), torch.tensor([[0.0, 0.0, 0.6]]).double())
