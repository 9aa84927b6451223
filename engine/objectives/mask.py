"""Masks: regions with a name, and what they make a Term count at a place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.leaves import State
from engine.geometry.distance import TriangleIndex
from engine.geometry.frame import Frame
from engine.protocol.edits import SetMask

ROUNDING = 1e-9
"""Relative: what lies exactly at the reach belongs to the mask."""

WIDER = 1.001
"""The search is in float32 and must not miss what lies at the reach."""


class Mask:
    """A number in [0, 1] at every place: that of the nearest point of the mask within its reach, else 0.

    It is constant almost everywhere, so its gradient with respect to the place is zero by definition. A Term that is
    weighed with it has the derivative of its own integrand; what the surface would gain by moving to where the mask is
    smaller pulls nothing.

    edit : the points [mm], their values, and the reach [mm]; kept as they are
    frame : the way to the working frame, where places are asked for
    """

    def __init__(self, edit: SetMask, frame: Frame, device: Device) -> None:
        self.edit = edit
        self._device = device
        self._points = torch.from_numpy(frame.to_working(edit.points)).to(device.torch)
        self._reach = frame.length_to_working(edit.reach) * (1.0 + ROUNDING)
        self._resting: dict[int, tuple[Tensor, Tensor]] = {}

    @cached_property
    def _index(self) -> TriangleIndex:
        # Triangles without extent: the search among points that runs where the surface is.
        corners = torch.arange(len(self._points), dtype=torch.int32, device=self._device.torch)
        return TriangleIndex(self._points.to(torch.float32), corners[:, None].repeat(1, 3), self._device)

    @cached_property
    def _values(self) -> Tensor:
        return torch.from_numpy(self.edit.values.astype(np.float64)).to(self._device.torch)

    def at(self, positions: Tensor) -> Tensor:
        """Value at each of `positions` (n, 3), working frame, without a graph: float64, shape (n,)."""
        if not len(self._points):
            return torch.zeros(len(positions), dtype=torch.float64, device=positions.device)
        places = positions.detach().to(torch.float64)
        nearest = self._index.closest(places.to(torch.float32), WIDER * self._reach).faces.long()
        row = nearest.clamp(min=0)
        distance = torch.linalg.vector_norm(places - self._points[row], dim=1)
        return torch.where((nearest >= 0) & (distance <= self._reach), self._values[row], 0.0)

    def at_resting(self, positions: Tensor) -> Tensor:
        """`at` of a tensor that is asked for again and again and never changes: looked up once."""
        if id(positions) not in self._resting:
            # The tensor is kept too, lest another takes its place and its id.
            self._resting[id(positions)] = (positions, self.at(positions))
        return self._resting[id(positions)][1]

    @cached_property
    def region(self) -> tuple[Tensor, Tensor]:
        """The points whose value is not zero, (n, 3), working frame, float64, and their values, (n,)."""
        inside = torch.nonzero(self._values)[:, 0]
        return self._points[inside], self._values[inside]

    def state(self) -> State:
        """Plain data; the arrays are the same objects in every state, so that a History keeps them once."""
        return {
            "name": self.edit.name,
            "points": self._own_points,
            "values": self._own_values,
            "reach": self.edit.reach,
        }

    @staticmethod
    def edit_of(state: State) -> SetMask:
        """What made the mask of a `state`."""
        return SetMask.model_validate(state)

    @cached_property
    def _own_points(self) -> np.ndarray:
        return np.array(self.edit.points)

    @cached_property
    def _own_values(self) -> np.ndarray:
        return np.array(self.edit.values)


@dataclass(frozen=True)
class MaskWeight:
    """Weighs an integrand with outside + (1 − outside) · mask."""

    mask: Mask
    outside: float = 0.0

    def of(self, values: Tensor) -> Tensor:
        """The factor where the mask has `values`."""
        return self.outside + (1.0 - self.outside) * values

    def at(self, positions: Tensor) -> Tensor:
        """The factor at `positions` (n, 3), working frame: float64, shape (n,)."""
        return self.of(self.mask.at(positions))
