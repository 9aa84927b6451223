"""Where the entries of elements stand in the matrix: found once, filled many times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class BlockPattern:
    """The blocks between the vertices of elements, each of them once.

    slots : block of each pair (a, b) of an element's vertices, shape (element_count, k · k), int32
    count : blocks
    rows, cols : place of all their entries in row order, shape (9 · count,), int64
    """

    slots: Tensor
    count: int
    rows: Tensor
    cols: Tensor


def vertex_blocks(elements: Tensor) -> BlockPattern:
    """Blocks of `elements`, shape (element_count, k), over 3 unknowns a vertex."""
    found = pairs(elements, elements)
    axis = torch.arange(3, device=elements.device)
    rows = (3 * found.first[:, None, None] + axis[None, :, None]).expand(-1, 3, 3)
    cols = (3 * found.second[:, None, None] + axis[None, None, :]).expand(-1, 3, 3)
    return BlockPattern(found.slots, found.count, rows.reshape(-1), cols.reshape(-1))


@dataclass(frozen=True)
class PairPattern:
    """Entries between two kinds of scalar or vertex unknowns, each of them once.

    slots : entry of each pair (a, b) of an element, shape (element_count, k · l), int32
    first, second : numbers of what each entry joins, shape (count,)
    """

    slots: Tensor
    first: Tensor
    second: Tensor

    @property
    def count(self) -> int:
        return len(self.first)


def pairs(one: Tensor, other: Tensor) -> PairPattern:
    """All pairs of `one`, shape (element_count, k), with `other`, shape (element_count, l), within elements."""
    width = int(other.max()) + 1 if other.numel() else 1
    keys = (one[:, :, None] * width + other[:, None, :]).reshape(len(one), one.shape[1] * other.shape[1])
    unique, inverse = torch.unique(keys, return_inverse=True)
    return PairPattern(inverse.to(torch.int32).reshape(keys.shape).contiguous(), unique // width, unique % width)
