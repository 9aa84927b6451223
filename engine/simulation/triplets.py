"""A square sparse matrix as rows, columns and values, or as blocks between vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from scipy.sparse import coo_array, csc_array
from torch import Tensor


class SparseMatrix(Protocol):
    """What `Triplets` and `VertexBlocks` have in common."""

    @property
    def size(self) -> int:
        """Rows, and columns."""

    def multiply(self, vector: Tensor) -> Tensor:
        """The matrix times a vector, shape (size,)."""

    def magnitude(self, vector: Tensor) -> Tensor:
        """The matrix of absolute values times a vector."""

    def triplets(self) -> Triplets:
        """The same as rows, columns and values."""

    def dense(self) -> Tensor:
        """All entries, shape (size, size): for tests and small systems."""


@dataclass(frozen=True)
class Triplets:
    """A matrix of `size` rows and columns; entries of the same place add up.

    rows, cols : int64, shape (entry_count,). An Energy whose pattern does not change hands back the very same two
        tensors every time, so that a solver may keep what it has worked out for them (compare with `is`).
    values : float64, shape (entry_count,)
    size : unknowns
    """

    rows: Tensor
    cols: Tensor
    values: Tensor
    size: int

    def to(self, device: torch.device) -> Triplets:
        """The same on a device."""
        rows, cols, values = (part.to(device) for part in (self.rows, self.cols, self.values))
        return Triplets(rows, cols, values, self.size)

    def multiply(self, vector: Tensor) -> Tensor:
        """The matrix times a vector, shape (size,)."""
        return torch.zeros_like(vector).index_add_(0, self.rows, self.values * vector[self.cols])

    def magnitude(self, vector: Tensor) -> Tensor:
        """The matrix of absolute values times a vector."""
        return Triplets(self.rows, self.cols, self.values.abs(), self.size).multiply(vector)

    def triplets(self) -> Triplets:
        return self

    def dense(self) -> Tensor:
        """All entries, shape (size, size): for tests and small systems."""
        matrix = self.values.new_zeros(self.size * self.size)
        return matrix.index_add_(0, self.rows * self.size + self.cols, self.values).reshape(self.size, self.size)

    def to_scipy(self) -> csc_array:
        """Compressed columns on the CPU."""
        places = (self.rows.cpu().numpy(), self.cols.cpu().numpy())
        return coo_array((self.values.cpu().numpy(), places), shape=(self.size, self.size)).tocsc()


@dataclass(frozen=True)
class VertexBlocks:
    """Elements of k vertices each, whose pattern is of this moment only, as that of contacts is.

    vertices : of each element, int64, shape (n, k)
    values : the block of each pair of its vertices, float64, shape (n, k, k, 3, 3)
    size : unknowns, of which the first are three a vertex
    """

    vertices: Tensor
    values: Tensor
    size: int

    def to(self, device: torch.device) -> VertexBlocks:
        """The same on a device."""
        return VertexBlocks(self.vertices.to(device), self.values.to(device), self.size)

    def multiply(self, vector: Tensor) -> Tensor:
        """The matrix times a vector, shape (size,)."""
        corners = vector[self._unknowns()]
        images = torch.einsum("npqij,nqj->npi", self.values, corners)
        return torch.zeros_like(vector).index_add_(0, self._unknowns().reshape(-1), images.reshape(-1))

    def magnitude(self, vector: Tensor) -> Tensor:
        """The matrix of absolute values times a vector."""
        return VertexBlocks(self.vertices, self.values.abs(), self.size).multiply(vector)

    def triplets(self) -> Triplets:
        """The same as rows, columns and values."""
        unknowns = self._unknowns()
        shape = self.values.shape
        rows = unknowns[:, :, None, :, None].expand(shape)
        cols = unknowns[:, None, :, None, :].expand(shape)
        return Triplets(rows.reshape(-1), cols.reshape(-1), self.values.reshape(-1), self.size)

    def dense(self) -> Tensor:
        """All entries, shape (size, size): for tests and small systems."""
        return self.triplets().dense()

    def _unknowns(self) -> Tensor:
        """Shape (n, k, 3)."""
        return 3 * self.vertices[:, :, None] + torch.arange(3, device=self.vertices.device)
