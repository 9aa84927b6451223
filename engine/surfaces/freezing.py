"""The part of the grid that may not change, and the exact values that it keeps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.surfaces.active_set import ActiveSet
from engine.surfaces.grid import SIDE, Grid


class Frozen:
    """Frozen cells and, with them, all nodes that shape the surface in them.

    A mask over all ids is made only once something is frozen. `node_ids` are the frozen nodes, ascending.
    """

    def __init__(self, grid: Grid, device: torch.device) -> None:
        self._grid = grid
        self._device = device
        self._cells: Tensor | None = None
        self._kept: dict[str, tuple[Tensor, Tensor]] = {}
        self.node_ids = torch.zeros(0, dtype=torch.int64, device=device)

    @property
    def cell_ids(self) -> Tensor:
        """Ids of the frozen cells, ascending."""
        if self._cells is None:
            return torch.zeros(0, dtype=torch.int64, device=self._device)
        return torch.nonzero(self._cells).reshape(-1)

    def set_cells(self, ids: Tensor, *, frozen: bool) -> None:
        """Freeze or thaw cells; `keep` afterwards."""
        if self._cells is None:
            if not (frozen and len(ids)):
                return
            self._cells = torch.zeros(self._grid.id_count, dtype=torch.bool, device=self._device)
        self._cells[ids] = frozen

    def thaw(self) -> None:
        """Freeze nothing; `keep` afterwards."""
        self._cells = None

    def keep(self, active: ActiveSet, leaves: dict[str, Tensor], ambiguous_neighbours: Tensor) -> None:
        """Remember the values of all frozen rows as they are now.

        ambiguous_neighbours : ids of cells whose signs decide how a frozen cell is connected; their nodes are kept too
        """
        self._kept = {}
        cells = self.cell_ids
        self.node_ids = self.node_ids[:0]
        if not len(cells):
            return
        shaping = torch.cat([cells, ambiguous_neighbours])
        self.node_ids = torch.unique((shaping[:, None] + active.corner_offsets).reshape(-1))
        node_rows = active.node_row[self.node_ids]
        cell_rows = active.cell_row[cells]
        for name, leaf in leaves.items():
            rows = cell_rows if name == "weights" else node_rows
            kept = rows[rows >= 0].to(torch.int64)
            self._kept[name] = (kept, leaf.detach()[kept].clone())

    def mask_gradients(self, leaves: dict[str, Tensor]) -> None:
        """Zero the gradients of the frozen rows."""
        for name, (rows, _) in self._kept.items():
            gradient = leaves[name].grad
            if gradient is not None:
                gradient[rows] = 0

    def put_back(self, leaves: dict[str, Tensor]) -> None:
        """Exact values into the frozen rows."""
        with torch.no_grad():
            for name, (rows, values) in self._kept.items():
                leaves[name][rows] = values


def cells_in_balls(grid: Grid, centres: np.ndarray, radius: float, device: torch.device) -> Tensor:
    """Ids of the cells (virtual ones included) whose undeformed box meets one of the balls, working frame."""
    h = grid.cell_size
    found: list[np.ndarray] = []
    for centre in np.asarray(centres, np.float64).reshape(-1, 3):
        axes = []
        for component in centre:
            low = np.clip(np.floor((component - radius + SIDE / 2) / h), -1, grid.resolution)
            high = np.clip(np.floor((component + radius + SIDE / 2) / h), -1, grid.resolution)
            index = np.arange(int(low), int(high) + 1)
            box_low = np.clip(index, 0, grid.resolution) * h - SIDE / 2
            box_high = np.clip(index + 1, 0, grid.resolution) * h - SIDE / 2
            gap = np.maximum(np.maximum(box_low - component, component - box_high), 0.0)
            axes.append((index + 1, gap * gap))
        (ix, gx), (iy, gy), (iz, gz) = axes
        near = gx[:, None, None] + gy[None, :, None] + gz[None, None, :] <= radius * radius
        sx, sy, sz = grid.strides
        ids = ix[:, None, None] * sx + iy[None, :, None] * sy + iz[None, None, :] * sz
        found.append(ids[near])
    flat = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return torch.tensor(flat, dtype=torch.int64, device=device)
