"""Whether a saved state is one of FlexiCubes: kernels look up what it says without asking whether it is there."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.surfaces.extraction import WEIGHT_COUNT
from engine.surfaces.grid import Grid

IDS = ("node_ids", "cell_ids", "frozen_cells")


def require_fit(state: State) -> Grid:
    """The grid of a state; raises `ParameterError` where its arrays are not of that grid, or of one another.

    Values that are not finite are let through: an evaluation finds them, and the Run goes back.
    """
    if state.get("kind") != "flexicubes":
        raise ParameterError("surface", f"a state of {state.get('kind')!r} is no FlexiCubes.")
    resolution = state.get("resolution")
    if not isinstance(resolution, int) or resolution < 1:
        raise ParameterError("surface", f"a grid of {resolution!r} cells is none.")
    grid = Grid(resolution)
    _require(state, "base", (grid.id_count,))
    for name in IDS:
        ids = _require(state, name, (None,), kind="i")
        if len(ids) and not (ids.min() >= 0 and ids.max() < grid.id_count):
            raise ParameterError(f"surface.{name}", f"its numbers are not of a grid of {resolution} cells.")
        if len(ids) and np.bincount(ids).max() > 1:
            raise ParameterError(f"surface.{name}", "a number is in it twice.")
    nodes, cells = (len(np.asarray(state[name])) for name in ("node_ids", "cell_ids"))
    _require(state, "field", (nodes,))
    _require(state, "offsets", (nodes, 3))
    _require(state, "weights", (cells, WEIGHT_COUNT))
    return grid


def _require(state: State, name: str, shape: tuple[int | None, ...], *, kind: str = "f") -> np.ndarray:
    value: Any = state.get(name)
    if not isinstance(value, np.ndarray) or value.dtype.kind != kind:
        raise ParameterError(f"surface.{name}", "it is no array of numbers of its kind.")
    fits = value.ndim == len(shape) and all(n is None or n == m for n, m in zip(shape, value.shape, strict=True))
    if not fits:
        raise ParameterError(f"surface.{name}", f"its shape {value.shape} does not fit.")
    return value
