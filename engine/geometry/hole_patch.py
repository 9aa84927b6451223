"""A patch over a hole: the triangulation of least area, refined and made smooth. Plain numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve

TOO_LONG = 1.5
"""An edge longer than this many edges of the border is cut in two."""
PASSES = 24
ROUNDS = 4
"""How often a patch is made smooth: each time with the lengths and angles that it has by then."""
COTANGENTS = (0.0, 20.0)
"""Obtuse angles count as right ones: negative weights would fold the patch."""
FLIP = 1e-3
"""[rad] by which opposite angles must exceed π before their edge is flipped."""


@dataclass(frozen=True)
class Patch:
    """Triangles over the vertices of a border and new ones behind them: shapes (m, 3) and (n, 3)."""

    vertices: np.ndarray
    triangles: np.ndarray


def smoothed(vertices: np.ndarray, triangles: np.ndarray, free: slice, bent: slice) -> np.ndarray:
    """Positions of least thin-plate energy: ∫|Δx|² over the vertices `bent`, those in `free` moving, shape (n, 3).

    Δ is the cotangent Laplacian (Pinkall and Polthier 1993) of the surface as it is, so that edges of different length
    pull nothing aside; it is taken anew as the surface takes shape.

    vertices : shape (n, 3); triangles : all that touch a bent vertex, and more where there are
    """
    count = len(vertices)
    extent = float(np.abs(vertices).max())
    for _ in range(ROUNDS if free.stop > free.start else 0):
        weights, areas = _cotangents(vertices, triangles)
        laplacian = (weights - diags_array(weights.sum(axis=1)))[np.arange(count)[bent]]
        laplacian = (diags_array(1.0 / np.sqrt(np.maximum(areas[bent], 1e-12 * extent**2))) @ laplacian).tocsc()
        moving, still = laplacian[:, free], np.array(vertices)
        still[free] = 0.0
        solved = spsolve((moving.T @ moving).tocsc(), -(moving.T @ (laplacian @ still)))
        solved = np.asarray(solved).reshape(-1, 3)
        if not np.isfinite(solved).all() or np.abs(solved).max() > 3.0 * extent:
            break
        vertices = still
        vertices[free] = solved
    return vertices


def _cotangents(vertices: np.ndarray, triangles: np.ndarray) -> tuple[csc_array, np.ndarray]:
    """Half the sum of the cotangents opposite to each edge, a symmetric matrix, and a third of each vertex's area."""
    count = len(vertices)
    rows, columns, values = [], [], []
    areas = np.zeros(count)
    for corner in range(3):
        apex, one, other = (triangles[:, (corner + step) % 3] for step in range(3))
        u, v = vertices[one] - vertices[apex], vertices[other] - vertices[apex]
        double = np.linalg.norm(np.cross(u, v), axis=1)
        along = np.einsum("ij,ij->i", u, v)
        values.append(0.5 * np.clip(along / np.maximum(double, 1e-300), *COTANGENTS))
        rows.append(one)
        columns.append(other)
        np.add.at(areas, apex, double / 6.0)
    i, j, w = np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
    matrix = csc_array((np.tile(w, 2), (np.concatenate([i, j]), np.concatenate([j, i]))), shape=(count, count))
    return matrix, areas


