"""Rows of a binary file as columns, read in pieces."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from engine.io.format import Progress

ROWS = 1 << 18
"""Rows that are read at once: all of them would be in memory twice."""


def columns_of_rows(
    stream: BinaryIO, row: np.dtype, count: int, size: int, progress: Progress
) -> dict[str, np.ndarray]:
    """Name -> values, shape (count, ...), in this machine's byte order.

    row : a structured type; the stream, of `size` bytes, holds at least `count` of it
    """
    names = row.names or ()
    columns = {name: np.empty((count, *row[name].shape), row[name].base.newbyteorder("=")) for name in names}
    for begin in range(0, count, ROWS):
        rows = np.fromfile(stream, row, min(ROWS, count - begin))
        for name, column in columns.items():
            column[begin : begin + len(rows)] = rows[name]
        progress(stream.tell() / size)
    return columns


def vectors(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Three columns as vectors, shape (n, 3), float64."""
    found = np.empty((len(x), 3))
    with np.errstate(invalid="ignore"):  # what is no number is found later
        for axis, column in enumerate((x, y, z)):
            found[:, axis] = column
    return found
