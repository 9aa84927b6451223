"""Values from one plane mesh to another: where points lie in it, and linear interpolation there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

QUICK_LOOK = 3
"""Triangles round a point that are tried first: one of them holds most points."""

FIRST_LOOK = 12
"""Those that are tried where none of these does; and where none does yet, many more."""

SECOND_LOOK = 96

MOST_STEPS = 8
"""From triangle to triangle."""

RINGS = 2
"""Of triangles round where a walk ended."""

FAR_OUTSIDE = 0.1
"""In units of barycentric weight: more than a point on a circle is beyond the polygon in it."""

WELL_INSIDE = 1e-9
"""Weight of every corner at a point that belongs to no other triangle."""

ALL_OF_IT = 1.0 - 3.0 * WELL_INSIDE
"""Weight of a corner in whose place a point is."""


@dataclass(frozen=True)
class Located:
    """Points in a mesh.

    corners : nodes of the triangle that holds each point, shape (point_count, 3), int64; with a graph (point_count, 6)
        where points lie between two triangles
    weights : barycentric; of points outside the mesh those of the nearest place in it, same shape
    triangles : that hold the points, shape (point_count,); None where nobody asks for them again
    beside : of the whole mesh, the triangle across the edge opposite each corner, −1 at the border, shape
        (triangle_count, 3); None until it is needed
    """

    corners: Tensor
    weights: Tensor
    triangles: np.ndarray | None = None
    beside: np.ndarray | None = None

    def interpolate(self, values: Tensor) -> Tensor:
        """Values at nodes, shape (node_count, …), at the points, shape (point_count, …)."""
        picked = values[self.corners]
        return (picked * self.weights.reshape(*self.weights.shape, *[1] * (values.dim() - 1))).sum(1)


def locate(points: Tensor, nodes: Tensor, triangles: np.ndarray, *, near: Located | None = None) -> Located:
    """Where points (point_count, 2) lie in a mesh of the plane; the weights carry the graph of points and nodes.

    near : where the same points lay in the same mesh before both moved a little: they are found several times quicker
        so. On an edge, another one of its two triangles may be taken
    """
    beside = None
    if near is None or near.triangles is None:
        found = containing_triangles(points.detach().numpy(), nodes.detach().numpy(), triangles)
    else:
        beside = across_edges(triangles) if near.beside is None else near.beside
        found = _walked(points.detach().numpy(), nodes.detach().numpy(), triangles, near.triangles, beside)
    corners = torch.from_numpy(triangles[found].astype(np.int64))
    located = Located(corners, barycentric(points, nodes[corners]), found, beside)
    return _from_both_sides(located, points, nodes, triangles) if located.weights.requires_grad else located


def barycentric(points: Tensor, corners: Tensor) -> Tensor:
    """Weights of points (n, 2) in triangles (n, 3, 2), moved to the nearest weights in [0, 1] where outside."""
    weights = _barycentric_beyond(points, corners).clamp_min(0.0)
    return weights / weights.sum(1, keepdim=True)


def _barycentric_beyond(points: Tensor, corners: Tensor) -> Tensor:
    """The same as they are, negative where outside."""
    a, b, c = corners.unbind(1)
    first, second, way = b - a, c - a, points - a
    area = _cross(first, second)
    area = torch.where(area.abs() > 0, area, torch.ones_like(area))
    second_weight, third_weight = _cross(way, second) / area, _cross(first, way) / area
    return torch.stack([1.0 - second_weight - third_weight, second_weight, third_weight], dim=1)


def _from_both_sides(located: Located, points: Tensor, nodes: Tensor, triangles: np.ndarray) -> Located:
    """Points on an edge, or in a node of the border, as the mean of the two triangles between which they go over.

    Interpolation has a kink there: it stays what it is, and its gradient is the mean of both sides, as central
    differences see it. A point of the border moves along it, so the corner inside counts for nothing.
    """
    least = located.weights.detach().numpy()
    outside = least < WELL_INSIDE
    on_edge, in_node = np.flatnonzero(outside.sum(axis=1) == 1), np.flatnonzero(least.max(axis=1) > ALL_OF_IT)
    if located.triangles is None or not len(on_edge) + len(in_node):
        return located
    found = located.triangles
    beside = across_edges(triangles) if located.beside is None else located.beside
    across = beside[found[on_edge], outside[on_edge].argmax(axis=1)]
    on_edge, across = on_edge[across >= 0], across[across >= 0]
    node = triangles[found[in_node], least[in_node].argmax(axis=1)]
    ends = [_border_triangles(triangles, beside, forward)[node] for forward in (False, True)]
    known = (ends[0][:, 0] >= 0) & (ends[1][:, 0] >= 0)
    in_node, ends = in_node[known], [end[known] for end in ends]
    rows = np.concatenate([on_edge, in_node])
    weights, corners = [], []
    for sides, end in zip((found[on_edge], across), ends, strict=True):
        chosen = torch.from_numpy(triangles[np.concatenate([sides, end[:, 0]])].astype(np.int64))
        kept = np.tile(np.eye(3), (len(rows), 1, 1))
        kept[len(on_edge) + np.arange(len(end)), end[:, 2]] = np.eye(3)[end[:, 1]]
        beyond = _barycentric_beyond(points[rows], nodes[chosen])
        weights.append(0.5 * torch.bmm(beyond[:, None], torch.from_numpy(kept))[:, 0])
        corners.append(chosen)
    index = torch.from_numpy(rows)
    return replace(
        located,
        corners=torch.cat([located.corners, located.corners], dim=1).index_copy(0, index, torch.cat(corners, dim=1)),
        weights=torch.cat([located.weights, torch.zeros_like(located.weights)], dim=1).index_copy(
            0, index, torch.cat(weights, dim=1)
        ),
        beside=beside,
    )


def _border_triangles(triangles: np.ndarray, beside: np.ndarray, forward: bool) -> np.ndarray:
    """Of every node, the triangle at the edge of the border that begins there (`forward`) or ends there, and which
    corners of it are the node and the one inside, shape (node_count, 3); −1 off the border."""
    found, inside = np.nonzero(beside < 0)
    here = (inside + (1 if forward else 2)) % 3
    table = np.full((int(triangles.max()) + 1, 3), -1)
    table[triangles[found, here]] = np.stack([found, here, inside], axis=1)
    return table


def containing_triangles(points: np.ndarray, nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Index of a triangle that holds each point, or comes nearest to it, shape (point_count,)."""
    corners = nodes[triangles]
    tree = cKDTree(corners.mean(axis=1))
    chosen, again = np.zeros(len(points), np.int64), np.arange(len(points))
    for look in (QUICK_LOOK, FIRST_LOOK, SECOND_LOOK):
        chosen[again], outside = _best(points[again], corners, tree, min(look, len(triangles)))
        again = again[outside > 1e-9]
        if not len(again):
            break
    return chosen


