"""What is held: pins, obstacles and grippers, each a group of vertices that a pose carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.protocol.scene import Gripper, Motion, Obstacle, Scene, Sheet, Solid
from engine.protocol.scene_names import pin_name
from engine.simulation.rigid.gripper import carried, fingers
from engine.simulation.rigid.motion import poses_at
from engine.simulation.rigid.poses import RigidPoints
from engine.simulation.world.bodies import Body, region_of


@dataclass(frozen=True)
class Held:
    """Vertices that move as one.

    mover : whose poses carry them: "body/pin", or the name of an obstacle or gripper
    body, pin : whose they are; pin is "" of an obstacle or gripper
    vertices : numbers of all, shape (n,)
    points : where they go
    motion : of the mover
    width : of a gripper at the start [m], None for what has none
    """

    mover: str
    body: str
    pin: str
    vertices: np.ndarray
    points: RigidPoints
    motion: Motion
    width: float | None = None

    def at(self, times: Tensor) -> Tensor:
        """Where they are at `times` [s], shape (k,), by their own motion: [m], shape (k, n, 3)."""
        return self.points.at(poses_at(self.motion, times, self.width))


def held_groups(scene: Scene, bodies: Mapping[str, Body]) -> list[Held]:
    """All of them; a vertex of two pins belongs to the first. Raises `BodyError` for a pin that holds nothing."""
    grippers = {gripper.name: gripper for gripper in scene.grippers}
    groups: list[Held] = []
    for item in scene.bodies():
        body = bodies[item.name]
        if isinstance(item, Sheet | Solid):
            groups += _pinned(item, body, grippers)
        elif isinstance(item, Obstacle):
            origin = torch.tensor(item.pose.translation, dtype=torch.float64)
            points = RigidPoints(torch.as_tensor(body.start), origin)
            groups.append(Held(item.name, item.name, "", _numbers(body), points, item.motion))
        elif body.count:
            groups.append(Held(item.name, item.name, "", _numbers(body), fingers(item)[0], item.motion, item.width))
    return groups


def with_motions(groups: Sequence[Held], scene: Scene) -> list[Held]:
    """The same groups, with the motions that `scene` says."""
    motions: dict[str, Motion] = {}
    for item in scene.bodies():
        if isinstance(item, Sheet | Solid):
            names = {f"{item.name}/{pin_name(item.pins, k)}": pin.motion for k, pin in enumerate(item.pins)}
            motions |= names
        else:
            motions[item.name] = item.motion
    return [replace(group, motion=motions[group.mover]) for group in groups]


class Holding:
    """Where held vertices are, in the order of `System.held`."""

    def __init__(self, groups: Sequence[Held], device: torch.device) -> None:
        self.groups = list(groups)
        self._device = device
        numbers = [group.vertices for group in groups]
        joined = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
        self._order = torch.as_tensor(np.argsort(joined, kind="stable"))
        self.vertices = torch.as_tensor(np.sort(joined))

    @property
    def movers(self) -> dict[str, int]:
        """Every name that poses can be given for, and their length (7 with the width of a gripper)."""
        return {group.mover: 6 if group.width is None else 7 for group in self.groups}

    def poses(self, times: Tensor) -> dict[str, Tensor]:
        """Of every mover by its own motion at `times` [s], shape (k,): shape (k, 6) or (k, 7)."""
        widths = {group.mover: group.width for group in self.groups if group.width is not None}
        return {group.mover: poses_at(group.motion, times, widths.get(group.mover)) for group in self.groups}

    def poses_at(self, time: float) -> dict[str, Tensor]:
        """Of every mover at one time [s], shape (6,) or (7,)."""
        found = self.poses(torch.tensor([time], dtype=torch.float64))
        return {mover: poses[0] for mover, poses in found.items()}

    def at(self, times: Tensor, poses: Mapping[str, Tensor] | None = None) -> Tensor:
        """The held unknowns at `times` [s], shape (k,): [m], shape (k, 3 · vertices).

        poses : by the mover's name, shape (k, 6) or (k, 7): translation [m], rotation vector [rad] and the width [m] of
            a gripper, from where it stands at the start. They replace its Motion, and can be differentiated. Without a
            width a gripper's stays that of its Motion.
        """
        given = dict(poses or {})
        unknown = set(given) - set(self.movers)
        if unknown:
            known = ", ".join(self.movers) or "none"
            raise ParameterError(sorted(unknown)[0], "nothing of that name is moved.", remedy=f"There are {known}.")
        parts = [self._moved(group, times, given) for group in self.groups]
        if not parts:
            return torch.zeros(len(times), 0, dtype=torch.float64, device=self._device)
        joined = torch.cat(parts, dim=1)[:, self._order]
        return joined.reshape(len(times), -1).to(self._device)

    def _moved(self, group: Held, times: Tensor, poses: Mapping[str, Tensor]) -> Tensor:
        if group.mover not in poses:
            return group.at(times)
        given = poses[group.mover].to("cpu", torch.float64)
        if given.ndim != 2 or len(given) != len(times) or given.shape[1] not in (6, self.movers[group.mover]):
            raise ParameterError(
                group.mover, f"its poses must have the shape ({len(times)}, {self.movers[group.mover]})."
            )
        if group.width is not None and given.shape[1] == 6:
            given = torch.cat([given, poses_at(group.motion, times, group.width)[:, 6:]], dim=1)
        return group.points.at(given)


def _pinned(item: Sheet | Solid, body: Body, grippers: Mapping[str, Gripper]) -> list[Held]:
    groups: list[Held] = []
    taken = np.zeros(body.count, bool)
    for number, pin in enumerate(item.pins):
        name = pin_name(item.pins, number)
        found = region_of(pin.region, item, body, part=f"the pin {name!r}") - body.first
        own = found[~taken[found]]
        taken[own] = True
        start = body.start[own]
        if pin.gripper:
            gripper = grippers[pin.gripper]
            mover, motion, points = gripper.name, gripper.motion, carried(gripper, start)
            width: float | None = gripper.width
        else:
            mover, motion, width = f"{item.name}/{name}", pin.motion, None
            points = RigidPoints(torch.as_tensor(start), torch.as_tensor(body.start[found].mean(axis=0)))
        groups.append(Held(mover, item.name, name, own + body.first, points, motion, width))
    return groups


def _numbers(body: Body) -> np.ndarray:
    return np.arange(body.vertices.start, body.vertices.stop)
