"""Sensitivity: where the total loss wants the surface to go."""

from __future__ import annotations

import torch
from torch import Tensor


def shape_sensitivity(vertices: Tensor, gradient: Tensor, triangles: Tensor, dual_vertex_count: int) -> Tensor:
    """Change of the total loss per unit of outward normal motion at every dual vertex, whatever the mesh.

    vertices, gradient : positions and ∂L/∂x of the training mesh, shape (vertex_count, 3)
    triangles : shape (triangle_count, 3)
    dual_vertex_count : the first so many vertices are dual vertices, the others quad centres

    Returns g, shape (dual_vertex_count,): g_v = (∂L/∂x_v · n_v) / (A_v / A), with n_v the area-weighted unit normal,
    A_v a third of the area round the vertex and A the whole area. Moving the surface outward by δ(x) changes the loss
    by the area-weighted mean of g δ; so g does not depend on how fine the mesh is. A quad centre, which the dual
    vertices carry along, hands its gradient to its four corners in equal parts.

    Source: shape gradient of Hadamard's form, dL = ∮ g δ dA (Delfour and Zolésio 2011, chapter 9).
    """
    corners = triangles.long()
    a, b, c = (vertices.index_select(0, corners[:, i]).double() for i in range(3))
    area_vector = torch.linalg.cross(b - a, c - a) / 6.0
    area = torch.linalg.vector_norm(area_vector, dim=1)
    normals = torch.zeros(vertices.shape, dtype=torch.float64, device=vertices.device)
    shares = normals.new_zeros(len(vertices))
    for i in range(3):
        normals.index_add_(0, corners[:, i], area_vector)
        shares.index_add_(0, corners[:, i], area)
    total = shares.sum()
    force = gradient.double().clone()
    for values in (force, normals, shares):
        _hand_over(values, corners, dual_vertex_count)
    force, normals, shares = (values[:dual_vertex_count] for values in (force, normals, shares))
    unit = normals / torch.linalg.vector_norm(normals, dim=1, keepdim=True).clamp(min=1e-30)
    return (force * unit).sum(dim=1) * total / shares.clamp(min=1e-30)


def _hand_over(values: Tensor, corners: Tensor, dual_vertex_count: int) -> None:
    """Add to every dual vertex its part of the quad centres' values: each of a centre's four triangles has two of the
    quad's corners, so every corner is met twice."""
    is_centre = corners >= dual_vertex_count
    for i in range(3):
        rows = torch.nonzero(is_centre[:, i])[:, 0]
        centre = corners[rows, i]
        for j in range(3):
            if j != i:
                values.index_add_(0, corners[rows, j], values[centre] / 8.0)
