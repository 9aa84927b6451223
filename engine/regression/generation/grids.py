"""Triangles over grids of nodes, counter-clockwise: meshes by mapping need no mesher."""

from __future__ import annotations

import numpy as np


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    """Two triangles a cell over nodes numbered row by row, in alternating directions, shape (triangle_count, 3),
    int32."""
    return cut_cells(np.arange(rows * columns).reshape(rows, columns))


def ring_triangles(rows: int, columns: int) -> np.ndarray:
    """The same where every row closes, counter-clockwise, and later rows lie outside; `columns` is even."""
    index = np.arange(rows * columns).reshape(rows, columns)
    return cut_cells(np.concatenate([index, index[:, :1]], axis=1)[::-1])


def cut_cells(index: np.ndarray) -> np.ndarray:
    """The same over nodes so numbered, shape (rows, columns), rows upwards and columns to the right."""
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    row, column = np.indices(a.shape)
    even = ((row + column) % 2 == 0)[..., None, None]
    rising = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], -2)
    falling = np.stack([np.stack([a, b, d], -1), np.stack([b, c, d], -1)], -2)
    return np.where(even, rising, falling).reshape(-1, 3).astype(np.int32)
