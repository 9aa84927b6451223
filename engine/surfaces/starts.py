"""Fields to start from that need no target: values at the nodes of the grid on [-1, 1]^3, negative inside."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.errors import ParameterError


def node_axis(resolution: int) -> Tensor:
    """Coordinates of the nodes along one axis, float64, shape (resolution + 1,)."""
    return torch.linspace(-1.0, 1.0, resolution + 1, dtype=torch.float64)


def sphere_field(resolution: int, *, radius: float = 0.6) -> Tensor:
    """Signed distance to a sphere round the origin, shape (n + 1, n + 1, n + 1), indexed (x, y, z)."""
    if not radius > 0.0:
        raise ParameterError("radius", f"{radius} is no radius.", remedy="Give a positive length.")
    axis = node_axis(resolution)
    square = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    return square.sqrt() - radius


def random_field(resolution: int, *, seed: int, inside_fraction: float = 0.1) -> Tensor:
    """Independent uniform values in [−fraction, 1 − fraction), shape (n + 1, n + 1, n + 1)."""
    if not 0.0 < inside_fraction < 1.0:
        raise ParameterError("inside_fraction", "it must lie between 0 and 1.")
    generator = torch.Generator().manual_seed(seed)
    shape = (resolution + 1,) * 3
    return torch.rand(shape, generator=generator, dtype=torch.float64) - inside_fraction
