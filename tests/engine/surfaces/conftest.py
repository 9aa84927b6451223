"""Shapes shared by the tests of the surfaces."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


def _torus_and_ball(resolution: int) -> Tensor:
    axis = torch.linspace(-1.0, 1.0, resolution + 1, dtype=torch.float64)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    torus = ((torch.sqrt(x * x + y * y) - 0.6) ** 2 + z * z).sqrt() - 0.2
    ball = torch.sqrt(x * x + y * y + z * z) - 0.25
    return torch.minimum(torus, ball)


@pytest.fixture
def torus_and_ball() -> Tensor:
    """Signed distance to a torus round a ball, at 24 cells a side: Euler characteristic 2, two parts."""
    return _torus_and_ball(24)
