"""Which parts of two features are nearest each other, and how far apart they are.

Everywhere on the border between two answers both are as near, so rounding there does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import launch
from engine.simulation.contact import search_kernels as kernels


@dataclass(frozen=True)
class Nearest:
    """part : of triangles and edges, as `search_kernels` names them, int32, shape (n,)
    squared : distance [m²], shape (n,)
    """

    part: np.ndarray
    squared: np.ndarray


def on_triangles(positions: np.ndarray, points: np.ndarray, corners: np.ndarray) -> Nearest:
    """Of triangles to points.

    positions : [m], shape (v, 3)
    points, corners : numbers of vertices, shapes (n,) and (n, 3)
    """
    return _nearest(kernels.nearest_on_triangles, positions, points, corners)


def of_edges(positions: np.ndarray, one: np.ndarray, other: np.ndarray) -> Nearest:
    """Of pairs of edges, numbers of vertices, shapes (n, 2)."""
    return _nearest(kernels.nearest_of_edges, positions, one, other)


def tensor(values: np.ndarray, dtype: type[np.generic]) -> Tensor:
    """Over the same memory where that is in order."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype))


def _nearest(kernel: object, positions: np.ndarray, one: np.ndarray, other: np.ndarray) -> Nearest:
    part, squared = torch.empty(len(one), dtype=torch.int32), torch.empty(len(one), dtype=torch.float64)
    arguments = [tensor(positions, np.float64), tensor(one, np.int32), tensor(other, np.int32), part, squared]
    launch(kernel, len(one), arguments, device=torch.device("cpu"))  # type: ignore[arg-type]
    return Nearest(part.numpy(), squared.numpy())
