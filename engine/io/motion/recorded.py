"""A Trajectory as a motion that can be written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.io.motion.controls import Control, controls_of
from engine.io.motion.motion import Motion, MotionBody, MotionFrame, body_colour
from engine.protocol.trajectory import Trajectory


def motion_of(trajectory: Trajectory) -> Motion:
    """All frames that there are now, of the bodies that have a surface: a gripper without fingers has none.

    Energies are in joules; other numbers have the unit that their names say; those of what was driven
    (`engine.io.motion.controls`) come last.

    Raises `FileError` where it has no frames yet.
    """
    if not len(trajectory):
        raise FileError(trajectory.folder, "this trajectory has no frames yet.")
    bodies = tuple(
        MotionBody(body.name, body.vertices, body.triangles, body.colour or body_colour(index))
        for index, body in enumerate(trajectory.bodies)
        if len(body.triangles)
    )
    name = Path(trajectory.folder).resolve().name
    return Motion(name, bodies, range(len(trajectory)), partial(_load, trajectory, controls_of(trajectory)))


def _load(trajectory: Trajectory, controls: Sequence[Control], number: int) -> MotionFrame:
    frame = trajectory[number]
    numbers = {f"{name} energy [J]": value for name, value in frame.energies.items()} | frame.scalars
    positions = np.asarray(frame.positions, np.float64)
    for control in controls:
        numbers |= control.numbers(positions)
    return MotionFrame(frame.time, positions, frame.fields, numbers)
