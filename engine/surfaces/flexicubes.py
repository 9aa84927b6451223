"""FlexiCubes (Shen et al., SIGGRAPH 2023, arXiv 2308.05371) on the cells that the surface has touched."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import apply
from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.core.leaves import Remap
from engine.surfaces.edge_fans import EdgeFans, edge_fans, fan_vertices
from engine.surfaces.extraction import WEIGHT_COUNT, Extraction
from engine.surfaces.flexicubes_kernels import OUTSIDE
from engine.surfaces.freezing import cells_in_balls
from engine.surfaces.grid import Grid
from engine.surfaces.grid_design import GridDesign
from engine.surfaces.resampling import interpolate_field, parent_cells, resample_field, sample_nodes
from engine.surfaces.starts import random_field, sphere_field
from engine.surfaces.surface import ExtractedSurface, Surface
from engine.surfaces.tetrahedra import ExtractedTetrahedra, takes_inverted_case, tetrahedra

LEARNING_RATE_FACTORS: dict[str, float] = {"offsets": 3.0, "weights": 5.0}
"""Factor on the step size of each tensor: the raw offsets and weights go through a tanh and have no unit, and take
larger steps than the field, which is a length (a quarter closer after 300 iterations on organic parts)."""


class FlexiCubes(GridDesign):
    """A field with node offsets and cell weights, and the dual mesh of its zero level.

    Leaves (`tensors`), on the active rows only (appended as the surface moves; every other cell is neutral):

    * "field": s at the nodes, negative inside, shape (node_count,)
    * "offsets": raw offsets d of the nodes, x' = x + h/2 (1 − 1e-3) tanh(d), shape (node_count, 3); across the border
      nodes do not move
    * "weights": raw α[8], β[12], γ of the cells, shape (cell_count, 21)

    With `closed` a virtual layer of cells without thickness closes a surface that reaches the grid's border: the cap
    lies on the border, and no gradient comes from it but through the nodes on the border.

    Parameters
    ----------
    values : field at the nodes, shape (n + 1, n + 1, n + 1), indexed (x, y, z), negative inside, working lengths
    device : where the design lives
    dtype : float32, or float64 for gradient checks
    closed : close the surface at the border
    no_intersections : the mesh never runs through itself: nodes stay in place, those on the border are outside, and
        triangles are the fans of `engine.surfaces.edge_fans`, whose edge points take the place of quad centres; gamma
        has no effect
    """

    kind = "flexicubes"

    def __init__(
        self,
        values: np.ndarray | Tensor,
        *,
        device: Device | None = None,
        dtype: torch.dtype = torch.float32,
        closed: bool = True,
        no_intersections: bool = False,
    ) -> None:
        self.no_intersections = no_intersections
        self._begin({"field": values}, device=device, dtype=dtype, closed=closed)

    @classmethod
    def started(cls, field: Tensor, *, options: Mapping[str, Any], device: Device) -> FlexiCubes:
        closed, no_intersections = bool(options.get("closed", True)), bool(options.get("no_intersections", False))
        return cls(field, device=device, closed=closed, no_intersections=no_intersections)

    @classmethod
    def blank(cls, device: Device) -> FlexiCubes:
        return cls(torch.ones(3, 3, 3), device=device)

    @classmethod
    def converted(cls, surface: Surface, *, options: Mapping[str, Any], device: Device) -> Surface:
        if not isinstance(surface, FlexiCubes) or "weights" not in surface.tensors():
            return super().converted(surface, options=options, device=device)
        made = cls.blank(device)
        apart = int(not cls.can_open and bool(options.get("no_intersections", False)))
        made.restore({**surface.state(), "kind": cls.kind, "no_intersections": apart})
        return made

    @classmethod
    def sphere(cls, resolution: int, *, radius: float = 0.6, **options: Any) -> FlexiCubes:
        """Start from a sphere round the origin."""
        return cls(sphere_field(resolution, radius=radius), **options)

    @classmethod
    def random(cls, resolution: int, *, seed: int, inside_fraction: float = 0.1, **options: Any) -> FlexiCubes:
        """Start from independent random values."""
        return cls(random_field(resolution, seed=seed, inside_fraction=inside_fraction), **options)

    @staticmethod
    def estimate_memory(resolution: int, *, start: str = "sdf") -> int:
        """Bytes that a descent takes at most, the optimiser's moments included; a random start touches every cell."""
        ids = (resolution + 3) ** 3
        cells = 0.9 * ids if start == "random" else 30.0 * resolution**2
        a_cell = 4 * (WEIGHT_COUNT + 1.3 * 4) * 6 + 400
        return int(ids * 32 + cells * a_cell)

    def learning_rate_factors(self, *, noisy: bool) -> dict[str, float]:
        return {} if noisy else dict(LEARNING_RATE_FACTORS)

    def extract(self) -> ExtractedSurface:
        connectivity = self.connectivity
        operation = Extraction(connectivity, self._tables, self._activation, self._frame)
        field = self._surface_field()
        vertices, regularity, crossing_values = apply(
            operation, field, self._leaves["offsets"], self._leaves["weights"]
        )
        triangles = connectivity.triangles
        if self.no_intersections:
            fans = self._require_fans()
            rows = self._active.node_row[fans.nodes].to(torch.int64)
            duals = vertices[: connectivity.dual_count]
            vertices = fan_vertices(connectivity, duals, field[rows], self._frame.positions[rows])
            triangles = fans.triangles
        self._extracted = vertices.detach()
        return ExtractedSurface(
            vertices=vertices,
            triangles=triangles,
            cell_size=self.cell_size,
            dual_vertex_count=connectivity.dual_count,
            regularity=regularity,
            crossing_values=crossing_values,
        )

    def extract_tetrahedra(self) -> ExtractedTetrahedra:
        """The inside as tetrahedra, differentiable; raises `GeometryError` for a surface that is open at the border.

        Its own surface is that of `output` but for the diagonals and the cells that invert an ambiguous case: see
        `engine.surfaces.tetrahedra`.
        """
        if self.can_open:
            super().tetrahedral_output()
        if not self.closed:
            raise GeometryError(
                "A surface that is open at the border of the grid has no inside to fill.",
                remedy="Close it at the border.",
            )
        ids = torch.nonzero(self._occupancy).reshape(-1)
        rows = self._active.node_row[ids].to(torch.int64)
        active = rows >= 0
        nodes = self._grid.positions(ids, self.dtype).index_add(
            0,
            torch.nonzero(active).reshape(-1),
            (self._frame.reach * torch.tanh(self._leaves["offsets"]))[rows[active]],
        )
        return tetrahedra(self._grid, self._occupancy, self.connectivity, self.tetrahedral_duals(), nodes)

    def tetrahedral_duals(self) -> Tensor:
        """The dual vertices as the tetrahedra have them: β neutral in cells that invert an ambiguous case."""
        connectivity, raw = self.connectivity, self._leaves["weights"]
        neutral = connectivity.cell_rows[takes_inverted_case(connectivity)]
        if len(neutral):
            keep = torch.ones_like(raw)
            keep[neutral, 8:20] = 0
            raw = raw * keep
        operation = Extraction(connectivity, self._tables, self._activation, self._frame)
        return apply(operation, self._surface_field(), self._leaves["offsets"], raw)[0][: connectivity.dual_count]

    def tetrahedral_output(self) -> tuple[np.ndarray, np.ndarray]:
        # In float64, for slivers between a node and a crossing beside it would be flat in float32.
        exact = type(self)(torch.ones(3, 3, 3), device=self.device, dtype=torch.float64)
        exact.restore({name: _in_float64(value) for name, value in self.state().items()})
        with torch.no_grad():
            found = exact.extract_tetrahedra()
            offsets, left = exact._leaves["offsets"], UNTANGLINGS
            while left and bool((wrong := found.volumes <= FLAT * self.cell_size**3).any()):
                # Nodes that moved too far go back where that inverts; in the end all do, and then nothing is inverted.
                left -= 1
                middles = found.vertices[found.tets[wrong]].mean(dim=1)
                near = cells_in_balls(self._grid, middles.cpu().numpy(), 1.5 * self.cell_size, self.device.torch)
                ids = near[:, None] + self._grid.corner_offsets(self.device.torch)
                offsets[torch.isin(exact._active.node_ids, ids.reshape(-1)) if left else slice(None)] = 0.0
                found = exact.extract_tetrahedra()
        return found.vertices.cpu().numpy(), found.tets.cpu().numpy()

    def output(self) -> tuple[np.ndarray, np.ndarray]:
        if self._extracted is None:
            return self.present_output()
        vertices, triangles = self._whole_mesh()
        return vertices.cpu().numpy().copy(), triangles.cpu().numpy()

    def _whole_mesh(self) -> tuple[Tensor, Tensor]:
        """Dual vertices of the last `extract`, float32, and their triangles, two a quad; without intersections, all
        vertices and the fans."""
        connectivity = self.connectivity
        assert self._extracted is not None
        if self.no_intersections:
            return self._extracted.to(torch.float32), self._require_fans().triangles
        raw = self._leaves["weights"].detach()[connectivity.cell_rows, WEIGHT_COUNT - 1]
        gamma = (0.99 * torch.sigmoid(raw) + 0.005)[connectivity.quad_slots.to(torch.int64)]
        even = gamma[:, 0] * gamma[:, 2] > gamma[:, 1] * gamma[:, 3]
        patterns = torch.tensor([[1, 2, 3, 1, 3, 0], [0, 1, 2, 0, 2, 3]], device=even.device)
        triangles = connectivity.quad_duals.gather(1, patterns[even.to(torch.int64)]).reshape(-1, 3)
        return self._extracted[: connectivity.dual_count].to(torch.float32), triangles

    def present_output(self) -> tuple[np.ndarray, np.ndarray]:
        twin = self._twin()
        with torch.no_grad():
            twin.extract()
        return twin.output()

    def _twin(self) -> Self:
        """Another design with the same values, its surface found: finding it replaces leaves, which is for `prepare`
        alone to report, and whoever looks must not change what comes next."""
        twin = copy.copy(self)
        twin.restore(self.state())
        twin.prepare()
        return twin

    def resample(self, resolution: int) -> list[Remap]:
        """Change the grid. A closed surface becomes the field of its own distance with neutral offsets and weights;
        an open one, which has no inside, is interpolated with its offsets and the weights of the parent cells."""
        if resolution == self.resolution:
            return []
        # Where the design is now, and not where it was evaluated last: a state that was restored knows only that.
        self._find_surface()
        with torch.no_grad():
            self.extract()
        old_grid, old_active, old = self._grid, self._active, self._leaves
        frozen, undelivered = self._frozen.cell_ids, self._remaps
        grid = Grid(resolution)
        self._reset(grid, self._resampled_bases(grid))
        self.prepare()
        active = self._active
        positions = grid.positions(active.node_ids, self.dtype)
        parents = old_active.cell_row[parent_cells(old_grid, grid, active.cell_ids)].to(torch.int64)

        def spread(moment: Tensor) -> Tensor:
            columns = moment.reshape(len(moment), -1)
            dense = columns.new_zeros((old_grid.id_count, columns.shape[1]))
            dense[old_active.node_ids] = columns
            sampled = torch.stack([sample_nodes(old_grid, column.contiguous(), positions) for column in dense.T], dim=1)
            return sampled.reshape((len(positions), *moment.shape[1:]))

        def inherit(moment: Tensor) -> Tensor:
            taken = moment[parents.clamp(min=0)]
            taken[parents < 0] = 0
            return taken

        maps = {name: inherit if spec.on_cells else spread for name, spec in self._leaf_specs.items()}
        if not self.closed:
            with torch.no_grad():
                for name in self._leaves.keys() - self._bases.keys():
                    self._leaves[name].copy_(maps[name](old[name].detach()))
        if len(frozen):
            all_ids = torch.arange(grid.id_count, device=self.device.torch)
            inherited = torch.isin(parent_cells(old_grid, grid, all_ids), frozen)
            self._freeze_cells(all_ids[inherited], frozen=True)
        carried = [Remap(name, old[name], leaf, maps[name]) for name, leaf in self._leaves.items()]
        return [*undelivered, *carried]

    def _resampled_bases(self, grid: Grid) -> dict[str, Tensor]:
        """The present design on another grid, over all its ids; `extract` has just been asked."""
        if self.closed:
            field = resample_field(
                self._grid,
                grid,
                self._dense("field"),
                self.connectivity.cells,
                *self._whole_mesh(),
                self._on_cap(),
                self.device,
            )
        else:
            field = interpolate_field(self._grid, grid, self._dense("field"))
        return {"field": grid.pad(field, OUTSIDE)}

    def _on_cap(self) -> Tensor:
        """Whether each vertex of `_whole_mesh` lies on the cap that closes the surface at the border."""
        connectivity = self.connectivity
        ends = torch.cat([connectivity.first_dual[1:], connectivity.first_dual.new_tensor([connectivity.dual_count])])
        virtual = ~self._grid.is_real_cell(connectivity.cells)
        on_cap = torch.repeat_interleave(virtual, (ends - connectivity.first_dual).to(torch.int64))
        if self.no_intersections:
            on_cap = torch.cat([on_cap, on_cap.new_zeros(connectivity.quad_count)])
        return on_cap

    def _require_fans(self) -> EdgeFans:
        connectivity = self.connectivity
        if self._fans is None:
            self._fans = edge_fans(self._grid, self._occupancy, connectivity)
        return self._fans


UNTANGLINGS = 10
"""How often nodes near inverted tetrahedra go back before all do."""

FLAT = 1e-7
"""Volume of a tetrahedron, in cells, that is as bad as an inverted one."""


def _in_float64(value: Any) -> Any:
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
