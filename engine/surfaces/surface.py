"""What every differentiable surface offers: a design of tensors, and the mesh it stands for.

The working frame is [-1, 1]^3 (see `engine.geometry.frame`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import Remap, State


@dataclass(frozen=True)
class ExtractedSurface:
    """A mesh with its way back to the design.

    vertices : working frame, shape (vertex_count, 3); carries the autograd graph
    triangles : counter-clockwise from outside, shape (triangle_count, 3), int32, no gradient
    regularity : L_dev of each dual vertex, which come first, with graph; empty for other surfaces
    crossing_values : field values at the two ends of every sign-changing edge, shape (edge_count, 2), with graph
    cell_size : of the grid, in working lengths
    dual_vertex_count : the first so many vertices are those of `Surface.output`: dual vertices, behind them on an open
        surface the cut points between two of them; the rest are quad centres and cut points beside them
    boundary : directed edges of the border of an open surface, shape (boundary_edge_count, 2), int32; empty when closed
    msdf : manifold signed distance at the vertices, zero where the surface was cut, shape (vertex_count,); its gradient
        is that in the leaf "msdf" alone, and moves no vertex; empty where there is none
    template_msdf : the same at all vertices of the closed surface of which this one is a part
    template_vertices : their positions, without a graph, shape (template_vertex_count, 3)
    """

    vertices: Tensor
    triangles: Tensor
    cell_size: float
    dual_vertex_count: int
    regularity: Tensor = field(default_factory=lambda: torch.zeros(0))
    crossing_values: Tensor = field(default_factory=lambda: torch.zeros(0, 2))
    boundary: Tensor = field(default_factory=lambda: torch.zeros(0, 2, dtype=torch.int32))
    msdf: Tensor = field(default_factory=lambda: torch.zeros(0))
    template_msdf: Tensor = field(default_factory=lambda: torch.zeros(0))
    template_vertices: Tensor = field(default_factory=lambda: torch.zeros(0, 3))


@dataclass(frozen=True)
class Stroke:
    """Balls round `centres` (stamp_count, 3) with one `radius`, working frame, to freeze or to thaw."""

    centres: np.ndarray
    radius: float
    frozen: bool = True


class Surface(ABC):
    """A design whose tensors are optimised, and which stands for a surface.

    kind : its name in files
    freezable : whether a place of it can be kept as it is
    can_open : whether it can have a border inside the grid
    device, dtype : of its tensors
    """

    kind: ClassVar[str]
    freezable: ClassVar[bool] = True
    can_open: ClassVar[bool] = False
    device: Device
    dtype: torch.dtype

    @classmethod
    @abstractmethod
    def started(cls, field: Tensor, *, options: Mapping[str, Any], device: Device) -> Surface:
        """The surface {field = 0}.

        field : at the nodes of a grid on [-1, 1]^3, shape (n + 1, n + 1, n + 1), indexed (x, y, z), negative inside
        options : parameters by name; each kind takes those that it knows
        """

    @classmethod
    def started_open(cls, field: Tensor, msdf: Tensor, *, options: Mapping[str, Any], device: Device) -> Surface:
        """As `started`, open where the manifold signed distance at the nodes, `msdf`, is negative; raises
        `ParameterError` where it cannot be open."""
        raise ParameterError("surface", f"{cls.kind} is closed.", remedy="Take g-shell for what has a border.")

    @classmethod
    @abstractmethod
    def blank(cls, device: Device) -> Surface:
        """Any surface of this kind, for a `restore`."""

    @classmethod
    def converted(cls, surface: Surface, *, options: Mapping[str, Any], device: Device) -> Surface:
        """This kind of surface where another is now: by default from the field of its distance on its own grid."""
        from engine.surfaces.resampling import distances_to

        return cls.started(distances_to(surface), options=options, device=device)

    @staticmethod
    @abstractmethod
    def estimate_memory(resolution: int, *, start: str = "sdf") -> int:
        """Bytes that a descent takes at most, the optimiser's moments included."""

    @property
    @abstractmethod
    def resolution(self) -> int:
        """Cells of the grid along a side."""

    @property
    def cell_size(self) -> float:
        """Of the grid, working lengths."""
        return 2.0 / self.resolution

    def learning_rate_factors(self, *, noisy: bool) -> dict[str, float]:
        """Factor on the step size of each tensor, 1 where absent.

        noisy : what it descends to is a scan, whose noise it must not follow
        """
        return {}

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

    def tetrahedral_output(self) -> tuple[np.ndarray, np.ndarray]:
        """The inside of the design as it is now, in tetrahedra: vertices float64 (n, 3), working frame, and indices
        int64 (m, 4). Nodes of a grid that have moved so far that a tetrahedron would be inverted are taken back, in
        the result alone. Leaves the design as it is. Raises `GeometryError` for a surface that has no such thing."""
        raise GeometryError(
            f"The surface {self.kind} is not filled with tetrahedra.", remedy="Take flexicubes for the surface."
        )

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


@runtime_checkable
class GridField(Protocol):
    """A surface with a field, the leaf "field", at nodes of a grid on [-1, 1]^3, negative inside.

    Nodes are counted in C order of (x, y, z), 0 … (n + 1)^3 − 1.
    """

    @property
    def resolution(self) -> int: ...

    def field(self) -> Tensor:
        """At all nodes, detached, shape (n + 1, n + 1, n + 1)."""
        ...

    def active_nodes(self) -> Tensor:
        """The node of every row of the leaf "field", shape (node_count,)."""
        ...

    def activate_nodes(self, index: Tensor | np.ndarray) -> None:
        """Make leaves of further nodes at the next `prepare`."""
        ...

    def node_values(self, index: Tensor | np.ndarray) -> Tensor:
        """Field at nodes, with graph where they are active, constant elsewhere."""
        ...

    def node_positions(self, index: Tensor | np.ndarray) -> Tensor:
        """Where nodes are now, no graph, shape (count, 3)."""
        ...

    def set_field(self, index: Tensor | np.ndarray, values: Tensor) -> None:
        """Overwrite the field at nodes."""
        ...


@runtime_checkable
class GridPlaces(Protocol):
    """A surface that says where the parts of its grid are, working frame, without a graph."""

    def crossing_positions(self) -> Tensor:
        """Of the edges of `ExtractedSurface.crossing_values`, shape (edge_count, 3)."""
        ...

    def cell_positions(self) -> Tensor:
        """Of the rows of the leaf "weights", shape (cell_count, 3)."""
        ...


@runtime_checkable
class ImplicitField(Protocol):
    """A surface {s = 0} whose s can be asked for anywhere.

    distance_kind : what s is: "signed", 1/2 − "occupancy", or "unsigned" and never negative but by error
    """

    @property
    def distance_kind(self) -> str: ...

    def values_at(self, positions: Tensor) -> Tensor:
        """s at places (count, 3) of the working frame, negative inside, with graph, shape (count,)."""
        ...


@runtime_checkable
class OpenField(Protocol):
    """A surface that is open where a second field at the grid's nodes, the leaf "msdf", is negative."""

    def msdf_at_nodes(self) -> Tensor:
        """At all nodes, detached, shape (n + 1, n + 1, n + 1)."""
        ...

    def set_msdf(self, index: Tensor | np.ndarray, values: Tensor) -> None:
        """Overwrite it at nodes; its moments there go to zero."""
        ...
