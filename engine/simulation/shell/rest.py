"""The shape in which a sheet is free of stress, differentiable in the positions that it is given by. Plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.simulation.shell.topology import SLIVER, SheetError

PARALLEL = 1e-6
"""Sine of the angle between direction and normal below which a face has no direction of its own."""


def corners(positions: Tensor, triangles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Positions of the three corners, each of shape (face_count, 3)."""
    return positions[triangles[:, 0]], positions[triangles[:, 1]], positions[triangles[:, 2]]


def face_areas(positions: Tensor, triangles: Tensor) -> Tensor:
    """Areas [m²], shape (face_count,)."""
    a, b, c = corners(positions, triangles)
    return 0.5 * torch.linalg.vector_norm(torch.linalg.cross(b - a, c - a), dim=1)


def vertex_areas(positions: Tensor, triangles: Tensor, weights: Tensor | None = None) -> Tensor:
    """A third of the area of the triangles round each vertex [m²], shape (vertex_count,), each triangle times its
    weight: with density times thickness it is the lumped mass."""
    areas = face_areas(positions, triangles) if weights is None else weights * face_areas(positions, triangles)
    third = (areas / 3.0)[:, None].expand(-1, 3).reshape(-1)
    return positions.new_zeros(len(positions)).index_add(0, triangles.reshape(-1), third)


def refuse_degenerate(positions: Tensor, triangles: Tensor) -> None:
    """Raise `SheetError` for the first triangle of a rest shape without area."""
    a, b, c = corners(positions, triangles)
    longest = torch.stack([((b - a) ** 2).sum(1), ((c - b) ** 2).sum(1), ((a - c) ** 2).sum(1)]).amax(dim=0)
    flat = face_areas(positions, triangles) <= SLIVER * longest
    if flat.any():
        face = int(torch.nonzero(flat)[0, 0])
        place = tuple(int(vertex) for vertex in triangles[face])
        raise SheetError(
            f"Triangle {face} (vertices {place[0]}, {place[1]} and {place[2]}) has no area at rest.", place
        )


def face_frames(positions: Tensor, triangles: Tensor, direction: Tensor | None) -> tuple[Tensor, Tensor]:
    """Two perpendicular unit vectors in each face's plane, each of shape (face_count, 3).

    The first follows `direction` (one vector, or one a face) as it is seen along the normal, or the face's first side
    where there is none. Raises `SheetError` where the direction stands on a face.
    """
    a, b, c = corners(positions, triangles)
    normal = torch.nn.functional.normalize(torch.linalg.cross(b - a, c - a), dim=1)
    if direction is None:
        first = torch.nn.functional.normalize(b - a, dim=1)
    else:
        wanted = torch.nn.functional.normalize(direction.to(positions).expand(len(triangles), 3), dim=1)
        first = wanted - (wanted * normal).sum(dim=1, keepdim=True) * normal
        standing = torch.linalg.vector_norm(first, dim=1) < PARALLEL
        if standing.any():
            face = int(torch.nonzero(standing)[0, 0])
            raise SheetError(
                f"The material's direction is perpendicular to triangle {face}, which then has none.",
                tuple(int(vertex) for vertex in triangles[face]),
                remedy="Choose another direction.",
            )
        first = torch.nn.functional.normalize(first, dim=1)
    return first, torch.linalg.cross(normal, first)


def rest_inverses(positions: Tensor, triangles: Tensor, direction: Tensor | None) -> tuple[Tensor, Tensor]:
    """Inverse of each face's edge vectors [x1 − x0, x2 − x0] in its frame, rows one after the other, shape
    (face_count, 4) [1/m], and the areas [m²]."""
    first, second = face_frames(positions, triangles, direction)
    a, b, c = corners(positions, triangles)
    u = torch.stack([((b - a) * first).sum(1), ((b - a) * second).sum(1)], dim=1)
    v = torch.stack([((c - a) * first).sum(1), ((c - a) * second).sum(1)], dim=1)
    determinant = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    inverse = torch.stack([v[:, 1], -v[:, 0], -u[:, 1], u[:, 0]], dim=1) / determinant[:, None]
    return inverse, 0.5 * determinant


