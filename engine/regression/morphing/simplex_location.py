"""Where points lie among tetrahedra in space, and among triangles on the unit sphere (`transfer` has the plane).

Weights w of a point p in a cell with corners c solve Σ wᵢ cᵢ = p; in space with a last coordinate of 1, on the sphere
as rays from its centre.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from engine.regression.morphing.transfer import FIRST_LOOK, SECOND_LOOK, Located

INSIDE = 1e-9
"""A weight so little below zero counts as inside."""

PAIRS = 2_000_000
"""Pairs of point and cell that are looked at together."""


def locate_in_volume(points: Tensor, nodes: Tensor, tetrahedra: np.ndarray) -> Located:
    """Where points (point_count, 3) lie among tetrahedra; the weights carry the graph of points and nodes.

    A point outside gets the weights of the cell that it is least outside of, moved into [0, 1].
    """
    return _locate(_raised(points), _raised(nodes), tetrahedra, looks=(FIRST_LOOK, SECOND_LOOK))


def locate_on_sphere(points: Tensor, nodes: Tensor, triangles: np.ndarray) -> Located:
    """Where points (point_count, 3) on the unit sphere lie among triangles with their corners on it; the weights carry
    the graph of points and nodes."""
    # Every point is in some triangle, so all are looked at before one is said to be outside.
    return _locate(points, nodes, triangles, looks=(FIRST_LOOK, SECOND_LOOK, len(triangles)))


def _raised(values: Tensor) -> Tensor:
    return torch.cat([values, torch.ones_like(values[:, :1])], dim=1)


def _locate(points: Tensor, nodes: Tensor, cells: np.ndarray, *, looks: tuple[int, ...]) -> Located:
    found = _containing(points.detach().numpy(), nodes.detach().numpy()[cells], looks)
    corners = torch.from_numpy(cells[found].astype(np.int64))
    weights = torch.linalg.solve(nodes[corners].mT, points[..., None])[..., 0]
    weights = (weights / weights.sum(1, keepdim=True)).clamp_min(0.0)
    return Located(corners, weights / weights.sum(1, keepdim=True))


def _containing(points: np.ndarray, corners: np.ndarray, looks: tuple[int, ...]) -> np.ndarray:
    """Index of a cell that holds each point, or that it is least outside of, shape (point_count,)."""
    centres = corners.mean(axis=1)
    # Three vectors whose volume is nothing where a cell is flat: then no weights can be found.
    a, b, c = np.moveaxis(corners if corners.shape[1] == 3 else (corners[:, 1:] - corners[:, :1])[..., :3], 1, 0)
    sizes = np.abs((np.cross(a, b) * c).sum(1))
    solid = np.flatnonzero(sizes > 1e-14 * sizes.max())
    centres, corners = centres[solid], corners[solid]
    centres = centres / np.linalg.norm(centres, axis=1, keepdims=True) if corners.shape[1] == 3 else centres
    tree, inverses = cKDTree(centres), np.linalg.inv(np.swapaxes(corners, -1, -2))
    chosen, outside = np.zeros(len(points), np.int64), np.full(len(points), np.inf)
    left = np.arange(len(points))
    for look in looks:
        count = min(look, len(centres))
        for part in np.array_split(left, max(1, len(left) * count // PAIRS)):
            if len(part):
                chosen[part], outside[part] = _best(points[part], inverses, tree, count)
        left = np.flatnonzero(outside > INSIDE)
        if not len(left) or count == len(centres):
            break
    return solid[chosen]


def _best(points: np.ndarray, inverses: np.ndarray, tree: cKDTree, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the `count` cells nearest by centre the one that each point is least outside of, and by how much (in units of
    weight); `inverses` take points to weights in each cell."""
    near = tree.query(points, k=count)[1].reshape(len(points), -1)
    weights = np.einsum("pkij,pj->pki", inverses[near], points)
    total = weights.sum(axis=-1)
    # A ray that leaves the sphere on the other side has weights below zero.
    outside = np.where(total > 0.0, -weights.min(axis=-1) / np.where(total > 0.0, total, 1.0), np.inf)
    best = np.argmin(outside, axis=1)
    rows = np.arange(len(points))
    return near[rows, best], np.maximum(outside[rows, best], 0.0)
