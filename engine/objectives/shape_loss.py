"""A loss whose gradient on the vertices is known when its value is: one node in the autograd graph."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.bridge import Operation, apply


def shape_loss(vertices: Tensor, value: Tensor, gradient: Tensor, *, name: str = "this Term") -> Tensor:
    """The scalar `value` with `gradient` (shape of `vertices`) as its derivative in `vertices`.

    Both were computed from the values of `vertices`, in any floating dtype; the result has that of `vertices`.
    """
    (loss,) = apply(_ShapeLoss(name, value.to(vertices.dtype), gradient.to(vertices.dtype)), vertices)
    return loss


class _ShapeLoss(Operation):
    def __init__(self, name: str, value: Tensor, gradient: Tensor) -> None:
        self.name = name
        self.value = value
        self.gradient = gradient

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (self.value,)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        incoming = gradients[0]
        return (None if incoming is None else incoming * self.gradient,)


def zeros_like_vertices(vertices: Tensor) -> Tensor:
    """An empty float64 gradient."""
    return torch.zeros(vertices.shape, dtype=torch.float64, device=vertices.device)
