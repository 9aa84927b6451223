"""Principal curvatures of a triangle mesh, differentiable in its vertices.

At every vertex a paraboloid is fitted by least squares to the neighbours within two edges, over the plane across the
vertex's normal; Weingarten's map of the paraboloid has the curvatures as its eigenvalues (Cazals and Pouget, Estimating
differential quantities using polynomial fitting of osculating jets, 2005, of degree 2). On smooth surfaces the error
falls at least with the length of the edges, at borders too. At a sharp edge there is no curvature: what is found there
is the bend over the neighbourhood, and grows as the mesh gets finer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_matrix
from torch import Tensor

WEAK = 1e-4
"""Of a wish for no bend, beside the fit, with lengths in units of the neighbourhood: where it is too small to tell."""


@dataclass(frozen=True)
class Surroundings:
    """Pairs of a vertex and one that is at most two edges away, without itself: shape (pair_count,) each, int64."""

    vertices: Tensor
    neighbours: Tensor

    @staticmethod
    def of(triangles: np.ndarray) -> Surroundings:
        """triangles : shape (triangle_count, 3); vertices are numbered from 0 to the largest that they name"""
        count = int(triangles.max()) + 1
        heads, tails = triangles[:, [0, 1, 2, 1, 2, 0]].ravel(), triangles[:, [1, 2, 0, 0, 1, 2]].ravel()
        near = coo_matrix((np.ones(len(heads)), (heads, tails)), shape=(count, count)).tocsr()
        both = (near + near @ near).tocoo()
        apart = both.row != both.col
        return Surroundings(
            torch.from_numpy(both.row[apart].astype(np.int64)), torch.from_numpy(both.col[apart].astype(np.int64))
        )


def principal_curvatures(vertices: Tensor, triangles: np.ndarray, surroundings: Surroundings | None = None) -> Tensor:
    """Larger and smaller principal curvature at every vertex [1 / length], shape (vertex_count, 2), with the graph of
    the vertices; positive where the surface falls away from its normal, so an outward sphere has 1 / radius twice.

    vertices : shape (vertex_count, 3), float64
    triangles : wound alike, shape (triangle_count, 3)
    surroundings : of these triangles, where they are known
    """
    near = Surroundings.of(triangles) if surroundings is None else surroundings
    count = len(vertices)
    first, second, normal = _frames(vertices, torch.from_numpy(triangles.astype(np.int64)))
    rows = near.vertices
    ways = vertices[near.neighbours] - vertices[rows]
    totals = torch.zeros((count, 2), dtype=vertices.dtype).index_add(
        0, rows, torch.stack([ways.square().sum(1), torch.ones_like(ways[:, 0])], dim=1)
    )
    reach = (totals[:, 0] / totals[:, 1].clamp_min(1.0)).clamp_min(1e-300).sqrt()
    ways = ways / reach[rows, None]
    u, v, height = ((ways * axis[rows]).sum(1) for axis in (first, second, normal))
    terms = torch.stack([u, v, 0.5 * u * u, u * v, 0.5 * v * v], dim=1)
    matrix = torch.zeros((count, 25), dtype=vertices.dtype).index_add(
        0, rows, (terms[:, :, None] * terms[:, None, :]).flatten(1)
    )
    right = torch.zeros((count, 5), dtype=vertices.dtype).index_add(0, rows, terms * height[:, None])
    matrix = matrix.reshape(count, 5, 5) + WEAK * torch.eye(5, dtype=vertices.dtype)
    slope_u, slope_v, uu, uv, vv = torch.linalg.solve(matrix, right).unbind(1)
    return -_bends(slope_u, slope_v, uu, uv, vv) / reach[:, None]


def _frames(vertices: Tensor, triangles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Two directions across the normal of every vertex, and the normal; each (vertex_count, 3)."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    areas = torch.linalg.cross(b - a, c - a)
    sums = torch.zeros_like(vertices).index_add(0, triangles.T.reshape(-1), areas.repeat(3, 1))
    normal = sums / sums.norm(dim=1, keepdim=True).clamp_min(1e-300)
    # Curvatures do not depend on where the first direction points.
    axes = torch.eye(3, dtype=vertices.dtype)[normal.detach().abs().argmin(1)]
    first = torch.linalg.cross(normal, axes)
    first = first / first.norm(dim=1, keepdim=True).clamp_min(1e-300)
    return first, torch.linalg.cross(normal, first), normal


def _bends(slope_u: Tensor, slope_v: Tensor, uu: Tensor, uv: Tensor, vv: Tensor) -> Tensor:
    """Eigenvalues of Weingarten's map of a height z with these derivatives at the origin, ascending, shape (…, 2)."""
    # The first fundamental form is R Rᵀ with R lower triangular.
    across = (1.0 + slope_u.square()).sqrt()
    whole = (1.0 + slope_u.square() + slope_v.square()).sqrt()
    skew, along = slope_u * slope_v / across, whole / across
    # R⁻¹ (second fundamental form) R⁻ᵀ, symmetric.
    one = uu / across.square()
    mixed = (uv - uu * skew / across) / (across * along)
    other = (vv - 2.0 * uv * skew / across + uu * (skew / across).square()) / along.square()
    middle = 0.5 * (one + other)
    # A norm of two numbers: where both curvatures are equal its gradient is bounded, though not one.
    apart = (0.25 * (one - other).square() + mixed.square()).clamp_min(1e-300).sqrt()
    return torch.stack([middle - apart, middle + apart], dim=1) / whole[:, None]
