"""What was driven in a recorded motion: where grippers and moving obstacles were, found from their vertices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.protocol.trajectory import Trajectory
from engine.protocol.trajectory_bodies import TrajectoryBody

DRIVEN = ("gripper", "obstacle")
"""Kinds of bodies that move as they are told."""
AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Control:
    """A driven body, and its vertices at the start [m], shape (n, 3)."""

    body: TrajectoryBody
    start: np.ndarray

    def numbers(self, positions: np.ndarray) -> dict[str, float]:
        """Where it is, from positions of all vertices [m], shape (vertex_count, 3): how far its middle has moved [m],
        the rotation vector [rad], and of a gripper the distance between the middles of its fingers [m]."""
        now = np.asarray(positions[self.body.vertices], np.float64)
        translation, rotation = rigid_motion(self.start, now)
        name = self.body.name
        found = {f"{name} {axis} [m]": float(value) for axis, value in zip(AXES, translation, strict=True)}
        found |= {f"{name} rotation {axis} [rad]": float(value) for axis, value in zip(AXES, rotation, strict=True)}
        if self.body.kind == "gripper":
            one, other = (half.mean(axis=0) for half in np.array_split(now, 2))
            found[f"{name} opening [m]"] = float(np.linalg.norm(one - other))
        return found


def controls_of(trajectory: Trajectory) -> Sequence[Control]:
    """Driven bodies that are not at the same place at the beginning, in the middle and at the end."""
    frames = [trajectory[number].positions for number in (0, len(trajectory) // 2, len(trajectory) - 1)]
    return [
        Control(body, np.asarray(frames[0][body.vertices], np.float64))
        for body in trajectory.bodies
        if body.kind in DRIVEN and any((other[body.vertices] != frames[0][body.vertices]).any() for other in frames)
    ]


def rigid_motion(start: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the middle of points has moved, and their rotation vector [rad] about it, each of shape (3,).

    The best fit in the mean square (Kabsch 1976). start, now : shape (n, 3)
    """
    from scipy.spatial.transform import Rotation

    middle, middle_now = start.mean(axis=0), now.mean(axis=0)
    left, _, right = np.linalg.svd((now - middle_now).T @ (start - middle))
    mirror = np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    return middle_now - middle, Rotation.from_matrix(left @ mirror @ right).as_rotvec()
