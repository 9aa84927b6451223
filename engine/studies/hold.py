"""Hold it so: the way of grippers or pins that brings a sheet to a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.target_shape import TargetShape
from engine.protocol.scene import Gripper, Obstacle
from engine.protocol.scene_names import pin_name
from engine.protocol.study import Study, TermSpec
from engine.simulation.rigid.motion import poses_at
from engine.simulation.world.world import World
from engine.studies.simulated import Controls, SimulatedProblem, target_of, world_of
from engine.studies.simulated_parameters import HoldParameters, listed

UNIT = (0.01, 0.01, 0.01, 0.1, 0.1, 0.1, 0.01)
"""What 1 in the design is of each part of a pose: translation [m], rotation [rad], width [m]."""

COLUMNS = {"translation": 3, "pose": 6, "pose-and-width": 7}


class HoldProblem(SimulatedProblem):
    """The design is how far each knot's pose is from where the scene's own motion is at its time.

    Knots are even in time after the start, where everything stands as the scene says; between them the way is a cubic
    spline at rest at both ends.
    """

    parameters: HoldParameters

    def __init__(
        self,
        study: Study,
        inputs: Mapping[str, Any],
        parameters: HoldParameters,
        world: World,
        terms: list[TermSpec],
        shape: TargetShape | None,
    ) -> None:
        time = world.scene.time
        times = time.step * torch.arange(time.steps + 1, dtype=torch.float64)
        self._own = {name: scene_poses(world, name, times) for name in _movers(parameters, world)}
        self._spline = spline_matrix(parameters.knots, len(times))
        super().__init__(study, inputs, parameters, world, terms, shape=shape)

    def _start(self) -> dict[str, Tensor]:
        wanted = COLUMNS[self.parameters.moves]
        return {
            name: torch.zeros(self.parameters.knots, min(wanted, own.shape[1]), dtype=torch.float64)
            for name, own in self._own.items()
        }

    def _controls(self) -> Controls:
        return Controls(poses={name: self._path(name) for name in self._own})

    def paths(self) -> dict[str, np.ndarray]:
        """Poses of every mover at the start and after each step: [m], [rad], shape (steps + 1, 6 or 7)."""
        with torch.no_grad():
            return {name: self._path(name).numpy() for name in self._own}

    def _path(self, name: str) -> Tensor:
        knots, own = self._tensors[name], self._own[name]
        change = self._spline @ (knots * torch.tensor(UNIT[: knots.shape[1]], dtype=torch.float64))
        rest = own.new_zeros(len(own), own.shape[1] - knots.shape[1])
        path = own + torch.cat([change, rest], dim=1)
        if path.shape[1] < len(UNIT):
            return path
        # A width is never below 0: fingers would be behind each other.
        return torch.cat([path[:, :6], path[:, 6:].clamp(min=0.0)], dim=1)

    def _report(self) -> dict[str, Any]:
        return {"paths": {name: path.tolist() for name, path in self.paths().items()}}


def spline_matrix(knots: int, count: int) -> Tensor:
    """What makes `count` values, even in time, of the knots' values after a first knot of 0: shape (count, knots)."""
    at = np.linspace(0.0, 1.0, knots + 1)
    values = CubicSpline(at, np.eye(knots + 1), bc_type="clamped")(np.linspace(0.0, 1.0, count))
    return torch.from_numpy(np.ascontiguousarray(values[:, 1:]))


def scene_poses(world: World, mover: str, times: Tensor) -> Tensor:
    """Where the scene's own motion has a mover at `times` [s], shape (n, 6 or 7)."""
    owner, _, pin = mover.partition("/")
    item = world.scene.body(owner)
    if isinstance(item, Gripper):
        return poses_at(item.motion, times, item.width)
    if isinstance(item, Obstacle):
        return poses_at(item.motion, times)
    motions = {pin_name(item.pins, number): found.motion for number, found in enumerate(item.pins)}
    return poses_at(motions[pin], times)


def hold_terms() -> list[TermSpec]:
    return [
        TermSpec(kind="end-shape", name="end-shape", weight=1.0),
        TermSpec(kind="calm-motion", name="calm-motion", weight=0.01),
        TermSpec(kind="speed-limit", name="speed-limit", weight=1.0),
    ]


def build_hold(study: Study, inputs: dict[str, Any], progress: Any) -> HoldProblem:
    parameters = HoldParameters.parse(study.parameters, owner=study.study)
    progress("Building the scene", 0.2)
    world = world_of(study, inputs)
    terms = study.terms or hold_terms()
    shape = target_of(study, inputs, wanted=any(spec.kind == "end-shape" for spec in terms))
    return HoldProblem(study, inputs, parameters, world, terms, shape)


def _movers(parameters: HoldParameters, world: World) -> list[str]:
    """What is moved; raises `ParameterError` where there is nothing."""
    known = list(world.movers)
    grippers = [gripper.name for gripper in world.scene.grippers]
    pins = [name for name in known if "/" in name]
    names = listed(parameters.movers) or [name for name in grippers if name in known] or pins
    for name in names:
        if name not in known:
            raise ParameterError(
                "hold.movers", f"{name!r} does not move anything.", remedy=f"There are {', '.join(known) or 'none'}."
            )
    if not names:
        raise ParameterError(
            "hold.movers", "the scene has no gripper and no pin.", remedy="Pin the sheet, or give it a gripper."
        )
    return names
