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

from engine.simulation.triplets import Triplets

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
    determinant = first * second - both * both
    rows = torch.stack([second, -both, -both, first], dim=1).reshape(-1, 2, 2)
    inverse = rows / determinant[:, None, None]
    beta = -(inverse @ (along @ start[:, :, None]))[:, :, 0]
    shares = contacts.fixed + (contacts.slopes @ beta[:, :, None])[:, :, 0]
    way = start + (beta[:, :, None] * along).sum(dim=1)
    return Closest(shares, along, inverse, way, torch.linalg.vector_norm(way, dim=1))


def distance_derivatives(contacts: Contacts, near: Closest) -> tuple[Tensor, Tensor]:
    """First and second derivative of the squared distance in the corners, shapes (n, 12) and (n, 12, 12)."""
    count = len(contacts)
    gradient = 2.0 * (near.shares[:, :, None] * near.way[:, None, :]).reshape(count, 12)
    sliding = contacts.slopes[:, :, None, :] * near.way[:, None, :, None]
    sliding = sliding + near.shares[:, :, None, None] * near.along.transpose(1, 2)[:, None]
    present = (contacts.slopes != 0.0).any(dim=1).to(near.way.dtype)
    sliding = (sliding * present[:, None, None, :]).reshape(count, 12, 2)
    hessian = outer_with_identity(near.shares) - sliding @ near.inverse @ sliding.transpose(1, 2)
    return gradient, 2.0 * hessian


def outer_with_identity(shares: Tensor, middle: Tensor | None = None) -> Tensor:
    """c cᵀ ⊗ I, or c cᵀ ⊗ a matrix of each contact, shape (n, 12, 12)."""
    count = len(shares)
    products = shares[:, :, None] * shares[:, None, :]
    inner = torch.eye(3, dtype=shares.dtype).expand(count, 3, 3) if middle is None else middle
    return (products[:, :, None, :, None] * inner[:, None, :, None, :]).reshape(count, 12, 12)


def fading(contacts: Contacts, positions: Tensor) -> Tensor:
    """How much of a contact of two edges there is: 1 where they cross, falling to 0 where they are parallel, for
    there the nearest points jump. Shape (n,), differentiable."""
    crossing = _crossing(*_edges(contacts, positions))
    limit = torch.where(contacts.parallel > 0.0, contacts.parallel, 1.0)
    ratio = crossing / limit
    return torch.where((contacts.parallel > 0.0) & (ratio < 1.0), (2.0 - ratio) * ratio, 1.0)


def fading_derivatives(contacts: Contacts, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers of the k contacts that fade, and first and second derivative of their `fading` in the corners, shapes
    (k,), (k, 12) and (k, 12, 12)."""
    all_u, all_v = _edges(contacts, positions)
    crossing = _crossing(all_u, all_v)
    fades = torch.nonzero(crossing < contacts.parallel)[:, 0]
    u, v, limit = all_u[fades], all_v[fades], contacts.parallel[fades]
    uu, vv, uv = (u * u).sum(dim=1), (v * v).sum(dim=1), (u * v).sum(dim=1)
    by_u = 2.0 * (vv[:, None] * u - uv[:, None] * v)
    by_v = 2.0 * (uu[:, None] * v - uv[:, None] * u)
    identity = torch.eye(3, dtype=u.dtype)
    twice_u = 2.0 * (vv[:, None, None] * identity - _outer(v, v))
    twice_v = 2.0 * (uu[:, None, None] * identity - _outer(u, u))
    mixed = 4.0 * _outer(u, v) - 2.0 * _outer(v, u) - 2.0 * uv[:, None, None] * identity
    gradient = torch.stack([-by_u, by_u, -by_v, by_v], dim=1).reshape(-1, 12)
    rows = [
        [twice_u, -twice_u, mixed, -mixed],
        [-twice_u, twice_u, -mixed, mixed],
        [mixed.transpose(1, 2), -mixed.transpose(1, 2), twice_v, -twice_v],
        [-mixed.transpose(1, 2), mixed.transpose(1, 2), -twice_v, twice_v],
    ]
    hessian = torch.cat([torch.cat(row, dim=2) for row in rows], dim=1)
    first = 2.0 * (1.0 - crossing[fades] / limit) / limit
    second = -2.0 / limit**2
    curved = second[:, None, None] * _outer(gradient, gradient) + first[:, None, None] * hessian
    return fades, first[:, None] * gradient, curved


def scatter(contacts: Contacts, corners: Tensor, vertex_count: int) -> Tensor:
    """Sum values of corners, shape (n, 12), on the vertices, shape (vertex_count, 3)."""
    result = corners.new_zeros(vertex_count, 3)
    return result.index_add_(0, contacts.vertices.reshape(-1), corners.reshape(-1, 3))


def block_triplets(contacts: Contacts, blocks: Tensor, numbers: Tensor, held: Tensor, size: int) -> Triplets:
    """Blocks, shape (n, 12, 12), over all unknowns, without what is 0 and what is between vertices that are held.

    numbers : of the vertices among all
    held : bool, of each of the vertices
    """
    vertices = contacts.vertices
    # A slot that repeats the first one is none.
    there = torch.cat([torch.ones(len(vertices), 1, dtype=torch.bool), vertices[:, 1:] != vertices[:, :1]], dim=1)
    fixed = held[vertices]
    counts = there[:, :, None] & there[:, None] & ~(fixed[:, :, None] & fixed[:, None])
    contact, first, second = torch.nonzero(counts, as_tuple=True)
    values = blocks.reshape(-1, 4, 3, 4, 3).transpose(2, 3)[contact, first, second]
    unknowns = 3 * numbers[vertices]
    axis = torch.arange(3)
    rows = (unknowns[contact, first][:, None, None] + axis[:, None]).expand(-1, 3, 3)
    cols = (unknowns[contact, second][:, None, None] + axis).expand(-1, 3, 3)
    return Triplets(rows.reshape(-1), cols.reshape(-1), values.reshape(-1), size, passing=True)


def _edges(contacts: Contacts, positions: Tensor) -> tuple[Tensor, Tensor]:
    corners = positions[contacts.vertices]
    return corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 2]


def _crossing(u: Tensor, v: Tensor) -> Tensor:
    """|u × v|², without the loss of digits of its expanded form."""
    cross = torch.linalg.cross(u, v)
    return (cross * cross).sum(dim=1)


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return a[:, :, None] * b[:, None, :]
