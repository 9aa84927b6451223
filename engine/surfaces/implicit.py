"""Implicit functions: values anywhere, differentiable in their leaves."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

CHUNK = 65536
"""Positions that are evaluated at once where no graph is kept: more would not fit into the processor's cache."""


class ImplicitFunction(ABC):
    """A function s(x) of leaves, negative inside its surface."""

    @abstractmethod
    def leaves(self) -> dict[str, Tensor]:
        """What is optimised, by name."""

    @abstractmethod
    def values_at(self, positions: Tensor) -> Tensor:
        """s at `positions` (n, 3), working frame, shape (n,), with graph."""

    def plain_values(self, positions: Tensor) -> Tensor:
        """The same without graph, piece by piece."""
        if not len(positions):
            return positions.new_zeros(0)
        with torch.no_grad():
            return torch.cat([self.values_at(part) for part in positions.split(CHUNK)])

    def values_and_gradients(self, positions: Tensor, *, differentiable: bool = False) -> tuple[Tensor, Tensor]:
        """s (n,) and ∇s (n, 3) at fixed positions. s has its graph to the leaves; ∇s has one when `differentiable`."""
        places = positions.detach().requires_grad_()
        with torch.enable_grad():
            values = self.values_at(places)
            (gradients,) = torch.autograd.grad(values.sum(), places, retain_graph=True, create_graph=differentiable)
        return values, gradients
