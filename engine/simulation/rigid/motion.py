"""Keyframes of a Scene as poses over time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.protocol.scene import Motion


def poses_at(motion: Motion, times: Tensor, width: float | None = None) -> Tensor:
    """Poses at `times` [s], shape (n,): translations [m] and rotation vectors [rad], shape (n, 6).

    width : of a gripper at the start [m]; the poses then have a seventh entry, the width [m]

    Before the first keyframe it rests there, after the last too. Between two, rotation vectors change component by
    component, so that a keyframe of 720° turns twice.
    """
    size = 6 if width is None else 7
    if not motion.keyframes:
        rest = times.new_zeros(len(times), size)
        if width is not None:
            rest[:, 6] = width
        return rest
    keys, values = _keyframes(motion, width)
    moments = times.new_tensor(keys)
    poses = times.new_tensor(values)
    after = torch.searchsorted(moments, times.contiguous(), right=True).clamp(1, max(len(keys) - 1, 1))
    if len(keys) == 1:
        return poses.expand(len(times), size).clone()
    before = after - 1
    share = ((times - moments[before]) / (moments[after] - moments[before])).clamp(0.0, 1.0)
    if motion.interpolation == "smooth":
        share = share * share * (3.0 - 2.0 * share)
    return poses[before] + share[:, None] * (poses[after] - poses[before])


def pose_at(motion: Motion, time: float, width: float | None = None) -> Tensor:
    """The pose at one time [s], shape (6,) or (7,); see `poses_at`."""
    return poses_at(motion, torch.tensor([time], dtype=torch.float64), width)[0]


def _keyframes(motion: Motion, width: float | None) -> tuple[list[float], list[list[float]]]:
    """Times [s] and poses of the keyframes; one that names no width leaves that of the one before."""
    times, poses = [], []
    for key in motion.keyframes:
        pose = [*key.translation, *np.radians(key.rotation).tolist()]
        if width is not None:
            width = width if key.width is None else key.width
            pose.append(width)
        times.append(key.time)
        poses.append(pose)
    return times, poses
