"""A square sparse matrix as rows, columns and values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.sparse import coo_array, csc_array
from torch import Tensor


@dataclass(frozen=True)
class Triplets:
    """A matrix of `size` rows and columns; entries of the same place add up.

    rows, cols : int64, shape (entry_count,). An Energy whose pattern does not change hands back the very same two
        tensors every time, so that a solver may keep what it has worked out for them (compare with `is`).
    values : float64, shape (entry_count,)
    size : unknowns
    passing : the pattern is of this moment only, as that of contacts is: a solver keeps nothing of it
    """

    rows: Tensor
    cols: Tensor
    values: Tensor
    size: int
    passing: bool = False

    def to(self, device: torch.device) -> Triplets:
        """The same on a device."""
        rows, cols, values = (part.to(device) for part in (self.rows, self.cols, self.values))
        return Triplets(rows, cols, values, self.size, self.passing)

    @staticmethod
    def join(parts: Sequence[Triplets]) -> Triplets:
        """The sum of matrices of one size."""
        return Triplets(
            torch.cat([part.rows for part in parts]),
            torch.cat([part.cols for part in parts]),
            torch.cat([part.values for part in parts]),
            parts[0].size,
        )

    def multiply(self, vector: Tensor) -> Tensor:
        """The matrix times a vector, shape (size,)."""
        return torch.zeros_like(vector).index_add_(0, self.rows, self.values * vector[self.cols])

    def dense(self) -> Tensor:
        """All entries, shape (size, size): for tests and small systems."""
        matrix = self.values.new_zeros(self.size * self.size)
        return matrix.index_add_(0, self.rows * self.size + self.cols, self.values).reshape(self.size, self.size)

    def to_scipy(self) -> csc_array:
        """Compressed columns on the CPU."""
        places = (self.rows.cpu().numpy(), self.cols.cpu().numpy())
        return coo_array((self.values.cpu().numpy(), places), shape=(self.size, self.size)).tocsc()
