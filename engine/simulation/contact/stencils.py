"""A contact as geometry: up to four vertices, and the shortest way between two points of their features.

Every pair of features is written as one vector r(β) = Σ c_i(β) x_i with c = c₀ + B β affine in at most two parameters:
a vertex and a vertex have none, a vertex and an edge one, a vertex and a triangle or two edges two. β minimises |r|²,
a quadratic function, so one small system gives every distance. And as β is at a minimum,

    ∂|r|²/∂x = 2 c ⊗ r,    ∂²|r|²/∂x² = 2 (c cᵀ ⊗ I − V G⁻¹ Vᵀ),  V_j = B_j ⊗ r + c ⊗ e_j,  e_j = Σ B_ij x_i,  G = eᵀ e

exactly: the second term is what sliding along the features takes away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

VERTEX_VERTEX = ((1, -1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
VERTEX_EDGE = ((1, -1, 0, 0), (0, 1, -1, 0), (0, 0, 0, 0))
VERTEX_FACE = ((1, -1, 0, 0), (0, 1, -1, 0), (0, 1, 0, -1))
_ALONG_A, _ALONG_B, _FIXED = (-1, 1, 0, 0), (0, 0, 1, -1), (0, 0, 0, 0)
EDGE_EDGE = (
    ((1, 0, -1, 0), _FIXED, _FIXED),
    ((1, 0, 0, -1), _FIXED, _FIXED),
    ((0, 1, -1, 0), _FIXED, _FIXED),
    ((0, 1, 0, -1), _FIXED, _FIXED),
    ((1, 0, -1, 0), _ALONG_A, _FIXED),
    ((1, 0, 0, -1), _ALONG_A, _FIXED),
    ((1, 0, -1, 0), _FIXED, _ALONG_B),
    ((0, 1, -1, 0), _FIXED, _ALONG_B),
    ((1, 0, -1, 0), _ALONG_A, _ALONG_B),
)
"""By which ends or insides of the two edges (a0, a1), (b0, b1) are nearest, in the order of ipctk's
EdgeEdgeDistanceType."""
KINDS = np.array([VERTEX_VERTEX, VERTEX_EDGE, VERTEX_FACE, *EDGE_EDGE], np.float64)


@dataclass(frozen=True)
class Contacts:
    """Pairs of features that are near each other, n of them.

    vertices : int64, shape (n, 4); slots without a vertex repeat another and have no share
    fixed : c₀, shape (n, 4)
    slopes : B, shape (n, 4, 2)
    weight : how often the pair counts, shape (n,)
    parallel : squared sine times squared lengths below which two edges fade out as parallel [m⁴]; 0 where they do not
    pair : number of the pair of bodies, int64, shape (n,)
    """

    vertices: Tensor
    fixed: Tensor
    slopes: Tensor
    weight: Tensor
    parallel: Tensor
    pair: Tensor

    def __len__(self) -> int:
        return len(self.vertices)

    @property
    def arrays(self) -> tuple[Tensor, ...]:
        """As kernels want them."""
        return self.vertices, self.fixed, self.slopes, self.weight, self.parallel

    @staticmethod
    def of(
        vertices: np.ndarray, kinds: np.ndarray, weight: np.ndarray, parallel: np.ndarray, pair: np.ndarray
    ) -> Contacts:
        """From rows of KINDS."""
        tables = torch.from_numpy(KINDS[kinds])
        return Contacts(
            torch.from_numpy(np.ascontiguousarray(vertices)),
            tables[:, 0].contiguous(),
            tables[:, 1:].transpose(1, 2).contiguous(),
            torch.from_numpy(weight),
            torch.from_numpy(parallel),
            torch.from_numpy(pair),
        )


@dataclass(frozen=True)
class Closest:
    """Of each contact at some positions.

    shares : c, shape (n, 4)
    along : e, shape (n, 2, 3)
    inverse : G⁻¹, shape (n, 2, 2), with 1 for parameters that are not there
    way : r [m], shape (n, 3)
    distance : |r| [m], shape (n,)
    """

    shares: Tensor
    along: Tensor
    inverse: Tensor
    way: Tensor
    distance: Tensor


def closest(contacts: Contacts, positions: Tensor) -> Closest:
    """Where features are nearest, differentiable in `positions`, shape (vertex_count, 3)."""
    corners = positions[contacts.vertices]
    along = contacts.slopes.transpose(1, 2) @ corners
    start = (contacts.fixed[:, :, None] * corners).sum(dim=1)
    absent = (contacts.slopes == 0.0).all(dim=1).to(positions.dtype)
    first = (along[:, 0] * along[:, 0]).sum(dim=1) + absent[:, 0]
    second = (along[:, 1] * along[:, 1]).sum(dim=1) + absent[:, 1]
    both = (along[:, 0] * along[:, 1]).sum(dim=1)
    # first · second − both², without its loss of digits where edges are nearly parallel.
    determinant = (
        _crossing(along[:, 0], along[:, 1]) + absent[:, 0] * second + absent[:, 1] * first * (1.0 - absent[:, 0])
    )
    rows = torch.stack([second, -both, -both, first], dim=1).reshape(-1, 2, 2)
    inverse = rows / determinant[:, None, None]
    beta = -(inverse @ (along @ start[:, :, None]))[:, :, 0]
    shares = contacts.fixed + (contacts.slopes @ beta[:, :, None])[:, :, 0]
    way = start + (beta[:, :, None] * along).sum(dim=1)
    return Closest(shares, along, inverse, way, torch.linalg.vector_norm(way, dim=1))


def fading(contacts: Contacts, positions: Tensor) -> Tensor:
    """How much of a contact of two edges there is: 1 where they cross, falling to 0 where they are parallel, for
    there the nearest points jump. Shape (n,), differentiable."""
    crossing = _crossing(*_edges(contacts, positions))
    limit = torch.where(contacts.parallel > 0.0, contacts.parallel, 1.0)
    ratio = crossing / limit
    return torch.where((contacts.parallel > 0.0) & (ratio < 1.0), (2.0 - ratio) * ratio, 1.0)


def scatter(contacts: Contacts, corners: Tensor, vertex_count: int) -> Tensor:
    """Sum values of corners, shape (n, 12), on the vertices, shape (vertex_count, 3)."""
    result = corners.new_zeros(vertex_count, 3)
    return result.index_add_(0, contacts.vertices.reshape(-1), corners.reshape(-1, 3))


def _edges(contacts: Contacts, positions: Tensor) -> tuple[Tensor, Tensor]:
    corners = positions[contacts.vertices]
    return corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 2]


def _crossing(u: Tensor, v: Tensor) -> Tensor:
    """|u × v|², without the loss of digits of its expanded form."""
    cross = torch.linalg.cross(u, v)
    return (cross * cross).sum(dim=1)
