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

from engine.core.bridge import launch
from engine.simulation.contact import potential_kernels as kernels

Mode = Literal["barrier", "penalty"]


@dataclass(frozen=True)
class Law:
    """gap : ĝ [m]"""

    mode: Mode
    gap: float

    @property
    def number(self) -> int:
        """Of the mode, for kernels."""
        return kernels.BARRIER if self.mode == "barrier" else kernels.PENALTY

    def evaluate(self, distance: Tensor) -> Tensor:
        """Value [m²], slope [m] and curvature, shape (n, 3)."""
        result = torch.empty(len(distance), 3, dtype=torch.float64)
        launch(kernels.evaluate_law, len(distance), [self.number, self.gap, distance, result], device=distance.device)
        return result

    def slope(self, distance: Tensor) -> Tensor:
        """First derivative [m], at most 0, shape (n,), which can be differentiated."""
        if self.mode == "barrier":
            return _barrier_slope(distance, self.gap)
        return (distance - self.gap).clamp(max=0.0) + _barrier_slope(distance, 0.5 * self.gap)


def _barrier_slope(distance: Tensor, gap: float) -> Tensor:
    ratio = (distance / gap).clamp(max=1.0)
    return -gap * (2.0 * (ratio - 1.0) * torch.log(ratio) + (ratio - 1.0) ** 2 / ratio)