def edge_angles(positions: Tensor, edges: Tensor, opposite: Tensor) -> Tensor:
    """Angle from the first face's normal to the second's about each edge [rad], in (−π, π], 0 at the boundary.

    It is positive where the normals point apart. Neighbours that are wound differently count by the first one's side.

    edges : first and last vertex, shape (edge_count, 2)
    opposite : third vertex of the two faces, −1 for none, shape (edge_count, 2)
    """
    inner = opposite[:, 1] >= 0
    start, end = positions[edges[inner, 0]], positions[edges[inner, 1]]
    axis = torch.nn.functional.normalize(end - start, dim=1)
    one = torch.linalg.cross(axis, positions[opposite[inner, 0]] - start)
    other = torch.linalg.cross(positions[opposite[inner, 1]] - start, axis)
    sine = (axis * torch.linalg.cross(one, other)).sum(dim=1)
    return positions.new_zeros(len(edges)).index_put(
        (torch.nonzero(inner)[:, 0],), torch.atan2(sine, (one * other).sum(dim=1))
    )


def bending_matrices(positions: Tensor, triangles: Tensor, rigidity: Tensor, direction: Tensor | None) -> Tensor:
    """K of each face's energy κᵀ K κ / 2 in its three bending angles [J], shape (face_count, 3, 3).

    The angles, of the edges' normals out of the face's normal, make the curvature S = Σ κᵢ (lᵢ/A) νᵢ νᵢᵀ, with νᵢ the
    outward normal of side i in the plane; K is the plate's energy A sᵀ D s / 2 of s = (S11, S22, 2 S12).

    rigidity : D11, D22, D66 and D12 in the frame along `direction` [N m], shape (face_count, 4)
    """
    first, second = face_frames(positions, triangles, direction)
    a, b, c = corners(positions, triangles)
    sides = torch.stack([b - a, c - b, a - c], dim=1)
    x, y = (sides @ first[:, :, None])[:, :, 0], (sides @ second[:, :, None])[:, :, 0]
    scale = 1.0 / (torch.linalg.vector_norm(sides, dim=2) * face_areas(positions, triangles).sqrt()[:, None])
    along, across, twist = scale * y * y, scale * x * x, -2.0 * scale * x * y
    d11, d22, d66, d12 = (rigidity[:, k, None, None] for k in range(4))
    mixed = _outer(along, across)
    return (
        d11 * _outer(along, along)
        + d22 * _outer(across, across)
        + d66 * _outer(twist, twist)
        + d12 * (mixed + mixed.transpose(1, 2))
    )


def curvature_angles(positions: Tensor, triangles: Tensor, curvature: Tensor, direction: Tensor | None) -> Tensor:
    """The three bending angles of each face that make a given curvature (κ11, κ22, κ12) [1/m] in its frame: κᵢ =
    −lᵢ/(4A) eⱼᵀ S eₖ, shape (face_count, 3)."""
    first, second = face_frames(positions, triangles, direction)
    a, b, c = corners(positions, triangles)
    sides = torch.stack([b - a, c - b, a - c], dim=1)
    x, y = (sides @ first[:, :, None])[:, :, 0], (sides @ second[:, :, None])[:, :, 0]
    xj, yj, xk, yk = x.roll(-1, 1), y.roll(-1, 1), x.roll(-2, 1), y.roll(-2, 1)
    form = curvature[:, 0:1] * xj * xk + curvature[:, 1:2] * yj * yk + curvature[:, 2:3] * (xj * yk + yj * xk)
    lengths = torch.linalg.vector_norm(sides, dim=2)
    return -lengths * form / (4.0 * face_areas(positions, triangles)[:, None])


def _outer(one: Tensor, other: Tensor) -> Tensor:
    return one[:, :, None] * other[:, None, :]
