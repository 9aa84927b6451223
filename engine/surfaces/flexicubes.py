"""FlexiCubes (Shen et al., SIGGRAPH 2023, arXiv 2308.05371) on the cells that the surface has touched."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from engine.core.bridge import apply
from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import Remap, State
from engine.surfaces.active_set import ActiveSet
from engine.surfaces.connectivity import Connectivity, DeviceTables, connect, dense_cases, surface_cells
from engine.surfaces.edge_fans import MARGIN as EDGE_MARGIN
from engine.surfaces.edge_fans import EdgeFans, edge_fans, fan_vertices
from engine.surfaces.extraction import WEIGHT_COUNT, Activation, Extraction, NodeFrame
from engine.surfaces.flexicubes_kernels import OUTSIDE
from engine.surfaces.freezing import Frozen, cells_in_balls
from engine.surfaces.grid import Grid
from engine.surfaces.resampling import interpolate_field, parent_cells, resample_field, sample_nodes
from engine.surfaces.saved_state import FLEXICUBES_LEAVES, IDS, LeafSpec, base_key, require_fit
from engine.surfaces.starts import random_field, sphere_field
from engine.surfaces.surface import ExtractedSurface, Stroke, Surface
from engine.surfaces.tables import dual_tables
from engine.surfaces.tetrahedra import ExtractedTetrahedra, takes_inverted_case, tetrahedra

LEARNING_RATE_FACTORS: dict[str, float] = {"offsets": 3.0, "weights": 5.0}
"""Factor on the step size of each tensor: the raw offsets and weights go through a tanh and have no unit, and take
larger steps than the field, which is a length (a quarter closer after 300 iterations on organic parts)."""

REACH = 0.5 * (1.0 - 1.0e-3)
"""Cells that a node may move along an axis, so that two nodes never meet."""


class FlexiCubes(Surface):
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

    _grid: Grid
    _active: ActiveSet
    _frozen: Frozen
    _bases: dict[str, Tensor]
    _shared_bases: dict[str, np.ndarray]
    _occupancy: Tensor
    _slots: Tensor
    _pending: Tensor
    _leaves: dict[str, Tensor]
    _remaps: list[Remap]
    _frame: NodeFrame
    _connectivity: Connectivity | None
    _extracted: Tensor | None
    _fans: EdgeFans | None
    no_intersections: bool = False

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

    def _begin(
        self, fields: dict[str, np.ndarray | Tensor], *, device: Device | None, dtype: torch.dtype, closed: bool
    ) -> None:
        """Start with these values of leaves on nodes."""
        self.device = device or Device("cpu")
        self.dtype = dtype
        self.closed = closed
        self._tables = DeviceTables.on(self.device.torch)
        self._activation = Activation.on(self.device.torch, dtype)
        cubes = {name: require_cube(values) for name, values in fields.items()}
        grid = Grid(cubes["field"].shape[0] - 1)
        self._reset(grid, {name: grid.pad(cube.to(self.device.torch, dtype), OUTSIDE) for name, cube in cubes.items()})
        self.prepare()

    kind = "flexicubes"

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

    @property
    def resolution(self) -> int:
        return self._grid.resolution

    def learning_rate_factors(self, *, noisy: bool) -> dict[str, float]:
        return {} if noisy else dict(LEARNING_RATE_FACTORS)

    def tensors(self) -> dict[str, Tensor]:
        return dict(self._leaves)

    def prepare(self) -> list[Remap]:
        self._find_surface()
        remaps, self._remaps = self._remaps, []
        return remaps

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

    def field(self) -> Tensor:
        """The field as it is now at all nodes, detached, shape (n + 1, n + 1, n + 1)."""
        return self._grid.unpad(self._dense("field")).clone()

    def active_nodes(self) -> Tensor:
        """The node (counted as in `activate_nodes`) of every row of the leaf "field", shape (node_count,)."""
        coordinates = self._grid.coordinates(self._active.node_ids) - 1
        side = self.resolution + 1
        return (coordinates[:, 0] * side + coordinates[:, 1]) * side + coordinates[:, 2]

    def active_cells(self) -> Tensor:
        """The cell of every row of the leaf "weights", counted in C order of (x, y, z), 0 … n^3 − 1; −1 for those of
        the virtual layer; shape (cell_count,)."""
        ids, side = self._active.cell_ids, self.resolution
        coordinates = self._grid.coordinates(ids) - 1
        cells = (coordinates[:, 0] * side + coordinates[:, 1]) * side + coordinates[:, 2]
        return torch.where(self._grid.is_real_cell(ids), cells, -1)

    def activate_nodes(self, index: Tensor | np.ndarray) -> None:
        """Make leaves of further nodes at the next `prepare`, for Terms that supervise the field there.

        index : nodes counted in C order of (x, y, z), 0 … (n + 1)^3 − 1
        """
        ids = self._node_ids(index)
        self._pending = torch.cat([self._pending, ids[self._active.node_row[ids] < 0]])

    def node_values(self, index: Tensor | np.ndarray) -> Tensor:
        """Field at nodes (counted as in `activate_nodes`), with graph where they are active, constant elsewhere."""
        ids = self._node_ids(index)
        rows = self._active.node_row[ids].to(torch.int64)
        if bool((rows >= 0).all()):
            return self._leaves["field"][rows]
        return torch.where(rows >= 0, self._leaves["field"][rows.clamp(min=0)], self._bases["field"][ids])

    def node_positions(self, index: Tensor | np.ndarray) -> Tensor:
        """Where nodes (counted as in `activate_nodes`) are now, offsets included, no graph, shape (count, 3)."""
        ids = self._node_ids(index)
        rows = self._active.node_row[ids].to(torch.int64)
        bend = torch.tanh(self._leaves["offsets"].detach())[rows.clamp(min=0)]
        bend[rows < 0] = 0
        frame = self._frame_of(ids)
        return frame.positions + frame.reach * bend

    def crossing_positions(self) -> Tensor:
        """Undeformed middles of the edges of `ExtractedSurface.crossing_values`, shape (edge_count, 3), no graph."""
        return self._frame.positions[self.connectivity.crossing_rows].mean(dim=1)

    def cell_positions(self) -> Tensor:
        """Undeformed centre of the cell of every row of the leaf "weights", shape (cell_count, 3)."""
        return self._grid.cell_centres(self._active.cell_ids, self.dtype)

    def set_field(self, index: Tensor | np.ndarray, values: Tensor) -> None:
        """Overwrite the field at nodes (counted as in `activate_nodes`); its moments there go to zero.

        The next `prepare` finds the surface anew and reports the replaced leaf. Frozen nodes keep their values.
        """
        self._overwrite("field", index, values)

    def _overwrite(self, name: str, index: Tensor | np.ndarray, values: Tensor) -> None:
        """`set_field` for any leaf on nodes that has a base."""
        ids = self._node_ids(index)
        free = ~torch.isin(ids, self._frozen.node_ids)
        ids, values = ids[free], values[free]
        rows = self._active.node_row[ids].to(torch.int64)
        passive = rows < 0
        if bool(passive.any()):
            base = self._bases[name]
            self._bases = {**self._bases, name: base.index_put((ids[passive],), values.to(base)[passive])}
            self._shared_bases = {other: kept for other, kept in self._shared_bases.items() if other != name}
            if name == "field":
                inside = self._bases[name][ids[passive]] < 0
                if self.no_intersections:
                    inside &= (self._grid.freedom(ids[passive], self.dtype) > 0).all(dim=1)
                self._occupancy[ids[passive]] = inside.to(torch.uint8)
        self._connectivity = None
        old, changed = self._leaves[name], rows[~passive]
        new = old.detach().index_put((changed,), values.to(old)[~passive]).requires_grad_()
        self._leaves[name] = new

        def forget(moment: Tensor) -> Tensor:
            return moment.index_fill(0, changed, 0.0)

        self._remaps.append(Remap(name, old, new, forget))

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

    def freeze(self, stroke: Stroke) -> None:
        self._freeze_cells(self._cells_of(stroke), frozen=stroke.frozen)

    def set_frozen(self, strokes: Sequence[Stroke]) -> None:
        self._frozen.thaw()
        for stroke in strokes:
            self._frozen.set_cells(self._cells_of(stroke), frozen=stroke.frozen)
        self._keep_frozen()

    def mask_gradients(self) -> None:
        self._frozen.mask_gradients(self._leaves)

    def after_step(self) -> None:
        self._frozen.put_back(self._leaves)

    def state(self) -> State:
        """Plain arrays. "base" is the same array object in every state of one resolution: keep it once."""
        arrays = {name: leaf.detach().cpu().numpy().copy() for name, leaf in self._leaves.items()}
        return {
            "kind": self.kind,
            "resolution": self.resolution,
            "closed": int(self.closed),
            "no_intersections": int(self.no_intersections),
            **{base_key(name): self._base_array(name) for name in self._bases},
            "node_ids": self._active.node_ids.cpu().numpy().astype(np.int32),
            "cell_ids": self._active.cell_ids.cpu().numpy().astype(np.int32),
            "frozen_cells": self._frozen.cell_ids.cpu().numpy().astype(np.int32),
            **arrays,
        }

    def restore(self, state: State) -> None:
        grid = require_fit(state, self.kind, self._leaf_specs, tuple(self._bases))
        device = self.device.torch
        self.closed = bool(state["closed"])
        self.no_intersections = bool(state.get("no_intersections", 0))
        bases = {name: np.asarray(state[base_key(name)]) for name in self._bases}
        self._reset(grid, {name: torch.from_numpy(base).to(device) for name, base in bases.items()})
        self._shared_bases = bases
        ids = {name: torch.as_tensor(state[name]).to(device, torch.int64) for name in IDS}
        self._active.restore(ids["node_ids"], ids["cell_ids"])
        if len(self._active.node_ids) != len(ids["node_ids"]):
            raise ParameterError("surface.node_ids", "a corner of an active cell is not among them.")
        self._leaves = {
            name: torch.as_tensor(state[name]).to(device, copy=True).requires_grad_() for name in self._leaves
        }
        self._frame = self._frame_of(self._active.node_ids)
        self._frozen.set_cells(ids["frozen_cells"], frozen=True)
        self._keep_frozen()

    @property
    def _leaf_specs(self) -> dict[str, LeafSpec]:
        return FLEXICUBES_LEAVES

    def _reset(self, grid: Grid, bases: dict[str, Tensor]) -> None:
        """An empty design on `grid`: `bases` are the values over all ids with which leaves on nodes begin."""
        device = self.device.torch
        self._grid = grid
        self._bases = bases
        self._shared_bases = {}
        self._occupancy = (bases["field"] < 0).to(torch.uint8)
        if self.no_intersections:
            # Outside, for the flat cells of the virtual layer would make triangles without an area.
            self._occupancy = grid.pad(grid.unpad(self._occupancy)[1:-1, 1:-1, 1:-1], 0, layers=2)
        self._slots = torch.zeros(grid.id_count, dtype=torch.int32, device=device)
        self._active = ActiveSet(grid, device)
        self._frozen = Frozen(grid, device)
        self._pending = torch.zeros(0, dtype=torch.int64, device=device)
        self._connectivity = None
        self._extracted = None
        self._fans = None
        self._remaps = []
        self._leaves = {
            name: torch.zeros((0, *spec.shape), dtype=self.dtype, device=device, requires_grad=True)
            for name, spec in self._leaf_specs.items()
        }
        self._frame = self._frame_of(self._active.node_ids)

    def _find_surface(self) -> None:
        """Bring connectivity and active set up to the field; replaced leaves wait in `_remaps` for `prepare`."""
        self._extracted = None
        signs = (self._surface_field().detach() < 0).to(torch.uint8)
        previous = self._occupancy[self._active.node_ids]
        if self._connectivity is not None and not len(self._pending) and torch.equal(signs, previous):
            return
        self._occupancy[self._active.node_ids] = signs
        dense = dense_cases(self._occupancy, self._grid)
        cells = surface_cells(dense, self._grid, closed=self.closed)
        self._activate(self._active.missing_cells(cells))
        self._fans = None
        self._connectivity = connect(cells, dense, self._active, self._slots, self._tables, closed=self.closed)

    def _activate(self, cells: Tensor) -> None:
        """Rows for new cells and pending nodes: the field starts at its base, all else neutral, moments at zero."""
        if not len(cells) and not len(self._pending):
            return
        added = [self._active.append_nodes(self._pending), self._active.append_cells(cells)]
        self._pending = self._pending[:0]
        nodes = torch.cat(added)
        for name, spec in self._leaf_specs.items():
            count = len(cells) if spec.on_cells else len(nodes)
            if count:
                neutral = torch.zeros((count, *spec.shape), dtype=self.dtype, device=self.device.torch)
                new_rows = self._bases[name][nodes] if name in self._bases else neutral
                old = self._leaves[name]
                self._leaves[name] = torch.cat([old.detach(), new_rows]).requires_grad_()
                self._remaps.append(Remap(name, old, self._leaves[name], _padding(len(new_rows))))
        if len(nodes):
            added_frame = self._frame_of(nodes)
            self._frame = NodeFrame(
                torch.cat([self._frame.positions, added_frame.positions]),
                torch.cat([self._frame.reach, added_frame.reach]),
            )
        self._keep_frozen()

    def _surface_field(self) -> Tensor:
        """The leaf "field" as the surface sees it: without intersections, nodes on the border are outside."""
        field = self._leaves["field"]
        if not self.no_intersections:
            return field
        on_border = self._frame.positions.abs().amax(dim=1) > 1.0 - 0.5 * self.cell_size
        return torch.where(on_border, field.clamp(min=EDGE_MARGIN * self.cell_size), field)

    def _require_fans(self) -> EdgeFans:
        connectivity = self.connectivity
        if self._fans is None:
            self._fans = edge_fans(self._grid, self._occupancy, connectivity)
        return self._fans

    def _frame_of(self, ids: Tensor) -> NodeFrame:
        reach = self._grid.freedom(ids, self.dtype) * (0.0 if self.no_intersections else REACH * self.cell_size)
        return NodeFrame(self._grid.positions(ids, self.dtype), reach)

    def _cells_of(self, stroke: Stroke) -> Tensor:
        return cells_in_balls(self._grid, stroke.centres, stroke.radius, self.device.torch)

    def _freeze_cells(self, cells: Tensor, *, frozen: bool) -> None:
        self._frozen.set_cells(cells, frozen=frozen)
        self._keep_frozen()

    def _keep_frozen(self) -> None:
        cells = self._frozen.cell_ids
        if len(cells):
            steps = torch.tensor([s * stride for stride in self._grid.strides for s in (-1, 1)], device=cells.device)
            dense = dense_cases(self._occupancy, self._grid)
            face = torch.tensor(dual_tables().ambiguous_face, device=cells.device)[dense[cells].to(torch.int64)]
            ambiguous = face >= 0
            neighbours = cells[ambiguous] + steps[face[ambiguous].to(torch.int64)]
        else:
            neighbours = cells
        self._frozen.keep(self._active, self._leaves, neighbours)

    def _dense(self, name: str) -> Tensor:
        """A leaf on nodes over all ids, detached."""
        dense = self._bases[name].clone()
        dense[self._active.node_ids] = self._leaves[name].detach()
        return dense

    def _base_array(self, name: str) -> np.ndarray:
        if name not in self._shared_bases:
            # A view of the tensor would be copied again by everyone who keeps it.
            self._shared_bases = {**self._shared_bases, name: self._bases[name].cpu().numpy().copy()}
        return self._shared_bases[name]

    def _node_ids(self, index: Tensor | np.ndarray) -> Tensor:
        return self._grid.from_node_index(torch.as_tensor(index).to(self.device.torch, torch.int64))

    @property
    def connectivity(self) -> Connectivity:
        """Which dual vertices and quads there are, for the field as it is now."""
        if self._connectivity is None:
            self._find_surface()
        assert self._connectivity is not None
        return self._connectivity


UNTANGLINGS = 10
"""How often nodes near inverted tetrahedra go back before all do."""

FLAT = 1e-7
"""Volume of a tetrahedron, in cells, that is as bad as an inverted one."""


def require_cube(values: np.ndarray | Tensor) -> Tensor:
    """Node values to start from, detached; raises `GeometryError` where they are no cube of numbers."""
    field = torch.as_tensor(values).detach()
    if field.ndim != 3 or len(set(field.shape)) != 1:
        raise GeometryError(f"The field has shape {tuple(field.shape)}; it must be a cube of node values.")
    if not bool(torch.isfinite(field).all()):
        raise GeometryError("The field to start from has values that are not numbers.")
    return field


def _in_float64(value: Any) -> Any:
    return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value


def _padding(count: int) -> Any:
    def pad(moment: Tensor) -> Tensor:
        return torch.cat([moment, moment.new_zeros((count, *moment.shape[1:]))])

    return pad