def least_area(border: np.ndarray, taken: np.ndarray) -> np.ndarray | None:
    """Triangles of a closed polygon in space, shape (n − 2, 3), of the least total area.

    border : shape (n, 3)
    taken : pairs of vertices that a new edge may not join, shape (n, n)

    None where there is no such triangulation.
    """
    count = len(border)
    cost = np.zeros((count, count))
    best = np.zeros((count, count), np.int64)
    for span in range(2, count):
        start = np.arange(count - span)
        middle = start[:, None] + np.arange(1, span)
        end = start + span
        a, b, c = border[start][:, None], border[middle], border[end][:, None]
        area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=2)
        total = cost[start[:, None], middle] + cost[middle, end[:, None]] + area
        choice = total.argmin(axis=1)
        best[start, end] = middle[np.arange(len(start)), choice]
        cost[start, end] = total[np.arange(len(start)), choice]
        if span < count - 1:
            cost[start, end] = np.where(taken[start, end], np.inf, cost[start, end])
    if not np.isfinite(cost[0, count - 1]):
        return None
    triangles, waiting = [], [(0, count - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        middle_vertex = int(best[first, last])
        triangles.append((first, middle_vertex, last))
        waiting += [(first, middle_vertex), (middle_vertex, last)]
    return np.array(triangles, np.int64)


def refine(patch: Patch, taken: np.ndarray) -> Patch:
    """The patch with inner edges about as long as those of its border, flipped to good angles.

    taken : pairs of border vertices that no new edge may join
    """
    border = len(taken)
    ring = np.arange(border)
    longest = TOO_LONG * float(np.linalg.norm(patch.vertices[ring] - patch.vertices[np.roll(ring, -1)], axis=1).mean())
    vertices, triangles = list(patch.vertices), patch.triangles.tolist()
    _flip(vertices, triangles, taken)
    for _ in range(PASSES):
        if not _cut(vertices, triangles, longest):
            break
        for _ in range(3):
            if not _flip(vertices, triangles, taken):
                break
    return Patch(np.array(vertices), np.array(triangles, np.int64))


def _cut(vertices: list[np.ndarray], triangles: list[list[int]], longest: float) -> bool:
    """Cut inner edges that are too long in their middle, the longest first, each triangle once."""
    inner = _inner_edges(triangles)
    if not inner:
        return False
    ends = np.array(list(inner))
    positions = np.array(vertices)
    lengths = np.linalg.norm(positions[ends[:, 0]] - positions[ends[:, 1]], axis=1)
    used: set[int] = set()
    for index in np.argsort(-lengths):
        if lengths[index] <= longest:
            break
        one, other = ends[index].tolist()
        faces = inner[one, other]
        if used & set(faces):
            continue
        used |= set(faces)
        middle = len(vertices)
        vertices.append(0.5 * (positions[one] + positions[other]))
        for face in faces:
            corners = triangles[face]
            triangles[face] = [middle if corner == other else corner for corner in corners]
            triangles.append([middle if corner == one else corner for corner in corners])
    return bool(used)


def _flip(vertices: list[np.ndarray], triangles: list[list[int]], taken: np.ndarray) -> bool:
    """Flip inner edges whose opposite angles sum to more than π, each triangle once."""
    positions = np.array(vertices)
    present = {tuple(sorted(edge)) for edge in _edges(np.array(triangles)).tolist()}
    used: set[int] = set()
    for (one, other), faces in _inner_edges(triangles).items():
        if used & set(faces):
            continue
        first, second = (next(corner for corner in triangles[face] if corner not in (one, other)) for face in faces)
        new = (min(first, second), max(first, second))
        forbidden = new in present or first == second or (max(new) < len(taken) and bool(taken[new]))
        angles = _angle(positions, first, one, other) + _angle(positions, second, one, other)
        if forbidden or angles <= np.pi + FLIP:
            continue
        used |= set(faces)
        present.add(new)
        present.discard((one, other))
        # The first face keeps `one`, the second `other`; each takes the far apex for the vertex that it loses.
        triangles[faces[0]] = [second if corner == other else corner for corner in triangles[faces[0]]]
        triangles[faces[1]] = [first if corner == one else corner for corner in triangles[faces[1]]]
    return bool(used)


def _angle(positions: np.ndarray, apex: int, one: int, other: int) -> float:
    u, v = positions[one] - positions[apex], positions[other] - positions[apex]
    return float(np.arctan2(np.linalg.norm(np.cross(u, v)), np.dot(u, v)))


def _inner_edges(triangles: list[list[int]]) -> dict[tuple[int, int], list[int]]:
    """Edges between two triangles of the patch, lower vertex first, and those triangles."""
    faces: dict[tuple[int, int], list[int]] = {}
    for face, (a, b, c) in enumerate(triangles):
        for one, other in ((a, b), (b, c), (c, a)):
            faces.setdefault((min(one, other), max(one, other)), []).append(face)
    return {edge: pair for edge, pair in faces.items() if len(pair) == 2}


def _edges(triangles: np.ndarray) -> np.ndarray:
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
