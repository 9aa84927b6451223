"""Maps that put every inner node at a weighted mean of its neighbours: one-to-one into a convex outline.

Tutte, How to draw a graph, 1963 (equal weights); Floater, Mean value coordinates, 2003; Pinkall and Polthier, Computing
discrete minimal surfaces, 1993 (cotangents: the harmonic map, the same whatever the mesh).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu
from torch import Tensor
from torch.autograd.function import once_differentiable

Weights = Literal["uniform", "mean-value", "harmonic"]

LEAST_WEIGHT = 1e-3
"""Of the mean weight: what edges with obtuse angles on both sides get where a harmonic map would fold."""


@dataclass(frozen=True)
class Neighbours:
    """Who is whose neighbour in a mesh.

    triangles : shape (triangle_count, 3), int64
    centre, other : ends of the directed edges that leave inner nodes, sorted, shape (edge_count,)
    of_corner : for corner c of each triangle, the directed edges to the next and to the previous corner, −1 where
        the corner is on the border, shape (triangle_count, 3, 2)
    inner, border : nodes, the border in any order
    """

    triangles: Tensor
    centre: Tensor
    other: Tensor
    of_corner: Tensor
    inner: Tensor
    border: Tensor
    node_count: int


def find_neighbours(triangles: np.ndarray, border: np.ndarray, node_count: int) -> Neighbours:
    """The neighbours in a mesh with this border."""
    corners = triangles.astype(np.int64)
    following, before = corners[:, [1, 2, 0]], corners[:, [2, 0, 1]]
    key_next, key_before = corners * node_count + following, corners * node_count + before
    on_border = np.zeros(node_count, bool)
    on_border[border] = True
    keys = np.unique(np.concatenate([key_next.ravel(), key_before.ravel()]))
    keys = keys[~on_border[keys // node_count]]
    found = np.stack([np.searchsorted(keys, key_next), np.searchsorted(keys, key_before)], axis=-1)
    found[on_border[corners]] = -1
    return Neighbours(
        triangles=torch.from_numpy(corners),
        centre=torch.from_numpy(keys // node_count),
        other=torch.from_numpy(keys % node_count),
        of_corner=torch.from_numpy(found),
        inner=torch.from_numpy(np.flatnonzero(~on_border)),
        border=torch.from_numpy(np.asarray(border, np.int64)),
        node_count=node_count,
    )


def mean_value_weights(nodes: Tensor, neighbours: Neighbours) -> Tensor:
    """Weight of every directed edge, (tan(α/2) + tan(β/2)) / length with the angles on both sides, with graph."""
    forth, back, dot, cross = _angles(nodes, neighbours)
    far, near = forth.norm(dim=-1), back.norm(dim=-1)
    half_tangent = (far * near - dot) / cross
    return _gathered(torch.stack([half_tangent / far, half_tangent / near], dim=-1), neighbours)


def cotangent_weights(nodes: Tensor, neighbours: Neighbours) -> Tensor:
    """Weight of every directed edge, half the sum of the cotangents of the angles that face it, with graph: negative
    where these are obtuse."""
    _, _, dot, cross = _angles(nodes, neighbours)
    cotangent = 0.5 * dot / cross
    # The edge to the next corner is faced by the previous one, and the other way round.
    return _gathered(torch.stack([cotangent[:, [2, 0, 1]], cotangent[:, [1, 2, 0]]], dim=-1), neighbours)


def uniform_weights(nodes: Tensor, neighbours: Neighbours) -> Tensor:
    """One for every directed edge."""
    return nodes.new_ones(len(neighbours.centre))


def convex_map(weights: Tensor, border_positions: Tensor, neighbours: Neighbours) -> Tensor:
    """Positions of all nodes, shape (node_count, 2), differentiable in weights and positions of the border.

    weights : positive, of every directed edge
    border_positions : of `Neighbours.border`, shape (border_count, 2)
    """
    positions: Tensor = _ConvexMap.apply(weights, border_positions, neighbours)
    return positions


def mapped(nodes: Tensor, border_positions: Tensor, neighbours: Neighbours, weights: Weights) -> Tensor:
    """Positions of all nodes of a mesh in the plane, shape (node_count, 2), with the graph of both.

    nodes : positions in the plane or in space, shape (node_count, 2 or 3)
    border_positions : as `convex_map` takes them, on a convex outline

    A harmonic map that would fold gets its negative weights replaced by `LEAST_WEIGHT`: then it cannot.
    """
    if weights == "uniform":
        return convex_map(uniform_weights(nodes, neighbours), border_positions, neighbours)
    if weights == "mean-value":
        return convex_map(mean_value_weights(nodes, neighbours), border_positions, neighbours)
    cotangents = cotangent_weights(nodes, neighbours)
    positions = convex_map(cotangents, border_positions, neighbours)
    if bool((cotangents < 0.0).any()) and _folds(positions.detach(), neighbours.triangles):
        least = LEAST_WEIGHT * float(cotangents.detach().abs().mean())
        positions = convex_map(cotangents.clamp_min(least), border_positions, neighbours)
    return positions


class _ConvexMap(torch.autograd.Function):
    """Σ_j w_ij (x_i − x_j) = 0 at every inner node i, by one sparse factorisation; its adjoint solves once more."""

    @staticmethod
    def forward(context: Any, weights: Tensor, border_positions: Tensor, neighbours: Neighbours) -> Tensor:
        place = np.full(neighbours.node_count, -1)
        place[neighbours.inner.numpy()] = np.arange(len(neighbours.inner))
        rows, columns = place[neighbours.centre.numpy()], place[neighbours.other.numpy()]
        values = weights.detach().numpy()
        within = columns >= 0
        inner_count = len(neighbours.inner)
        total = np.bincount(rows, values, minlength=inner_count)
        entries = np.concatenate([total, -values[within]])
        diagonal = np.arange(inner_count)
        at = np.concatenate([diagonal, rows[within]]), np.concatenate([diagonal, columns[within]])
        factors = splu(csc_matrix((entries, at), shape=(inner_count, inner_count)))
        positions = weights.new_zeros((neighbours.node_count, border_positions.shape[1]))
        positions[neighbours.border] = border_positions.detach()
        pull = (values[:, None] * positions[neighbours.other].numpy())[~within]
        right = np.stack([np.bincount(rows[~within], column, minlength=inner_count) for column in pull.T], axis=1)
        positions[neighbours.inner] = torch.from_numpy(factors.solve(right))
        context.kept = (weights.detach(), positions, neighbours, factors)
        return positions

    @staticmethod
    @once_differentiable
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, positions, neighbours, factors = context.kept
        gradient = gradients[0]
        adjoint = torch.zeros_like(positions)
        adjoint[neighbours.inner] = torch.from_numpy(factors.solve(gradient[neighbours.inner].numpy(), trans="T"))
        at_centre = adjoint[neighbours.centre]
        difference = positions[neighbours.centre] - positions[neighbours.other]
        pulled = gradient.clone().index_add(0, neighbours.other, weights[:, None] * at_centre)
        return -(at_centre * difference).sum(-1), pulled[neighbours.border], None


def _angles(nodes: Tensor, neighbours: Neighbours) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """At every corner: the sides to the next and to the previous one, their product, and the area between them, which
    is positive."""
    corners = nodes[neighbours.triangles]
    forth = corners[:, [1, 2, 0]] - corners
    back = corners[:, [2, 0, 1]] - corners
    dot = (forth * back).sum(-1)
    cross = _cross(forth, back).abs() if nodes.shape[1] == 2 else torch.linalg.cross(forth, back).norm(dim=-1)
    return forth, back, dot, cross.clamp_min(1e-300)


def _gathered(parts: Tensor, neighbours: Neighbours) -> Tensor:
    """Sums over the corners at each directed edge; `parts` as `Neighbours.of_corner`."""
    kept = neighbours.of_corner >= 0
    return parts.new_zeros(len(neighbours.centre)).index_add(0, neighbours.of_corner[kept], parts[kept])


def _folds(positions: Tensor, triangles: Tensor) -> bool:
    a, b, c = positions[triangles].unbind(1)
    return bool((_cross(b - a, c - a) <= 0.0).any())


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
