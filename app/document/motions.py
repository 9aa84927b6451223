"""Keyframes that follow from where a thing is put by hand."""

from __future__ import annotations

import numpy as np

from app.document.placement import Placement
from engine.protocol.scene import Keyframe, Motion


def keyed(motion: Motion, keyframe: Keyframe) -> Motion:
    """The motion with one more keyframe, in place of one of the same time."""
    others = [other for other in motion.keyframes if other.time != keyframe.time]
    frames = sorted([*others, keyframe], key=lambda frame: frame.time)
    return motion.model_copy(update={"keyframes": frames})


def at(motion: Motion, time: float) -> Keyframe | None:
    """The keyframe of that time [s]."""
    return next((frame for frame in motion.keyframes if frame.time == time), None)


def keyframe_between(stands: Placement, put: Placement, time: float) -> Keyframe:
    """The keyframe that takes a body from where it stands to where it was put."""
    x, y, z = (float(f"{(b - a) / 1000.0:.9g}") for a, b in zip(stands.translation, put.translation, strict=True))
    turn = _turn(put) @ _turn(stands).T
    a, b, c = (float(f"{value:.9g}") for value in np.degrees(rotation_vector(turn)))
    return Keyframe(time=time, translation=(x, y, z), rotation=(a, b, c))


def put_by(stands: Placement, keyframe: Keyframe) -> np.ndarray:
    """Matrix (4, 4) [mm] from a body's own frame to where a keyframe has it."""
    matrix = stands.matrix()
    matrix[:3, :3] = rotation_matrix(np.radians(keyframe.rotation)) @ matrix[:3, :3]
    matrix[:3, 3] += 1000.0 * np.asarray(keyframe.translation)
    return matrix


def rotation_matrix(vector: np.ndarray) -> np.ndarray:
    """About the direction of `vector` by its length [rad] (Rodrigues), shape (3, 3)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = np.asarray(vector) / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def rotation_vector(turn: np.ndarray) -> np.ndarray:
    """Axis times angle [rad], at most half a turn, of a rotation matrix (3, 3)."""
    cosine = float(np.clip(0.5 * (np.trace(turn) - 1.0), -1.0, 1.0))
    angle = float(np.arccos(cosine))
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    if angle < 1e-9:
        return 0.5 * axis
    if angle > np.pi - 1e-6:  # the difference vanishes: the axis is what stays, the sum's largest column
        column = (turn + np.eye(3))[:, int(np.argmax(np.diag(turn)))]
        return angle * column / np.linalg.norm(column)
    return angle * axis / (2.0 * np.sin(angle))


def _turn(placement: Placement) -> np.ndarray:
    return Placement(rotation=placement.rotation).matrix()[:3, :3]
