"""A design on the cells of a grid that its surface has touched: a field, and whatever else shapes the surface there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import Remap, State
from engine.surfaces.active_set import ActiveSet
from engine.surfaces.connectivity import Connectivity, DeviceTables, connect, dense_cases, surface_cells
from engine.surfaces.edge_fans import MARGIN as EDGE_MARGIN
from engine.surfaces.edge_fans import EdgeFans
from engine.surfaces.extraction import Activation, NodeFrame
from engine.surfaces.flexicubes_kernels import OUTSIDE
from engine.surfaces.freezing import Frozen, cells_in_balls
from engine.surfaces.grid import Grid
from engine.surfaces.saved_state import FLEXICUBES_LEAVES, IDS, LeafSpec, base_key, require_fit
from engine.surfaces.surface import Stroke, Surface
from engine.surfaces.tables import dual_tables

REACH = 0.5 * (1.0 - 1.0e-3)
"""Cells that a node may move along an axis, so that two nodes never meet."""


class GridDesign(Surface):
    """The leaves of a surface on a grid: rows for nodes and cells that it has touched, appended as it moves; where they
    start, what of them is frozen, and how they are saved.

    Subclasses make the mesh of them. Without intersections, nodes stay in place and those on the border are outside.
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

    @property
    def resolution(self) -> int:
        return self._grid.resolution

    def tensors(self) -> dict[str, Tensor]:
        return dict(self._leaves)

    def prepare(self) -> list[Remap]:
        self._find_surface()
        remaps, self._remaps = self._remaps, []
        return remaps

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


def require_cube(values: np.ndarray | Tensor) -> Tensor:
    """Node values to start from, detached; raises `GeometryError` where they are no cube of numbers."""
    field = torch.as_tensor(values).detach()
    if field.ndim != 3 or len(set(field.shape)) != 1:
        raise GeometryError(f"The field has shape {tuple(field.shape)}; it must be a cube of node values.")
    if not bool(torch.isfinite(field).all()):
        raise GeometryError("The field to start from has values that are not numbers.")
    return field


def _padding(count: int) -> Any:
    def pad(moment: Tensor) -> Tensor:
        return torch.cat([moment, moment.new_zeros((count, *moment.shape[1:]))])

    return pad
