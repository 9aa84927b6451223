# mypy: ignore-errors
# Kernels are written in Warp's language, whose types mypy cannot follow.
"""Warp kernels that add blocks between vertices to a matrix of compressed columns."""

# Annotations must be objects: no `from __future__ import annotations`.
import warp as wp

from engine.core.kernels import register_module

module = wp.get_module("formwright_matrix")
module.options["enable_backward"] = False
register_module(__name__, module, "Linear systems")


@wp.func
def place_of(row: wp.int32, begin: wp.int32, end: wp.int32, indices: wp.array(dtype=wp.int32)):
    """Where a row stands among the sorted ones of a column; −1 where it does not."""
    low = begin
    high = end
    while low < high:
        middle = (low + high) / 2
        if indices[middle] < row:
            low = middle + 1
        else:
            high = middle
    if low < end and indices[low] == row:
        return low
    return -1


@wp.kernel(module=module)
def add_blocks(
    vertices: wp.array2d(dtype=wp.int64),
    values: wp.array3d(dtype=wp.mat33d),
    numbers: wp.array(dtype=wp.int32),
    starts: wp.array(dtype=wp.int32),
    indices: wp.array(dtype=wp.int32),
    data: wp.array(dtype=wp.float64),
    missing: wp.array(dtype=wp.int32),
):
    """Add the blocks of each element; `missing` is set where the pattern has no place for one.

    numbers : of the free unknowns, −1 of the others; what is between others counts nothing
    starts, indices, data : the matrix
    """
    i = wp.tid()
    if missing[0] != 0:
        return  # what is added counts no more
    for q in range(vertices.shape[1]):
        # A corner that repeats the first one is none.
        if q == 0 or vertices[i, q] != vertices[i, 0]:
            first_col = 3 * wp.int32(vertices[i, q])
            for p in range(vertices.shape[1]):
                if p == 0 or vertices[i, p] != vertices[i, 0]:
                    first_row = 3 * wp.int32(vertices[i, p])
                    block = values[i, p, q]
                    guess = wp.int32(0)
                    for axis in range(3):
                        col = numbers[first_col + axis]
                        if col >= 0:
                            begin = starts[col]
                            end = starts[col + 1]
                            place = wp.int32(-1)
                            for other in range(3):
                                row = numbers[first_row + other]
                                if row >= 0:
                                    # Next to the one before, or as far down as in the column before.
                                    place = wp.where(place >= 0, place + 1, begin + guess)
                                    found = place < end
                                    if found:
                                        found = indices[place] == row
                                    if not found:
                                        place = place_of(row, begin, end, indices)
                                    if place >= 0:
                                        wp.atomic_add(data, place, block[other, axis])
                                    else:
                                        missing[0] = 1
                            if place >= 0:
                                guess = wp.max(place - begin - 2, 0)
