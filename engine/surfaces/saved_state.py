"""Whether a saved state is one of a surface on a grid: kernels look up what it says without asking whether it is
there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import ParameterError
from engine.core.leaves import State
from engine.surfaces.extraction import WEIGHT_COUNT
from engine.surfaces.grid import Grid


@dataclass(frozen=True)
class LeafSpec:
    """A design tensor: one row a node or a cell, of this shape."""

    shape: tuple[int, ...]
    on_cells: bool = False


FLEXICUBES_LEAVES: dict[str, LeafSpec] = {
    "field": LeafSpec(()),
    "offsets": LeafSpec((3,)),
    "weights": LeafSpec((WEIGHT_COUNT,), on_cells=True),
}

IDS = ("node_ids", "cell_ids", "frozen_cells")


def base_key(name: str) -> str:
    """What the values are called in a state with which the leaf `name` begins."""
    return "base" if name == "field" else f"{name}_base"


def require_fit(state: State, kind: str, leaves: dict[str, LeafSpec], bases: tuple[str, ...]) -> Grid:
    """The grid of a state; raises `ParameterError` where its arrays are not of that grid, or of one another.

    Values that are not finite are let through: an evaluation finds them, and the Run goes back.
    """
    if state.get("kind") != kind:
        raise ParameterError("surface", f"a state of {state.get('kind')!r} is none of {kind!r}.")
    resolution = state.get("resolution")
    if not isinstance(resolution, int) or resolution < 1:
        raise ParameterError("surface", f"a grid of {resolution!r} cells is none.")
    grid = Grid(resolution)
    for name in bases:
        _require(state, base_key(name), (grid.id_count,))
    for name in IDS:
        ids = _require(state, name, (None,), kind="i")
        if len(ids) and not (ids.min() >= 0 and ids.max() < grid.id_count):
            raise ParameterError(f"surface.{name}", f"its numbers are not of a grid of {resolution} cells.")
        if len(ids) and np.bincount(ids).max() > 1:
            raise ParameterError(f"surface.{name}", "a number is in it twice.")
    nodes, cells = (len(np.asarray(state[name])) for name in ("node_ids", "cell_ids"))
    for name, spec in leaves.items():
        _require(state, name, (cells if spec.on_cells else nodes, *spec.shape))
    return grid


def _require(state: State, name: str, shape: tuple[int | None, ...], *, kind: str = "f") -> np.ndarray:
    value: Any = state.get(name)
    if not isinstance(value, np.ndarray) or value.dtype.kind != kind:
        raise ParameterError(f"surface.{name}", "it is no array of numbers of its kind.")
    fits = value.ndim == len(shape) and all(n is None or n == m for n, m in zip(shape, value.shape, strict=True))
    if not fits:
        raise ParameterError(f"surface.{name}", f"its shape {value.shape} does not fit.")
    return value
