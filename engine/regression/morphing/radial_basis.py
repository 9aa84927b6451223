"""Deformations that carry some points to given places and everything between smoothly along.

Duchon, Splines minimizing rotation-invariant semi-norms, 1977: r² log r in the plane, r in space, and a linear part.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Deformation:
    """x ↦ x + Σ wⱼ φ(|x − cⱼ|) + A x + b, exact at the centres; differentiable in centres and goals.

    centres, goals : shapes (centre_count, dimension), float64, no two in one place; with the linear part at least
        dimension + 1 that span the space
    scale : a length of the part, for numbers near 1
    linear : without it A is nothing (in space alone: r² log r needs it)
    """

    def __init__(self, centres: Tensor, goals: Tensor, scale: float, *, linear: bool = True) -> None:
        self._scale, self._has_linear = scale, linear
        self._centres = centres / scale
        smooth = self._polynomials(self._centres)
        top = torch.cat([_kernel(self._centres, self._centres), smooth], dim=1)
        bottom = torch.cat([smooth.T, smooth.new_zeros((smooth.shape[1],) * 2)], dim=1)
        right = torch.cat([(goals - centres) / scale, centres.new_zeros((smooth.shape[1], centres.shape[1]))])
        self._weights: Tensor = torch.linalg.solve(torch.cat([top, bottom]), right)

    def __call__(self, points: Tensor) -> Tensor:
        """Where points go, shape (point_count, dimension), with the graph of all."""
        at = points / self._scale
        moved = torch.cat([_kernel(at, self._centres), self._polynomials(at)], dim=1) @ self._weights
        return points + self._scale * moved

    def _polynomials(self, points: Tensor) -> Tensor:
        one = points.new_ones((len(points), 1))
        return torch.cat([one, points], dim=1) if self._has_linear else one


def _kernel(points: Tensor, centres: Tensor) -> Tensor:
    distance = torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist")
    # The addend keeps the derivative where a point is a centre.
    return distance.square() * (distance + 1e-30).log() if points.shape[1] == 2 else distance
