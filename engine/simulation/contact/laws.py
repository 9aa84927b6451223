"""How hard a contact pushes: potentials of the distance d below a gap ĝ, for a stiffness of 1 N/m.

The barrier −(d − ĝ)² ln(d/ĝ) is smooth twice at the gap and infinite where surfaces meet (M. Li et al.: Incremental
potential contact, ACM Trans. Graph. 39(4), 2020, with distances in place of their squares). The penalty ½ (d − ĝ)²
is a spring, with such a barrier below half of the gap: surfaces that sink in further are stopped there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Mode = Literal["barrier", "penalty"]


@dataclass(frozen=True)
class Law:
    """gap : ĝ [m]"""

    mode: Mode
    gap: float

    def value(self, distance: Tensor) -> Tensor:
        """[m²], shape (n,)."""
        if self.mode == "barrier":
            return _barrier(distance, self.gap)
        sunk = (distance - self.gap).clamp(max=0.0)
        return 0.5 * sunk**2 + _barrier(distance, 0.5 * self.gap)

    def slope(self, distance: Tensor) -> Tensor:
        """First derivative [m], at most 0."""
        if self.mode == "barrier":
            return _barrier_slope(distance, self.gap)
        return (distance - self.gap).clamp(max=0.0) + _barrier_slope(distance, 0.5 * self.gap)

    def curvature(self, distance: Tensor) -> Tensor:
        """Second derivative, at least 0."""
        if self.mode == "barrier":
            return _barrier_curvature(distance, self.gap)
        return (distance < self.gap).to(distance.dtype) + _barrier_curvature(distance, 0.5 * self.gap)


def _barrier(distance: Tensor, gap: float) -> Tensor:
    ratio = (distance / gap).clamp(max=1.0)
    return -(gap**2) * (ratio - 1.0) ** 2 * torch.log(ratio)


def _barrier_slope(distance: Tensor, gap: float) -> Tensor:
    ratio = (distance / gap).clamp(max=1.0)
    return -gap * (2.0 * (ratio - 1.0) * torch.log(ratio) + (ratio - 1.0) ** 2 / ratio)


def _barrier_curvature(distance: Tensor, gap: float) -> Tensor:
    ratio = (distance / gap).clamp(max=1.0)
    return -(2.0 * torch.log(ratio) + 4.0 * (ratio - 1.0) / ratio - ((ratio - 1.0) / ratio) ** 2)