def across_edges(triangles: np.ndarray) -> np.ndarray:
    """The triangle across the edge opposite each corner, −1 at the border, shape (triangle_count, 3)."""
    count, size = len(triangles), int(triangles.max()) + 1
    ends = np.sort(triangles[:, [[1, 2], [2, 0], [0, 1]]].astype(np.int64), axis=2).reshape(-1, 2)
    order = np.argsort(ends[:, 0] * size + ends[:, 1], kind="stable")
    keys = ends[order, 0] * size + ends[order, 1]
    twin = np.flatnonzero(keys[1:] == keys[:-1])
    beside = np.full(3 * count, -1)
    beside[order[twin]], beside[order[twin + 1]] = order[twin + 1] // 3, order[twin] // 3
    return beside.reshape(-1, 3)


def _walked(
    points: np.ndarray, nodes: np.ndarray, triangles: np.ndarray, begin: np.ndarray, beside: np.ndarray
) -> np.ndarray:
    """`containing_triangles` by going from a triangle to the one beside it, towards each point. What does not come to
    lie well inside of one, as points beyond the border, goes to the best of all round there."""
    found, left, on_way = begin.copy(), np.arange(len(points)), np.zeros(0, bool)
    for _ in range(MOST_STEPS):
        a, b, c = (nodes[triangles[found[left], k]] for k in range(3))
        first, second, way = b - a, c - a, points[left] - a
        area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
        area = np.where(np.abs(area) > 0, area, np.inf)
        v = (way[:, 0] * second[:, 1] - way[:, 1] * second[:, 0]) / area
        w = (first[:, 0] * way[:, 1] - first[:, 1] * way[:, 0]) / area
        weights = np.stack([1.0 - v - w, v, w], axis=1)
        least = weights.argmin(axis=1)
        outside = weights[np.arange(len(left)), least] < WELL_INSIDE
        left, least = left[outside], least[outside]
        following = beside[found[left], least]
        on_way = following >= 0
        found[left] = np.where(on_way, following, found[left])
        if not on_way.any():
            break
    if len(left):
        around = found[left][:, None]
        for _ in range(RINGS):
            wider = np.where(beside[around] >= 0, beside[around], around[..., None])
            around = np.concatenate([around, wider.reshape(len(left), -1)], axis=1)
        found[left], outside = _least_outside(points[left], nodes[triangles], around)
        far = left[outside > np.where(on_way, 1e-9, FAR_OUTSIDE)]
        if len(far):
            found[far] = containing_triangles(points[far], nodes, triangles)
    return found


def _best(points: np.ndarray, corners: np.ndarray, tree: cKDTree, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The triangle, of the `count` nearest by centre, that a point is least outside of, and by how much (in units of
    barycentric weight; nothing where it is inside)."""
    return _least_outside(points, corners, tree.query(points, k=count)[1].reshape(len(points), -1))


def _least_outside(points: np.ndarray, corners: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of the triangles `near` (point_count, count) to each. Of a point that lies in none it is the one whose
    edges it is least far beyond: in units of weight a flat triangle at the border would be further than one behind."""
    a, b, c = (corners[near, k] for k in range(3))
    first, second, way = b - a, c - a, points[:, None] - a
    area = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    area = np.where(np.abs(area) > 0, area, np.inf)
    u = (way[..., 0] * second[..., 1] - way[..., 1] * second[..., 0]) / area
    v = (first[..., 0] * way[..., 1] - first[..., 1] * way[..., 0]) / area
    outside = np.maximum(np.maximum(-u, -v), u + v - 1.0)
    best = np.argmin(outside, axis=1)
    rows = np.arange(len(points))
    beyond = np.flatnonzero(outside[rows, best] > 0.0)
    if len(beyond):
        u, v, area, first, second = (each[beyond] for each in (u, v, area, first, second))
        ac, ab, bc = (
            np.maximum(np.hypot(edge[..., 0], edge[..., 1]), 1e-300) for edge in (second, first, second - first)
        )
        # Of how far it is beyond each edge: weights are this over the height of the triangle above the edge.
        far = np.maximum(np.maximum(-u / ac, -v / ab), (u + v - 1.0) / bc)
        there = np.isfinite(area)
        best[beyond] = np.argmin(np.where(there, far * np.abs(np.where(there, area, 0.0)), np.inf), axis=1)
    return near[rows, best], np.maximum(outside[rows, best], 0.0)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
