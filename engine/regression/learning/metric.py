"""How a morph stretches and shears: its metric on the common mesh."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from engine.regression.learning.features import CommonMesh


def metric_values(seen: Tensor, common: CommonMesh) -> Tensor:
    """Components of the metric FᵀF of the map from the mean sample, in an orthonormal frame of every cell there, those
    of one component of all cells together.

    seen : coordinates on the common mesh, shape (sample_count, dimension · node_count)
    returns : shape (sample_count, component_count · cell_count); three components of a triangle, six of a tetrahedron
    """
    cells = torch.from_numpy(common.cells.astype(np.int64))
    frames = torch.from_numpy(_frames(common))
    corners = seen.reshape(len(seen), common.dimension, -1)[:, :, cells]
    sides = corners[..., 1:] - corners[..., :1]
    gram = torch.einsum("sdci,sdcj->scij", sides, sides)
    metric = torch.einsum("cki,scij,clj->sckl", frames, gram, frames)
    upper = np.triu_indices(common.cells.shape[1] - 1)
    return metric[..., upper[0], upper[1]].transpose(1, 2).reshape(len(seen), -1)


def metric_mass(common: CommonMesh) -> csr_matrix:
    """Sizes of the cells of the mean sample, once a component, on a diagonal."""
    gram = _gram(common)
    count = gram.shape[1]
    sizes = np.sqrt(np.maximum(np.linalg.det(gram), 0.0)) / (2.0 if count == 2 else 6.0)
    return csr_matrix(diags(np.tile(sizes, count * (count + 1) // 2)))


def _gram(common: CommonMesh) -> np.ndarray:
    """Inner products of the sides that leave the first corner of every cell of the mean sample."""
    corners = common.mean_nodes[common.cells]
    sides = corners[:, 1:] - corners[:, :1]
    return np.asarray(sides @ np.swapaxes(sides, 1, 2))


def _frames(common: CommonMesh) -> np.ndarray:
    """L⁻¹ of the Cholesky factor of every cell's inner products: it makes its metric the identity."""
    gram = _gram(common)
    trace = np.trace(gram, axis1=1, axis2=2)[:, None, None]
    # A cell that is flat in the mean says nothing, and its size is zero.
    return np.linalg.inv(np.linalg.cholesky(gram + 1e-12 * trace * np.eye(gram.shape[1])))
