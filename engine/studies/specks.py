"""Specks and cavities: parts of the surface that nothing of the target belongs to."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.quality import cone_volumes
from engine.geometry.topology import part_labels
from engine.surfaces.surface import GridField

CLAIM = 0.02
"""A part that the target has room for stays when at least this share of the target's points is nearest to it."""


def unclaimed_parts(triangles: np.ndarray, nearest: np.ndarray, expected: int) -> tuple[np.ndarray, np.ndarray]:
    """Part of every triangle, and which parts the target does not claim.

    triangles : shape (triangle_count, 3)
    nearest : triangle nearest to each of some points spread over the target
    expected : number of parts that the target has

    Parts are ranked by how many of the target's points are nearest to them. The first `expected` stay when any point
    is, others when more than `CLAIM` of them are.
    """
    labels = part_labels(triangles)
    count = int(labels.max(initial=-1)) + 1
    claims = np.bincount(labels[nearest[nearest >= 0]], minlength=count)
    rank = np.empty(count, int)
    rank[np.argsort(-claims, kind="stable")] = np.arange(count)
    stays = (claims > 0) & ((rank < expected) | (claims > CLAIM * len(nearest)))
    return labels, np.flatnonzero(~stays)


def surplus_parts(
    vertices: np.ndarray, triangles: np.ndarray, keep: int, nearest: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Part of every triangle, and which parts are too many where `keep` separate ones are wanted.

    nearest : triangle nearest to each of some points spread over the target: parts stay that most are nearest to.
        Without it, and among parts that none is nearest to, those with the largest volumes stay

    Cavities are no parts of their own: they stay, or go where there are points and none is nearest to them.
    """
    labels = part_labels(triangles)
    count = int(labels.max(initial=-1)) + 1
    volumes = np.bincount(labels, weights=cone_volumes(vertices, triangles), minlength=count)
    claims = np.zeros(count) if nearest is None else np.bincount(labels[nearest[nearest >= 0]], minlength=count)
    solid = np.flatnonzero(volumes > 0)
    order = solid[np.lexsort((-volumes[solid], -claims[solid]))]
    cavities = np.flatnonzero((volumes <= 0) & (claims == 0)) if nearest is not None else order[:0]
    return labels, np.sort(np.concatenate([order[keep:], cavities]))


def enclosed_nodes(
    vertices: np.ndarray, triangles: np.ndarray, surface: GridField, device: Device
) -> tuple[Tensor, Tensor]:
    """Grid nodes whose sign makes these closed parts, and the sign that they should have.

    vertices, triangles : of the parts to remove, working frame
    surface : whose field is negative inside

    Returns
    -------
    index : nodes, int64
    outside : True where a node was inside a speck, False where it was outside the material, in a cavity
    """
    steps = surface.resolution
    corners = vertices[np.unique(triangles)]
    # A node moves by up to half a cell, so the box reaches one node further.
    low = np.floor((corners.min(axis=0) + 1.0) * steps / 2.0 - 0.5).astype(int).clip(0, steps)
    high = np.ceil((corners.max(axis=0) + 1.0) * steps / 2.0 + 0.5).astype(int).clip(0, steps)
    axes = [torch.arange(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    nodes = torch.cartesian_prod(*axes).to(device.torch)
    index = (nodes[:, 0] * (steps + 1) + nodes[:, 1]) * (steps + 1) + nodes[:, 2]
    inside = surface.node_values(index).detach() < 0
    positions = surface.node_positions(index).to(torch.float32)
    found, outside = [], []
    for cavity in (False, True):
        # Turned inside out, a cavity is a body whose winding number is one.
        parts = triangles[:, ::-1].copy() if cavity else triangles
        within = TriangleIndex(vertices.astype(np.float32), parts, device, winding=True).signed_distance(positions) < 0
        chosen = index[within & (inside != cavity)]
        found.append(chosen)
        outside.append(torch.full_like(chosen, not cavity, dtype=torch.bool))
    return torch.cat(found), torch.cat(outside)


def supporting_nodes(vertices: np.ndarray, msdf: Tensor) -> Tensor:
    """Grid nodes that make a part with a border visible: the corners of the cells round its vertices whose mSDF is not
    negative; int64.

    vertices : of the part, working frame, shape (vertex_count, 3)
    msdf : at all nodes, shape (n + 1, n + 1, n + 1)
    """
    steps = msdf.shape[0] - 1
    low = np.floor((vertices + 1.0) * steps / 2.0).astype(np.int64).clip(0, steps - 1)
    corners = low[:, None] + np.stack(np.meshgrid([0, 1], [0, 1], [0, 1], indexing="ij"), axis=-1).reshape(-1, 3)
    nodes = np.unique((corners[..., 0] * (steps + 1) + corners[..., 1]) * (steps + 1) + corners[..., 2])
    index = torch.from_numpy(nodes).to(msdf.device)
    return index[msdf.reshape(-1)[index] >= 0.0]
