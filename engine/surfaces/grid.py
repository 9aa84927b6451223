"""The regular grid on [-1, 1]^3 with a virtual layer round it.

Nodes carry one id: (i · m + j) · m + k with m = n + 3 nodes a side, padded coordinates 0 … n + 2, of which
1 … n + 1 are real. A cell has the id of its lowest node. The virtual cells have no thickness: their outer nodes lie on
the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.core.errors import ParameterError

SIDE = 2.0


@dataclass(frozen=True)
class Grid:
    """`resolution` cells a side, plus the virtual layer."""

    resolution: int

    def __post_init__(self) -> None:
        if not 2 <= self.resolution <= 1000:
            raise ParameterError("resolution", f"{self.resolution} cells a side make no grid.", remedy="Use 2 to 1000.")

    @property
    def cell_size(self) -> float:
        """Working lengths."""
        return SIDE / self.resolution

    @property
    def side(self) -> int:
        """Nodes a side, virtual ones included."""
        return self.resolution + 3

    @property
    def id_count(self) -> int:
        return self.side**3

    @property
    def strides(self) -> tuple[int, int, int]:
        """Difference of ids of neighbours along x, y and z."""
        return self.side**2, self.side, 1

    def corner_offsets(self, device: torch.device) -> Tensor:
        """Difference of ids of the eight corners of a cell to its own, shape (8,)."""
        x, y, z = self.strides
        return torch.tensor([(i & 1) * x + (i >> 1 & 1) * y + (i >> 2) * z for i in range(8)], device=device)

    def coordinates(self, ids: Tensor) -> Tensor:
        """Padded integer coordinates, shape (count, 3)."""
        x, y, _ = self.strides
        return torch.stack([ids // x, ids // y % self.side, ids % self.side], dim=-1)

    def ids(self, coordinates: Tensor) -> Tensor:
        """Ids of padded coordinates, shape (…, 3)."""
        x, y, z = self.strides
        return coordinates[..., 0] * x + coordinates[..., 1] * y + coordinates[..., 2] * z

    def is_real(self, ids: Tensor) -> Tensor:
        """Whether nodes are not virtual."""
        coordinates = self.coordinates(ids)
        return ((coordinates >= 1) & (coordinates <= self.resolution + 1)).all(dim=-1)

    def is_real_cell(self, ids: Tensor) -> Tensor:
        """Whether cells lie inside the grid."""
        coordinates = self.coordinates(ids)
        return ((coordinates >= 1) & (coordinates <= self.resolution)).all(dim=-1)

    def clamped(self, ids: Tensor) -> Tensor:
        """Ids of the real nodes on which nodes lie."""
        return self.ids(self.coordinates(ids).clamp(1, self.resolution + 1))

    def positions(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """Undeformed positions of nodes, working frame, shape (count, 3)."""
        steps = self.coordinates(ids).clamp(1, self.resolution + 1) - 1
        return (steps.to(torch.float64) * self.cell_size - SIDE / 2).to(dtype)

    def cell_centres(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """Undeformed centres of cells (of their flat remainder in the virtual layer), shape (count, 3)."""
        opposite = ids + sum(self.strides)
        return (self.positions(ids, dtype) + self.positions(opposite, dtype)) / 2

    def freedom(self, ids: Tensor, dtype: torch.dtype) -> Tensor:
        """1 for the axes along which a node may move, 0 across the border on which it lies, shape (count, 3)."""
        coordinates = self.coordinates(ids)
        return ((coordinates > 1) & (coordinates < self.resolution + 1)).to(dtype)

    def pad(self, values: Tensor, outside: float, *, layers: int = 1) -> Tensor:
        """Node values (n + 1)^3 as a flat array over all ids, `outside` on the virtual layer; with two layers, those of
        the inner nodes (n − 1)^3, `outside` on the border too."""
        padded: Tensor = torch.nn.functional.pad(values, (layers,) * 6, value=outside)
        return padded.reshape(-1).contiguous()

    def unpad(self, flat: Tensor) -> Tensor:
        """The real part of a flat array over all ids, shape (n + 1, n + 1, n + 1)."""
        return flat.reshape(self.side, self.side, self.side)[1:-1, 1:-1, 1:-1]

    def from_node_index(self, index: Tensor) -> Tensor:
        """Ids of real nodes counted 0 … (n + 1)^3 − 1 in C order of (x, y, z)."""
        m = self.resolution + 1
        return self.ids(torch.stack([index // (m * m), index // m % m, index % m], dim=-1) + 1)
