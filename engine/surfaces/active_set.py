"""The cells and nodes that the surface has touched, as rows in the order in which they were touched."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.surfaces.grid import Grid


class ActiveSet:
    """Rows for nodes and cells, and dense integer maps from ids to rows.

    node_ids, cell_ids : id of each row, int64; rows are only ever appended
    node_row : row of each id, −1 where there is none, −2 − r for a virtual node on row r, shape (id_count,), int32
    cell_row : row of each id, −1 where there is none, shape (id_count,), int32
    corner_offsets : ids of the eight corners of a cell minus its own, shape (8,)
    """

    def __init__(self, grid: Grid, device: torch.device) -> None:
        self.grid = grid
        self.device = device
        self.node_ids = torch.zeros(0, dtype=torch.int64, device=device)
        self.cell_ids = torch.zeros(0, dtype=torch.int64, device=device)
        self.node_row = torch.full((grid.id_count,), -1, dtype=torch.int32, device=device)
        self.cell_row = torch.full((grid.id_count,), -1, dtype=torch.int32, device=device)
        self.corner_offsets = grid.corner_offsets(device)

    def missing_cells(self, ids: Tensor) -> Tensor:
        """Those of `ids` that have no row."""
        return ids[self.cell_row[ids] < 0]

    def append_cells(self, ids: Tensor) -> Tensor:
        """Give rows to new cells (distinct, without a row) and their nodes; returns the ids of the new nodes."""
        self.cell_ids = self._append(self.cell_ids, self.cell_row, ids)
        corners = (ids[:, None] + self.corner_offsets).reshape(-1)
        corners = corners[self.node_row[corners] == -1]
        real = self.grid.is_real(corners)
        added = self.append_nodes(corners[real])
        virtual = corners[~real]
        self.node_row[virtual] = -2 - self.node_row[self.grid.clamped(virtual)]
        return added

    def append_nodes(self, ids: Tensor) -> Tensor:
        """Give rows to those real nodes of `ids` that have none; returns their ids in the order of their rows."""
        added = torch.unique(ids[self.node_row[ids] == -1])
        self.node_ids = self._append(self.node_ids, self.node_row, added)
        return added

    def restore(self, node_ids: Tensor, cell_ids: Tensor) -> None:
        """The rows of a saved state, in an empty set."""
        self.node_ids = self._append(self.node_ids, self.node_row, node_ids)
        self.append_cells(cell_ids)

    @staticmethod
    def _append(ids: Tensor, row: Tensor, added: Tensor) -> Tensor:
        start = len(ids)
        row[added] = torch.arange(start, start + len(added), dtype=torch.int32, device=ids.device)
        return torch.cat([ids, added])
