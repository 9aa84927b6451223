"""What every differentiable surface offers: a design of tensors, and the mesh it stands for.

The working frame is [-1, 1]^3 (see `engine.geometry.frame`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engine.core.leaves import Remap, State


@dataclass(frozen=True)
class ExtractedSurface:
    """A mesh with its way back to the design.

    vertices : working frame, shape (vertex_count, 3); carries the autograd graph
    triangles : counter-clockwise from outside, shape (triangle_count, 3), int32, no gradient
    regularity : L_dev of each dual vertex, shape (dual_vertex_count,), with graph; empty for other surfaces
    crossing_values : field values at the two ends of every sign-changing edge, shape (edge_count, 2), with graph
    cell_size : of the grid, in working lengths
    dual_vertex_count : the first so many vertices are dual vertices, the rest are quad centres
    """

    vertices: Tensor
    triangles: Tensor
    cell_size: float
    dual_vertex_count: int
    regularity: Tensor = field(default_factory=lambda: torch.zeros(0))
    crossing_values: Tensor = field(default_factory=lambda: torch.zeros(0, 2))


@dataclass(frozen=True)
class Stroke:
    """Balls round `centres` (stamp_count, 3) with one `radius`, working frame, to freeze or to thaw."""

    centres: np.ndarray
    radius: float
    frozen: bool = True


class Surface(ABC):
    """A design whose tensors are optimised, and which stands for a surface."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """The leaves, by name, on the active set."""

    @abstractmethod
    def prepare(self) -> list[Remap]:
        """Find the surface; grow the active set to what it touches now; report replaced leaves."""

    @abstractmethod
    def extract(self) -> ExtractedSurface:
        """The training mesh (quads as four triangles round a centre), differentiable."""

    @abstractmethod
    def output(self) -> tuple[np.ndarray, np.ndarray]:
        """The mesh to show and export (quads split along the better diagonal): vertices float32 (n, 3), working
        frame, and triangles int32 (m, 3). The first rows are the dual vertices of the last `extract`; after a
        `restore`, the same as `present_output`. Leaves the design as it is."""

    @abstractmethod
    def present_output(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of the design as it is now, after a step too. Leaves the design as it is."""

    @abstractmethod
    def resample(self, resolution: int) -> list[Remap]:
        """Change the grid; moments are carried over by the returned Remaps."""

    @abstractmethod
    def freeze(self, stroke: Stroke) -> None:
        """Freeze (thaw) what shapes the surface within the stroke's balls."""

    @abstractmethod
    def set_frozen(self, strokes: Sequence[Stroke]) -> None:
        """Freeze exactly what the strokes freeze, one after the other; all else thaws. What stays frozen keeps its
        values, what becomes frozen keeps those of now."""

    @abstractmethod
    def mask_gradients(self) -> None:
        """Zero gradients of frozen parameters."""

    @abstractmethod
    def after_step(self) -> None:
        """Put frozen parameters back to their exact values (momentum may have moved them) and sync what is derived."""

    @abstractmethod
    def state(self) -> State:
        """All that is needed to restore, as arrays and plain values."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Back to a `state`."""
