"""A World stepped to its end, and all of it on disk: a Trajectory, what sensors read, the scene, the last meshes."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.io.registry import write
from engine.protocol.scene_file import scene_toml
from engine.protocol.trajectory import Layout
from engine.protocol.trajectory_writer import TrajectoryWriter
from engine.simulation.stepper import Solved, Stepper
from engine.simulation.world.readings import Readings
from engine.simulation.world.world import World
from engine.studies.failed_step import failed_step
from engine.studies.frames import trajectory_bodies

SCENE, SENSORS, MESHES = "scene.toml", "sensors.csv", "meshes"


@dataclass
class Recorded:
    """What came of it.

    steps : that were taken
    seconds : that they took, without writing
    iterations : of Newton's method, all together
    residual : the largest of a step, over the size of its forces
    closest : the smallest distance between surfaces at the end of a step [m]; infinite where nothing came near
    energies : at the end [J]
    divided : in how many parts each step was taken that could not be taken whole
    failure : the error at which it ended early; None where it did not
    interrupted : it was asked to stop
    """

    steps: int = 0
    seconds: float = 0.0
    iterations: int = 0
    residual: float = 0.0
    closest: float = float("inf")
    energies: Mapping[str, float] = field(default_factory=dict)
    divided: dict[int, int] = field(default_factory=dict)
    failure: FormwrightError | None = None
    interrupted: bool = False

    def summary(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "steps": self.steps,
            "seconds": round(self.seconds, 3),
            "seconds_per_step": self.seconds / max(1, self.steps),
            "newton_iterations": self.iterations,
            "residual": self.residual,
            "closest_distance": self.closest,
            "energies": dict(self.energies),
            "divided": {str(step): parts for step, parts in self.divided.items()},
            "interrupted": self.interrupted,
            "failure": None if self.failure is None else self.failure.message,
        }


def record(
    world: World,
    folder: Path,
    *,
    steps: int,
    every: int = 1,
    after: Callable[[int, Recorded], bool] = lambda step, recorded: True,
) -> Recorded:
    """Take `steps` steps from the start of the scene, and keep every `every`th frame, the first and the last.

    after : told after each step; False stops there
    A step that fails ends it: what was reached until then is kept, and the error is in what is returned. Raises
    `FileError` where the folder has a Trajectory already or cannot be written.
    """
    recorded, stepper = Recorded(), world.stepper()
    with _Files(world, folder) as files:
        readings = world.readings(stepper)
        files.add(stepper, None, readings, frame=True)
        recorded.energies = readings.energies
        for step in range(1, steps + 1):
            began = time.perf_counter()
            try:
                solved = stepper.step(world.held_during(step - 1))
            except FormwrightError as error:
                recorded.failure = failed_step(error, world, stepper.positions)
                break
            recorded.seconds += time.perf_counter() - began
            readings = world.readings(stepper, solved)
            recorded.steps = step
            recorded.iterations += solved.iterations
            recorded.residual = max(recorded.residual, solved.residual)
            if solved.earlier_parts:
                recorded.divided[step] = len(solved.parts)
            recorded.closest = min(recorded.closest, readings.closest)
            recorded.energies = readings.energies
            recorded.interrupted = not after(step, recorded)
            last = step == steps or recorded.interrupted
            files.add(stepper, solved, readings, frame=last or step % every == 0)
            if recorded.interrupted:
                break
        if recorded.failure is not None and recorded.steps % every:
            files.frame(stepper, readings)
    write_meshes(world, stepper, folder / MESHES)
    return recorded


def write_meshes(world: World, stepper: Stepper, folder: Path) -> None:
    """The surface of every body as it is now, a PLY [mm] each."""
    folder.mkdir(parents=True, exist_ok=True)
    positions = 1e3 * stepper.positions.cpu().numpy()
    for name, body in world.bodies.items():
        if len(body.triangles):
            used, numbers = np.unique(body.triangles, return_inverse=True)
            safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
            mesh = Mesh(positions[used], numbers.reshape(-1, 3).astype(np.int32), name=name)
            write(mesh, folder / f"{safe}.ply")


class _Files:
    """The scene, the Trajectory and the table of numbers in a folder; every row is there when `add` returns."""

    def __init__(self, world: World, folder: Path) -> None:
        names = world.reading_names()
        bodies = trajectory_bodies(world)
        layout = Layout(len(world.positions), names.energies, names.scalars, names.fields, "single")
        self._frames = TrajectoryWriter(folder, layout, bodies)
        with atomic_write(folder / SCENE) as temporary:
            temporary.write_text(scene_toml(world.scene), encoding="utf-8")
        try:
            self._table = (folder / SENSORS).open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise FileError(folder / SENSORS, f"it cannot be written ({error.strerror or error}).") from error
        self._rows = csv.writer(self._table)
        energies = [f"{name} [J]" for name in names.energies]
        self._rows.writerow(["step", "time [s]", "parts", "iterations", "residual", *energies, *names.scalars])

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *error: object) -> None:
        self._frames.close()
        self._table.close()

    def add(self, stepper: Stepper, solved: Solved | None, readings: Readings, *, frame: bool) -> None:
        newton = ["", "", ""] if solved is None else [len(solved.parts), solved.iterations, solved.residual]
        step = stepper.moment.step
        self._rows.writerow([step, stepper.time, *newton, *readings.energies.values(), *readings.scalars.values()])
        self._table.flush()
        if frame:
            self.frame(stepper, readings)

    def frame(self, stepper: Stepper, readings: Readings) -> None:
        positions = stepper.positions.cpu().numpy()
        self._frames.add(
            stepper.moment.step,
            stepper.time,
            positions,
            readings.energies,
            scalars=readings.scalars,
            fields=readings.fields,
        )
