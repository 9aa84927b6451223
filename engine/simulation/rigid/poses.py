"""Rigid motions: a pose is a translation [m] and a rotation vector [rad]; a gripper's has its width [m] as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.protocol.scene import Pose

SMALL = 1e-2
"""Square of the angle below which the maps are series."""

TERMS = 6
"""Of the series after the first: what is left out is below 1e-22 there."""


def rotation_matrices(vectors: Tensor) -> Tensor:
    """Rotations about `vectors` by their lengths [rad], shape (..., 3) to (..., 3, 3).

    1 + a K + b K² with a = sin θ / θ, b = (1 − cos θ) / θ² and K the cross product (O. Rodrigues), smooth everywhere:
    both factors are functions of θ², so nothing is divided by an angle of 0.
    """
    x, y, z = vectors.unbind(-1)
    none = torch.zeros_like(x)
    cross = torch.stack([none, -z, y, z, none, -x, -y, x, none], dim=-1).reshape(*vectors.shape[:-1], 3, 3)
    square = (vectors * vectors).sum(dim=-1)
    small = square < SMALL
    # Where the series holds, the other branch must not be asked at 0: its derivative would be NaN, and NaN · 0 is NaN.
    angle = torch.where(small, torch.ones_like(square), square).sqrt()
    sine = torch.where(small, _series(square, 1), torch.sin(angle) / angle)
    cosine = torch.where(small, _series(square, 2), 2.0 * torch.sin(0.5 * angle) ** 2 / angle**2)
    unit = torch.eye(3, dtype=vectors.dtype, device=vectors.device)
    return unit + sine[..., None, None] * cross + cosine[..., None, None] * (cross @ cross)


def moved(points: Tensor, origin: Tensor, poses: Tensor) -> Tensor:
    """o + R (x − o) + t [m], shape (..., n, 3).

    points : x [m], shape (n, 3) or (..., n, 3)
    origin : o [m], shape (3,)
    poses : translations t and rotation vectors, shape (..., 6)
    """
    turned = (points - origin) @ rotation_matrices(poses[..., 3:6]).transpose(-1, -2)
    return origin + turned + poses[..., None, :3]


@dataclass(frozen=True)
class RigidPoints:
    """Points that a pose carries: an obstacle's, a gripper's, or vertices that are held.

    points : where they stand at pose 0 [m], shape (n, 3)
    origin : what they turn about [m], shape (3,)
    opening : how each moves as a gripper opens, over its width, shape (n, 3); None for what has no width
    width : at which the gripper stands in `points` [m]
    """

    points: Tensor
    origin: Tensor
    opening: Tensor | None = None
    width: float = 0.0

    def at(self, poses: Tensor) -> Tensor:
        """Where they are at poses of shape (..., 6), or (..., 7) with the width [m] last: shape (..., n, 3)."""
        points = self.points
        if self.opening is not None and poses.shape[-1] > 6:
            points = points + (poses[..., 6, None, None] - self.width) * self.opening
        return moved(points, self.origin, poses)


def orientation(pose: Pose) -> np.ndarray:
    """The rotation about the fixed x axis, then y, then z, shape (3, 3)."""
    result = np.eye(3)
    for axis, degrees in enumerate(pose.rotation):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one, other = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = cosine
        turn[one, other], turn[other, one] = -sine, sine
        result = turn @ result
    return result


def placed(points: np.ndarray, pose: Pose) -> np.ndarray:
    """A shape's own coordinates in the world: R (s x) + t [m], shape (n, 3)."""
    return np.asarray((pose.scale * points) @ orientation(pose).T + np.asarray(pose.translation))


def _series(square: Tensor, first: int) -> Tensor:
    """Σ (−1)ᵏ θ²ᵏ / (2k + first)!: sin θ / θ for first = 1, (1 − cos θ) / θ² for first = 2."""
    result = torch.ones_like(square)
    for k in range(TERMS, 0, -1):
        result = 1.0 - square * result / ((2 * k + first) * (2 * k + first - 1))
    return result / first
