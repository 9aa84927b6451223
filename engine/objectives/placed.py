"""Directions and planes that a person places in the viewport."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.core.errors import ParameterError

Position = tuple[float, float, float]


def unit_vector(direction: Position, owner: str) -> Tensor:
    """`direction` with length 1, float64 (3,); raises `ParameterError` that names `owner` where it has no length."""
    length = math.hypot(*direction)
    if not length > 0.0:
        raise ParameterError(owner, "a direction needs a length.", remedy="Give at least one number that is not 0.")
    return torch.tensor(direction, dtype=torch.float64) / length
