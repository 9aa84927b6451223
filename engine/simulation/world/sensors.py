"""The sensors of a scene: forces, energies and vertices, as numbers with names and units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.protocol.scene import Scene, Sensor
from engine.simulation.stepper import Stepper
from engine.simulation.system import GRAVITY, System
from engine.simulation.world.bodies import Body, region_of
from engine.simulation.world.pins import Held
from engine.simulation.world.readings import StepForces, body_energies, energy_names

AXES = ("x", "y", "z")
FEW = 8
"""Vertices of a sensor whose numbers can be chosen one by one."""


@dataclass(frozen=True)
class Sampled:
    """One number of a vertex: its position [m] or its velocity [m/s] along an axis."""

    vertex: int
    axis: int
    velocity: bool = False

    def value(self, positions: Tensor, velocities: Tensor) -> Tensor:
        return (velocities if self.velocity else positions)[self.vertex, self.axis]


@dataclass(frozen=True)
class Watched:
    """A sensor and the vertices that it looks at, numbers of all."""

    sensor: Sensor
    vertices: Tensor


class Sensors:
    """All sensors of a scene. `names` are fixed: "sensor part [unit]".

    Raises `ParameterError` and `BodyError` for a sensor that looks at nothing.
    """

    def __init__(self, scene: Scene, system: System, bodies: Mapping[str, Body], groups: Sequence[Held]) -> None:
        self._system = system
        self._bodies = dict(bodies)
        self._watched = [
            Watched(sensor, _vertices(sensor, scene, bodies, groups, system.device)) for sensor in scene.sensors
        ]
        self.names: tuple[str, ...] = tuple(name for watched in self._watched for name in self._names(watched))

    @property
    def wants_forces(self) -> bool:
        """Whether there is a sensor that `StepForces` are for."""
        return any(watched.sensor.kind in ("reaction", "contact") for watched in self._watched)

    def read(self, stepper: Stepper, forces: StepForces | None) -> dict[str, float]:
        """By name; forces are NaN where there are none yet."""
        values: list[float] = []
        for watched in self._watched:
            values += self._values(watched, stepper, forces)
        return dict(zip(self.names, values, strict=True))

    def sampled(self) -> dict[str, Sampled]:
        """What sensors say of single vertices, by the names of the numbers: those that look at few of them."""
        found: dict[str, Sampled] = {}
        for watched in self._watched:
            if watched.sensor.kind == "vertices" and len(watched.vertices) <= FEW:
                numbers = [
                    Sampled(vertex, axis, velocity)
                    for vertex in watched.vertices.tolist()
                    for velocity in (False, True)
                    for axis in range(len(AXES))
                ]
                found |= dict(zip(self._names(watched), numbers, strict=True))
        return found

    def reactions(self) -> dict[str, tuple[Tensor, int]]:
        """The numbers of sensors of what holds: whose vertices feel it, and along which axis, by the numbers' names."""
        return {
            name: (watched.vertices, axis)
            for watched in self._watched
            if watched.sensor.kind == "reaction"
            for axis, name in enumerate(self._names(watched))
        }

    def _names(self, watched: Watched) -> list[str]:
        sensor = watched.sensor
        if sensor.kind == "energy":
            return [f"{sensor.name} {kind} [J]" for kind in self._kinds(sensor.body)]
        if sensor.kind == "vertices":
            first = self._bodies[sensor.body].first
            return [
                f"{sensor.name} {int(vertex) - first} {prefix}{axis} [{unit}]"
                for vertex in watched.vertices
                for prefix, unit in (("", "m"), ("v", "m/s"))
                for axis in AXES
            ]
        return [f"{sensor.name} {axis} [N]" for axis in AXES]

    def _kinds(self, body: str) -> list[str]:
        if not body:
            return list(energy_names(self._system))
        own = [name.rpartition(".")[2] for name in self._system.energies if name.rpartition(".")[0] == body]
        return [*own, GRAVITY, "kinetic"]

    def _values(self, watched: Watched, stepper: Stepper, forces: StepForces | None) -> list[float]:
        sensor, vertices = watched.sensor, watched.vertices
        if sensor.kind == "energy":
            if not sensor.body:
                return list(stepper.energies().values())
            body = self._bodies[sensor.body]
            return list(body_energies(self._system, stepper, sensor.body, body.vertices).values())
        if sensor.kind == "vertices":
            both = torch.cat([stepper.positions[vertices], stepper.velocities[vertices]], dim=1)
            return [float(value) for value in both.reshape(-1)]
        if forces is None:
            return [math.nan] * 3
        # What holds feels the opposite of the force that it gives.
        acting = -forces.holding if sensor.kind == "reaction" else forces.contact
        return [float(value) for value in acting[vertices].sum(dim=0)]


def _vertices(
    sensor: Sensor, scene: Scene, bodies: Mapping[str, Body], groups: Sequence[Held], device: torch.device
) -> Tensor:
    if sensor.kind == "energy":
        return torch.zeros(0, dtype=torch.int64, device=device)
    if not sensor.body:
        raise ParameterError(sensor.name, "the sensor names no body.", remedy="Choose whose it is.")
    body = bodies[sensor.body]
    if sensor.kind == "reaction":
        mine = [group for group in groups if sensor.body in (group.body, group.mover)]
        chosen = [group.vertices for group in mine if sensor.pin in ("", group.pin)]
        if not chosen:
            what = f"no pin {sensor.pin!r}" if mine else "nothing that holds it"
            raise ParameterError(sensor.name, f"{sensor.body} has {what}: there is no reaction.")
        found = np.unique(np.concatenate(chosen))
    elif sensor.kind == "contact":
        found = np.arange(body.vertices.start, body.vertices.stop)
    else:
        found = region_of(sensor.region, scene.body(sensor.body), body, part=f"the sensor {sensor.name!r}")
        if sensor.count and sensor.count < len(found):
            found = found[np.linspace(0, len(found) - 1, sensor.count).round().astype(np.int64)]
    return torch.as_tensor(found, dtype=torch.int64, device=device)
