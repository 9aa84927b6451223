"""Design tensors that may be replaced while an optimiser goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

State = dict[str, np.ndarray | int | float | str | list[Any] | dict[str, Any]]
"""Plain data: arrays and JSON values."""


@dataclass(frozen=True)
class Remap:
    """A design tensor was replaced (the active set grew, the resolution changed).

    old, new : the leaf before and after; old is None for a tensor that is new altogether
    moments : maps an optimiser moment of the shape of `old` to the shape of `new`, so that
        the descent keeps its momentum
    """

    name: str
    old: Tensor | None
    new: Tensor
    moments: Callable[[Tensor], Tensor]
