"""The mesh where an unsigned distance vanishes, open or closed, and its way back.

Signs are voted cell by cell from the directions of ∇u at its corners: on two sides of a sheet they are opposite.

Source: Guillard, Stella and Fua, *MeshUDF*, ECCV 2022, arXiv 2111.14549. The vote looks at all pairs of a cell's
corners at once, in place of exploring from cell to cell.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import Operation, apply
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.orienting import orient_consistently
from engine.geometry.topology import boundary_edges
from engine.surfaces.grid import Grid
from engine.surfaces.implicit import ImplicitFunction
from engine.surfaces.level_set import STATIONARY, LevelMesh
from engine.surfaces.marching import triangulate

NEAR = 1.8
"""A cell may hold the surface where no corner is further than this part of its diagonal. A distance that was learnt is
not exact; what is no sheet is told later by `GHOST` and `RISE`."""

PROBE = 0.5
"""Cells: how far from a vertex the field is asked on both sides, and beyond the border."""

GHOST = 0.35
"""Cells: a vertex where u stays above lies beyond a border, where directions still differ, and its triangles go."""

RISE = 0.3
"""What u rises by on both sides of a sheet, at least, as part of the way."""

STRAY = 1.0e-3
"""Cells: a vertex in the middle between both sides where u is above belongs to the border."""

CENTRING_STEPS = 3
"""Steps that bring vertices to the middle between both sides."""

SETTLED = 1.0e-3
"""Cells: a border vertex that is further from the rim has not found it."""

REACH = 2.0
"""Cells: how far a border vertex may go to the rim."""

BORDER_STEPS = 25
"""Steps that bring the few vertices of the border to the rim; each halves what their normals are off."""


class UnsignedSet:
    """Where u = 0, on a grid, followed from one design to the next; the same questions as `LevelSet`.

    function : u, a distance near the surface; where it is learnt it may be a little below zero on it
    resolution : cells a side
    """

    def __init__(
        self, function: ImplicitFunction, resolution: int, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.function = function
        self.grid = Grid(resolution)
        self._dtype = dtype
        self._device = device
        self._marks: Tensor | None = None
        self._values = torch.full((self.grid.id_count,), torch.inf, dtype=dtype, device=device)
        self._directions = torch.zeros((self.grid.id_count, 3), dtype=dtype, device=device)
        self.evaluated_count = 0

    @property
    def signs(self) -> Tensor:
        """What is remembered: 1 where a cell may hold the surface, of every id, uint8."""
        marks = self._marks
        return torch.zeros(self.grid.id_count, dtype=torch.uint8, device=self._device) if marks is None else marks

    def recall(self, signs: Tensor) -> None:
        """Follow from `signs`; raises `ParameterError` where they are of another grid."""
        if signs.shape != (self.grid.id_count,):
            raise ParameterError("surface.inside", f"{len(signs)} signs are not of a grid of {self.grid.resolution}.")
        self._marks = signs.to(self._device, torch.uint8).clone()

    def find(self, *, sweep: bool = False) -> None:
        """Bring the cells up to the function as it is now: round the last ones, or all over the grid."""
        every = torch.arange(self.grid.id_count, device=self._device)
        if sweep or self._marks is None or not bool(self._marks.any()):
            nodes = every[self.grid.is_real(every)]
        else:
            side = self.grid.side
            volume = self._marks.reshape(1, 1, side, side, side).to(torch.float32)
            wide = torch.nn.functional.max_pool3d(volume, 3, stride=1, padding=1).reshape(-1) > 0
            nodes = self._corners(every[wide & self.grid.is_real_cell(every)]).unique()
        self._values.fill_(torch.inf)
        self._values[nodes] = self.function.plain_values(self.grid.positions(nodes, self._dtype))
        self.evaluated_count = len(nodes)
        cells = every[self.grid.is_real_cell(every)]
        reach = NEAR * self.grid.cell_size * 3.0**0.5
        close = torch.ones(len(cells), dtype=torch.bool, device=self._device)
        for offset in self.grid.corner_offsets(self._device).tolist():
            close &= self._values[cells + offset] <= reach
        cells = cells[close]
        self._marks = torch.zeros(self.grid.id_count, dtype=torch.uint8, device=self._device)
        self._marks[cells] = 1
        nodes = self._corners(cells).unique()
        _, gradients = self.function.values_and_gradients(self.grid.positions(nodes, self._dtype))
        self._directions[nodes] = torch.nn.functional.normalize(gradients, dim=1)

    def extract(self) -> LevelMesh:
        """The mesh of what was found; call `find` after the function has changed."""
        if self._marks is None:
            self.find()
        assert self._marks is not None
        cells = torch.nonzero(self._marks)[:, 0]
        cases = _voted_cases(self._directions[self._corners(cells)])
        mesh = triangulate(cells, cases, self.grid)
        low, high = mesh.nodes[:, 0], mesh.nodes[:, 1]
        first, second = self._values[low].clamp(min=1e-12), self._values[high].clamp(min=1e-12)
        share = (first / (first + second))[:, None]
        start, end = (self.grid.positions(nodes, self._dtype) for nodes in (low, high))
        vertices = start * (1 - share) + end * share
        across = torch.nn.functional.normalize(self._directions[high] - self._directions[low], dim=1)
        vertices = vertices + self._off_centre(vertices, across)[:, None] * across
        stays = self._on_sheet(vertices, self._across(vertices, across, PROBE * self.grid.cell_size))
        triangles = mesh.triangles[stays[mesh.triangles.long()].all(dim=1)]
        used, triangles = _renumbered(triangles, len(vertices))
        return self._refined(vertices[used], across[used], triangles)

    def _refined(self, vertices: Tensor, across: Tensor, triangles: Tensor) -> LevelMesh:
        turned = orient_consistently(Mesh(vertices.double().cpu().numpy(), triangles.cpu().numpy())).mesh.triangles
        triangles = torch.from_numpy(np.ascontiguousarray(turned)).to(self._device, torch.int32)
        border = torch.from_numpy(boundary_edges(turned)).to(self._device, torch.int64)
        distance = self.grid.cell_size * PROBE
        at_border = torch.zeros(len(vertices), dtype=torch.bool, device=self._device)
        at_border[border.reshape(-1)] = True
        across = _facing(vertices, triangles, across)
        for _ in range(CENTRING_STEPS):
            across = self._across(vertices, across, distance)
            vertices = vertices + self._off_centre(vertices, across)[:, None] * across
        # What is off the sheet in the middle of both sides lies beyond its border, and goes back to it.
        plain, rising = self.function.values_and_gradients(vertices)
        aside = rising - (rising * across).sum(dim=1, keepdim=True) * across
        at_border |= (plain.detach() > STRAY * self.grid.cell_size) & (torch.linalg.vector_norm(aside, dim=1) > 0.5)
        rows = torch.nonzero(at_border)[:, 0]
        outward = _conormals(vertices, border, across, aside)[rows]
        places, normals = vertices[rows], across[rows]
        for _ in range(BORDER_STEPS if len(rows) else 0):
            normals = self._across(places, normals, distance)
            places = places + self._off_centre(places, normals)[:, None] * normals
            outward = self._outward(places, normals, outward, distance)
            short = distance - self.function.plain_values(places + distance * outward)
            places = places + short.clamp(-distance, distance)[:, None] * outward
        # What has not found a rim nearby stays in the middle of the sheet: it borders on a hole, or the rim is vague.
        off = (distance - self.function.plain_values(places + distance * outward)).abs()
        moved = torch.linalg.vector_norm(places - vertices[rows], dim=1)
        found = (off <= SETTLED * self.grid.cell_size) & (moved <= REACH * self.grid.cell_size)
        rows = rows[found]
        vertices = vertices.index_copy(0, rows, places[found])
        across = across.index_copy(0, rows, normals[found])
        outward = torch.zeros_like(vertices).index_copy(0, rows, outward[found])
        at_border = torch.zeros_like(at_border).index_fill(0, rows, True)
        places = torch.cat([vertices + distance * across, vertices - distance * across])
        beyond = (vertices + distance * outward)[at_border]
        values = self.function.values_at(torch.cat([places, beyond]))
        plain = values.detach()
        count = len(vertices)
        slopes = (plain[:count] + plain[count : 2 * count]) / (2.0 * distance)
        moves = slopes > STATIONARY * slopes.median() if count else slopes > 0
        operation = _BetweenSides(vertices, across, outward, at_border, torch.where(moves, slopes, torch.inf))
        (positions,) = apply(operation, values)
        return LevelMesh(positions, triangles, across * slopes[:, None], int((~moves).sum()), outward)

    def _on_sheet(self, vertices: Tensor, across: Tensor) -> Tensor:
        """Where u is small and rises to both sides, as it does on a sheet and not where it is only small."""
        probe = PROBE * self.grid.cell_size
        here, ahead, behind = self.function.plain_values(
            torch.cat([vertices, vertices + probe * across, vertices - probe * across])
        ).split(len(vertices))
        rises = torch.minimum(ahead, behind) - here
        return (here <= GHOST * self.grid.cell_size) & (rises >= RISE * probe)

    def _across(self, vertices: Tensor, guess: Tensor, distance: float) -> Tensor:
        """Normals of the sheet: half way between the directions in which u rises on its two sides."""
        sides = torch.cat([vertices + distance * guess, vertices - distance * guess])
        ahead, behind = self.function.values_and_gradients(sides)[1].split(len(vertices))
        return torch.nn.functional.normalize(ahead - behind, dim=1)

    def _outward(self, vertices: Tensor, across: Tensor, guess: Tensor, distance: float) -> Tensor:
        """The directions in the sheet in which u rises beyond its border; where nothing of it is seen there yet, the
        guess."""
        guess = torch.nn.functional.normalize(guess - (guess * across).sum(dim=1, keepdim=True) * across, dim=1)
        rising = self.function.values_and_gradients(vertices + distance * guess)[1]
        inside = rising - (rising * across).sum(dim=1, keepdim=True) * across
        length = torch.linalg.vector_norm(inside, dim=1, keepdim=True)
        seen = (length > 0.5) & ((inside * guess).sum(dim=1, keepdim=True) > 0)
        return torch.where(seen, inside / length.clamp(min=1e-12), guess)

    def _off_centre(self, vertices: Tensor, across: Tensor) -> Tensor:
        """How far along `across` the middle between both sides is, at most half a cell, shape (vertex_count,)."""
        probe = PROBE * self.grid.cell_size
        ahead = self.function.plain_values(vertices + probe * across)
        behind = self.function.plain_values(vertices - probe * across)
        slope = ((ahead + behind) / (2.0 * probe)).clamp(min=STATIONARY)
        return ((behind - ahead) / (2.0 * slope)).clamp(-probe, probe)

    def _corners(self, cells: Tensor) -> Tensor:
        return cells[:, None] + self.grid.corner_offsets(self._device)


class _BetweenSides(Operation):
    """Vertices as a function of u on their two sides and, at the border, beyond it.

    v = v₀ + n (u₋ − u₊)/(2 m) + o (a − u_o)/m, with m = |∂u/∂n|; the derivative of m has no part where both vanish.
    """

    name = "The zero set of an unsigned distance"

    def __init__(self, vertices: Tensor, across: Tensor, outward: Tensor, at_border: Tensor, slopes: Tensor) -> None:
        self._vertices = vertices
        self._across = across / (2.0 * slopes[:, None])
        self._outward = (outward / slopes[:, None])[at_border]
        self._at_border = at_border

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (self._vertices.clone(),)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        if gradient is None:
            return (None,)
        across = (gradient * self._across).sum(dim=1)
        border = (gradient[self._at_border] * self._outward).sum(dim=1)
        return (torch.cat([-across, across, -border]),)


@lru_cache(maxsize=1)
def _assignments() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of corners, shape (28, 2), and products of signs of each pair, shape (28, 128), in the 128 ways to give
    signs up to a change of all: bits of corners that are not on the side of corner 7."""
    pairs = np.array([(i, j) for i in range(8) for j in range(i)])
    ways = np.arange(128)
    signs = np.where(ways[None] >> np.arange(8)[:, None] & 1, -1.0, 1.0)
    return pairs, signs[pairs[:, 0]] * signs[pairs[:, 1]], ways


