"""The level set of any implicit function as a mesh, and its way back: −∇s/|∇s|² at every vertex.

Source: Remelli et al., *MeshSDF*, NeurIPS 2020; Guillard et al., *DeepMesh*, 2022, arXiv 2106.11795, theorem 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.core.bridge import Operation, apply
from engine.core.errors import ParameterError
from engine.surfaces.flexicubes_kernels import OUTSIDE
from engine.surfaces.grid import Grid
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.marching import GridMesh, march

STATIONARY = 1.0e-2
"""A vertex where |∇s| is below this part of the median has no direction to move in: it gets no gradient."""

EDGE_MARGIN = 1.0e-4
"""Cells: a vertex stays this far from the ends of its edge, so that no triangle is a point."""

SEARCH_STEPS = 40
"""At most so many steps of the search for a level along an edge; each of them only for what has not been found."""


@dataclass(frozen=True)
class LevelMesh:
    """The mesh of a level.

    vertices : on the level, working frame, shape (vertex_count, 3), with graph to the function's leaves
    triangles : counter-clockwise from outside, shape (triangle_count, 3), int32
    gradients : ∇s at the vertices, shape (vertex_count, 3), no graph
    stationary_count : vertices without a gradient, for ∇s vanishes there
    outward : unit vectors in an open surface away from it at its border, zero elsewhere, shape (vertex_count, 3);
        empty for a closed one
    """

    vertices: Tensor
    triangles: Tensor
    gradients: Tensor
    stationary_count: int
    outward: Tensor = field(default_factory=lambda: torch.zeros(0, 3))


class LevelSet:
    """Where s = level, on a grid, followed from one design to the next.

    `find` evaluates the function at the nodes of the cells that the surface passed through last, and from there on as
    far as it has moved, which costs like the surface; a part that comes up elsewhere is seen by the next sweep, which
    evaluates all nodes.

    Parameters
    ----------
    function : s, negative inside
    resolution : cells a side
    level : the surface bounds {s < level}
    closed : close the surface where it leaves the grid, with a cap that no gradient moves
    """

    def __init__(
        self,
        function: ImplicitFunction,
        resolution: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        level: float = 0.0,
        closed: bool = True,
    ) -> None:
        self.function = function
        self.grid = Grid(resolution)
        self.level = level
        self.closed = closed
        self._dtype = dtype
        self._device = device
        self._values = torch.full((self.grid.id_count,), OUTSIDE, dtype=dtype, device=device)
        self._occupancy = torch.zeros(self.grid.id_count, dtype=torch.uint8, device=device)
        self._mesh: GridMesh | None = None
        self.evaluated_count = 0
        """Positions at which the last `find` evaluated the function."""

    @property
    def signs(self) -> Tensor:
        """What is remembered: 1 inside, 0 outside, of every id, uint8."""
        return self._occupancy.clone()

    def recall(self, signs: Tensor) -> None:
        """Follow from `signs`; raises `ParameterError` where they are of another grid."""
        if signs.shape != self._occupancy.shape:
            raise ParameterError("surface.inside", f"{len(signs)} signs are not of a grid of {self.grid.resolution}.")
        self._occupancy = signs.to(self._device, torch.uint8).clone()
        self._mesh = march(self._occupancy, self.grid, closed=self.closed)

    def find(self, *, sweep: bool = False) -> None:
        """Bring the signs up to the function as it is now."""
        if sweep or self._mesh is None or not len(self._mesh.cells):
            every = torch.arange(self.grid.id_count, device=self._device)
            nodes = every[self.grid.is_real(every)]
            self._evaluate(nodes)
            self.evaluated_count = len(nodes)
            self._mesh = march(self._occupancy, self.grid, closed=self.closed)
            return
        known = torch.zeros(self.grid.id_count, dtype=torch.bool, device=self._device)
        self.evaluated_count = 0
        while True:
            nodes = self._nodes_of(self._mesh.cells)
            nodes = nodes[~known[nodes]]
            if not len(nodes):
                return
            known[nodes] = True
            self._evaluate(nodes)
            self.evaluated_count += len(nodes)
            self._mesh = march(self._occupancy, self.grid, closed=self.closed)

    def extract(self) -> LevelMesh:
        """The mesh of the signs that were found; call `find` after the function has changed."""
        if self._mesh is None:
            self.find()
        mesh = self._mesh
        assert mesh is not None
        low, high = (self.grid.positions(mesh.nodes[:, end], self._dtype) for end in range(2))
        real = self.grid.is_real(mesh.nodes).all(dim=1)
        vertices = low.clone()
        # The virtual end of an edge of the cap lies where its real end lies.
        vertices[real] = self._on_edges(mesh.nodes[real], low[real], high[real])
        values, gradients = self.function.values_and_gradients(vertices)
        squared = (gradients * gradients).sum(dim=1)
        moves = squared > (STATIONARY**2) * squared.median() if len(squared) else squared > 0
        operation = _OnLevel(vertices, gradients, torch.where(moves & real, squared, torch.inf))
        (positions,) = apply(operation, values)
        return LevelMesh(positions, mesh.triangles, gradients, int((~moves & real).sum()))

    def _evaluate(self, nodes: Tensor) -> None:
        values = self.function.plain_values(self.grid.positions(nodes, self._dtype)) - self.level
        self._values[nodes] = values
        # What is not a number counts as outside; the vertices beside it are not numbers either, and are found.
        self._occupancy[nodes] = (values < 0).to(torch.uint8)

    def _nodes_of(self, cells: Tensor) -> Tensor:
        corners = (cells[:, None] + self.grid.corner_offsets(self._device)).reshape(-1)
        marks = torch.zeros(self.grid.id_count, dtype=torch.bool, device=self._device)
        marks[corners] = True
        nodes = torch.nonzero(marks)[:, 0]
        return nodes[self.grid.is_real(nodes)]

    def _on_edges(self, nodes: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Where the level crosses each edge: regula falsi with the Illinois rule (Dowell and Jarratt 1971)."""
        first, second = self._values[nodes[:, 0]], self._values[nodes[:, 1]]
        left, right = torch.zeros_like(first), torch.ones_like(first)
        accepted = (1e-12 if self._dtype == torch.float64 else 1e-4) * (first - second).abs()
        t = (first / (first - second)).clamp(EDGE_MARGIN, 1.0 - EDGE_MARGIN)
        open_rows = torch.arange(len(t), device=t.device)
        side = torch.zeros_like(t)
        for _ in range(SEARCH_STEPS):
            at = t[open_rows, None]
            value = self.function.plain_values(low[open_rows] * (1 - at) + high[open_rows] * at) - self.level
            missed = value.abs() > accepted[open_rows]
            open_rows, value = open_rows[missed], value[missed]
            if not len(open_rows):
                break
            a, b, fa, fb, at = (each[open_rows] for each in (left, right, first, second, t))
            moves_left = torch.sign(value) == torch.sign(fa)
            again = side[open_rows] == torch.where(moves_left, -1.0, 1.0)
            fa, fb = (
                torch.where(moves_left, value, torch.where(again, fa / 2, fa)),
                torch.where(moves_left, torch.where(again, fb / 2, fb), value),
            )
            a, b = torch.where(moves_left, at, a), torch.where(moves_left, b, at)
            left[open_rows], right[open_rows], first[open_rows], second[open_rows] = a, b, fa, fb
            side[open_rows] = torch.where(moves_left, -1.0, 1.0).to(side.dtype)
            following = ((a * fb - b * fa) / (fb - fa)).clamp(EDGE_MARGIN, 1.0 - EDGE_MARGIN)
            # At the margin the level may lie beyond reach: the vertex rests there.
            t[open_rows] = following
            open_rows = open_rows[following != at]
        return low * (1 - t[:, None]) + high * t[:, None]


class _OnLevel(Operation):
    """Vertices as a function of the values there: dv/ds = −∇s/|∇s|²."""

    name = "The level set of an implicit function"

    def __init__(self, vertices: Tensor, gradients: Tensor, squared: Tensor) -> None:
        self._vertices = vertices
        self._inverse = gradients / squared[:, None]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (self._vertices.clone(),)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        return (None if gradient is None else -(gradient * self._inverse).sum(dim=1),)
