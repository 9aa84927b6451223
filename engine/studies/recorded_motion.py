"""Recordings for *Identify*: a Trajectory, a table of points, or a target at the end of the simulation."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.errors import FileError, ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.recorded import RecordedMotion
from engine.objectives.target_shape import MILLIMETRE
from engine.protocol.study import Study
from engine.protocol.trajectory import INDEX, Trajectory
from engine.simulation.world.world import World

RECORDING = "recording"
"""The role of the input."""


def is_recording(path: Path) -> bool:
    """Whether it is a Trajectory's folder or a table, and no Geometry."""
    return (path / INDEX).is_file() or path.suffix.lower() == ".csv"


def read_recorded(path: Path) -> RecordedMotion:
    """The motion that a file holds; raises `FileError`."""
    return _table(path) if path.suffix.lower() == ".csv" else _trajectory(path)


def recording_of(study: Study, inputs: Mapping[str, Any], world: World) -> RecordedMotion:
    """What the study's input "recording" is: a motion as it was read, or a mesh or scan that is met at the end.

    Raises `ParameterError` where there is none, or where it does not fit the scene.
    """
    given = inputs.get(RECORDING)
    if given is None and RECORDING in study.inputs:
        given = read_recorded(Path(study.inputs[RECORDING]))
    if given is None:
        raise ParameterError(
            RECORDING, "Identify needs it.",
            remedy="Give the folder of a trajectory, a CSV table of points, or a mesh or scan of the end.",
        )  # fmt: skip
    duration = world.scene.time.steps * world.scene.time.step
    if isinstance(given, Mesh | Points):
        given = _at_the_end(given, world, duration)
    if not isinstance(given, RecordedMotion):
        raise ParameterError(RECORDING, "it is no motion, no mesh and no scan.")
    within = given.times <= duration * (1.0 + 1e-9)
    if not bool(within.any()):
        raise ParameterError(
            RECORDING, f"it begins at {float(given.times.min()):g} s, and the scene ends at {duration:g} s.",
            remedy="Make the scene's duration longer.",
        )  # fmt: skip
    which = given.vertices[within] if given.vertices is not None else None
    count = len(world.positions)
    if which is not None and int(which.max()) >= count:
        raise ParameterError(
            RECORDING, f"it names vertex {int(which.max())}, and the scene has {count}, counted from 0.",
            remedy="Record the same scene, or leave the column vertex out.",
        )  # fmt: skip
    return RecordedMotion(given.times[within], given.positions[within], which)


def _at_the_end(geometry: Mesh | Points, world: World, duration: float) -> RecordedMotion:
    positions = geometry.vertices if isinstance(geometry, Mesh) else geometry.positions
    first = world.bodies[world.scene.sheets[0].name]
    vertices = None
    if isinstance(geometry, Mesh) and len(positions) == first.count:
        vertices = torch.arange(first.vertices.start, first.vertices.stop)
    times = torch.full((len(positions),), duration, dtype=torch.float64)
    return RecordedMotion(times, torch.from_numpy(np.ascontiguousarray(positions * MILLIMETRE)), vertices)


def _trajectory(path: Path) -> RecordedMotion:
    """Vertices of sheets and soft bodies in all frames but the first, which is where they start."""
    trajectory = Trajectory.open(path)
    moving = [body.vertices for body in trajectory.bodies if body.kind in ("sheet", "solid")]
    if len(trajectory) < 2 or not moving:
        raise FileError(path, "nothing moves in this trajectory.", remedy="Record a sheet for a step at least.")
    which = np.concatenate([np.arange(part.start, part.stop) for part in moving])
    frames = [trajectory[number] for number in range(1, len(trajectory))]
    positions = np.concatenate([np.asarray(frame.positions, np.float64)[which] for frame in frames])
    times = np.repeat([frame.time for frame in frames], len(which))
    return RecordedMotion(
        torch.from_numpy(times), torch.from_numpy(positions), torch.from_numpy(np.tile(which, len(frames)))
    )


def _table(path: Path) -> RecordedMotion:
    """A CSV with the columns time [s], x, y, z [mm], and vertex where that is known."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or []]
            missing = [name for name in ("time", "x", "y", "z") if name not in names]
            if missing:
                raise FileError(
                    path, f"it has no column {missing[0]!r}.", remedy="A recording has time [s], x, y, z [mm]."
                )
            rows = [{(key or "").strip(): value for key, value in row.items()} for row in reader]
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from error
    except UnicodeDecodeError:
        raise FileError(path, "it holds no text.") from None
    if not rows:
        raise FileError(path, "it has no rows.")
    columns = ["time", "x", "y", "z"] + (["vertex"] if "vertex" in names else [])
    values = np.empty((len(rows), len(columns)))
    for number, row in enumerate(rows):
        try:
            values[number] = [float(row[name]) for name in columns]
        except (TypeError, ValueError):
            raise FileError(path, f"row {number + 1} has something that is no number.") from None
    whole = values[:, 4:]
    if (
        not np.isfinite(values).all()
        or (values[:, 0] < 0.0).any()
        or (whole != np.floor(whole)).any()
        or (whole < 0).any()
    ):
        raise FileError(path, "it has a time below 0, a vertex that is no whole number, or a value that is not finite.")
    order = np.argsort(values[:, 0], kind="stable")
    values = values[order]
    vertices = torch.from_numpy(values[:, 4].astype(np.int64)) if "vertex" in names else None
    return RecordedMotion(
        torch.from_numpy(values[:, 0].copy()), torch.from_numpy(values[:, 1:4] * MILLIMETRE), vertices
    )