def _voted_cases(directions: Tensor) -> Tensor:
    """Case of each cell from the directions at its corners, shape (cell_count, 8, 3): of all ways to give signs that
    for which Σ s_i s_j g_i · g_j over all pairs is largest."""
    pairs, products, ways = (torch.as_tensor(each, device=directions.device) for each in _assignments())
    agreement = (directions[:, pairs[:, 0]] * directions[:, pairs[:, 1]]).sum(dim=2)
    return ways[(agreement @ products.to(agreement.dtype)).argmax(dim=1)]


def _renumbered(triangles: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Vertices that triangles use, in order, and the triangles in these numbers."""
    used = torch.zeros(count, dtype=torch.bool, device=triangles.device)
    used[triangles.long().reshape(-1)] = True
    number = torch.cumsum(used, 0) - 1
    return torch.nonzero(used)[:, 0], number[triangles.long()].to(torch.int32)


def _facing(vertices: Tensor, triangles: Tensor, across: Tensor) -> Tensor:
    """`across` turned to the side to which the triangles face."""
    corners = vertices[triangles.long()]
    face = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.zeros_like(vertices).index_add_(0, triangles.long().reshape(-1), face.repeat_interleave(3, dim=0))
    return torch.where((normals * across).sum(dim=1, keepdim=True) < 0, -across, across)


def _conormals(vertices: Tensor, border: Tensor, across: Tensor, otherwise: Tensor) -> Tensor:
    """Unit vectors in the surface away from it at border vertices, `otherwise` elsewhere, shape (vertex_count, 3).

    border : directed edges with one triangle, shape (edge_count, 2)
    """
    along = vertices[border[:, 1]] - vertices[border[:, 0]]
    chords = torch.zeros_like(vertices)
    for end in range(2):
        chords.index_add_(0, border[:, end], along)
    away = torch.linalg.cross(chords, across)
    return torch.nn.functional.normalize(torch.where(away.any(dim=1, keepdim=True), away, otherwise), dim=1)
