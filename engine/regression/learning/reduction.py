"""Snapshot proper orthogonal decomposition: centred, in the inner product of a mass matrix.

Sirovich, Turbulence and the dynamics of coherent structures, 1987 (snapshots, by the Gram matrix).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import coo_matrix, csr_matrix

LEAST_ENERGY = 1e-14
"""Modes with less of the first mode's energy are rounding."""


@dataclass(frozen=True)
class Basis:
    """Modes of a field on the common mesh.

    mean : of the snapshots, shape (value_count,)
    modes : orthonormal in the mass matrix, shape (mode_count, value_count)
    energies : mean square of each mode's coefficient over the snapshots, falling, shape (mode_count,)
    total : mean square norm of the centred snapshots, all modes together
    """

    mean: np.ndarray
    modes: np.ndarray
    energies: np.ndarray
    total: float

    @property
    def mode_count(self) -> int:
        return len(self.modes)

    def coefficients(self, snapshots: np.ndarray, mass: csr_matrix) -> np.ndarray:
        """Of snapshots (…, value_count), shape (…, mode_count); `mass` as in `find_basis`."""
        return np.asarray((mass @ (snapshots - self.mean).T).T @ self.modes.T)

    def decode(self, coefficients: np.ndarray) -> np.ndarray:
        """Fields of coefficients (…, mode_count), shape (…, value_count)."""
        return self.mean + coefficients @ self.modes

    def truncated(self, mode_count: int) -> Basis:
        """The first so many modes."""
        return Basis(self.mean, self.modes[:mode_count], self.energies[:mode_count], self.total)


def mass_matrix(nodes: np.ndarray, cells: np.ndarray) -> csr_matrix:
    """∫ φ_i φ_j over a mesh of linear triangles in the plane or in space, or of tetrahedra, shape
    (node_count, node_count)."""
    corners = nodes[cells]
    sides = corners[:, 1:] - corners[:, :1]
    gram = np.linalg.det(sides @ np.swapaxes(sides, 1, 2))
    size = np.sqrt(np.maximum(gram, 0.0)) / (2.0 if cells.shape[1] == 3 else 6.0)
    count = cells.shape[1]
    local = (np.ones((count, count)) + np.eye(count)) / (count * (count + 1)) * size[:, None, None]
    rows = np.repeat(cells[:, :, None], count, axis=2)
    columns = np.swapaxes(rows, 1, 2)
    return coo_matrix((local.ravel(), (rows.ravel(), columns.ravel())), shape=(len(nodes),) * 2).tocsr()


def gram_matrix(snapshots: np.ndarray, mass: csr_matrix) -> np.ndarray:
    """Inner products with one another of the snapshots' deviations from their mean."""
    centred = snapshots - snapshots.mean(axis=0)
    return np.asarray(centred @ (mass @ centred.T))


def find_basis(
    snapshots: np.ndarray, mass: csr_matrix, *, most: int, energy: float = 1.0, gram: np.ndarray | None = None
) -> Basis:
    """The modes that hold the part `energy` of the variance, at most `most` of them.

    snapshots : shape (snapshot_count, value_count)
    mass : symmetric positive, shape (value_count, value_count)
    gram : rows and columns of these snapshots in the `gram_matrix` of all, where it is known
    """
    mean = snapshots.mean(axis=0)
    centred = snapshots - mean
    count = len(snapshots)
    inner = gram_matrix(snapshots, mass) if gram is None else gram
    inner = inner - inner.mean(axis=0) - inner.mean(axis=1)[:, None] + inner.mean()
    values, vectors = eigh((inner + inner.T) / 2.0)
    values, vectors = values[::-1], vectors[:, ::-1]
    total = float(np.maximum(values, 0.0).sum())
    kept = values > LEAST_ENERGY * max(values[0], 0.0)
    kept[count - 1 :] = False  # centring takes one away
    reached = np.searchsorted(np.cumsum(np.maximum(values, 0.0)), energy * total) + 1
    mode_count = int(min(kept.sum(), most, reached)) if total > 0.0 else 0
    modes = (vectors[:, :mode_count] / np.sqrt(values[:mode_count])).T @ centred
    return Basis(mean, modes, values[:mode_count] / count, total / count)
