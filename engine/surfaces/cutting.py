"""The open part of a closed mesh: where the manifold signed distance (mSDF) of its vertices is not negative.

An edge whose ends have different signs is cut where the mSDF, linear along it, is zero. The point belongs to the edge,
so neighbours share it, and the cut ends in closed loops.

Source: Liu et al., Ghost on the Shell, ICLR 2024, arXiv 2310.15168, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

TINY = 1e-18
"""Least difference of two mSDF values over which a slope is divided; its square is still a number in float32."""


@dataclass(frozen=True)
class Cut:
    """What is left of a mesh, for one set of signs.

    Its vertices are, in this order: the kept ones among the first `first_count` of the closed mesh, the points on edges
    between those, the other kept ones, the other points on edges.

    kept : their rows in the closed mesh, ascending, shape (kept_count,), int64
    kept_first : how many of `kept` are among the first
    edges : (inside, outside) ends of each cut edge, rows of the closed mesh, shape (cut_count, 2), int64
    edge_keys : of `edges`, ascending; see `edge_keys`
    edges_first : how many of `edges` are between the first
    row : new row of each kept vertex, shape (vertex_count,), int64; undefined for the others
    triangles : shape (triangle_count, 3), int32
    boundary : edges between cut points, as their triangle runs through them, shape (boundary_count, 2), int32
    """

    kept: Tensor
    kept_first: int
    edges: Tensor
    edge_keys: Tensor
    edges_first: int
    row: Tensor
    triangles: Tensor
    boundary: Tensor

    @property
    def shared_count(self) -> int:
        """The new vertices that come from the first vertices of the closed mesh alone."""
        return self.kept_first + self.edges_first

    def place(self, kept: Tensor, cut: Tensor) -> Tensor:
        """Values of the kept vertices and of the cut points as values of all new vertices."""
        if not len(cut):
            return kept
        return torch.cat(
            [
                kept[: self.kept_first], cut[: self.edges_first], kept[self.kept_first :], cut[self.edges_first :],
            ]
        )  # fmt: skip

    def cut_row(self, number: Tensor) -> Tensor:
        """New row of cut points."""
        return number + torch.where(number < self.edges_first, self.kept_first, len(self.kept))


def cut_connectivity(msdf: Tensor, triangles: Tensor, first_count: int, *, referenced: Tensor | None = None) -> Cut:
    """Connectivity of the part where the mSDF is not negative.

    msdf : at the vertices of a mesh, shape (vertex_count,), no gradient
    triangles : shape (triangle_count, 3)
    first_count : vertices that come before all others in the new mesh too, with the points on edges between them
    referenced : whether a triangle has a vertex, shape (vertex_count,); None: each is in one
    """
    inside = msdf >= 0.0
    keeps = inside if referenced is None else inside & referenced
    kept = torch.nonzero(keeps)[:, 0]
    kept_first = int(keeps[:first_count].sum())
    corners = triangles.to(torch.int64)
    flags = inside[corners]
    count = flags.sum(dim=1, dtype=torch.int8)
    whole = corners[count == 3]
    mixed = torch.nonzero((count == 1) | (count == 2))[:, 0]

    # Each of them turned so that the corner which is on its own side comes first.
    alone = (flags[mixed] == (count[mixed] == 1)[:, None]).to(torch.int8).argmax(dim=1)
    turn = (alone[:, None] + torch.arange(3, device=msdf.device)) % 3
    turned = corners[mixed].gather(1, turn)
    pairs = torch.stack([turned[:, [0, 1]], turned[:, [0, 2]]], dim=1)
    keys, number = torch.unique(edge_keys(pairs, len(msdf)), return_inverse=True)
    low, high = keys % max(len(msdf), 1), keys // max(len(msdf), 1)
    edges = torch.where(inside[low][:, None], torch.stack([low, high], dim=1), torch.stack([high, low], dim=1))
    edges_first = int((high < first_count).sum())

    row = torch.empty(len(msdf), dtype=torch.int64, device=msdf.device)
    places = torch.arange(len(kept), device=msdf.device)
    places[kept_first:] += edges_first
    row[kept] = places
    cut = Cut(kept, kept_first, edges, keys, edges_first, row, corners[:0], corners[:0, :2])
    one, other = cut.cut_row(number[:, 0]), cut.cut_row(number[:, 1])
    single = count[mixed] == 1
    ears = torch.stack([row[turned[:, 0]], one, other], dim=1)[single]
    first, second = row[turned[:, 1]], row[turned[:, 2]]
    halves = torch.stack(
        [torch.stack([first, second, other], dim=1), torch.stack([first, other, one], dim=1)], dim=1
    )[~single].reshape(-1, 3)  # fmt: skip
    border = torch.where(single[:, None], torch.stack([one, other], dim=1), torch.stack([other, one], dim=1))
    return Cut(
        kept=kept,
        kept_first=kept_first,
        edges=edges,
        edge_keys=keys,
        edges_first=edges_first,
        row=row,
        triangles=torch.cat([row[whole], ears, halves]).to(torch.int32),
        boundary=border.to(torch.int32),
    )


def edge_keys(pairs: Tensor, vertex_count: int) -> Tensor:
    """One number for an edge, whichever end is named first; grows with its higher end. pairs : shape (…, 2)."""
    return pairs.amax(dim=-1) * vertex_count + pairs.amin(dim=-1)


def cut_share(cut: Cut, msdf: Tensor) -> Tensor:
    """How far along each cut edge the mSDF is zero, from its inside end, in [0, 1], with graph: ν_a/(ν_a − ν_b)."""
    inside, outside = msdf[cut.edges[:, 0]], msdf[cut.edges[:, 1]]
    return inside / (inside - outside).clamp(min=TINY)


def interpolate_cut(cut: Cut, values: Tensor, share: Tensor) -> Tensor:
    """`values` of the closed mesh's vertices (first axis) at those of the open mesh, with graph."""
    inside, outside = values[cut.edges[:, 0]], values[cut.edges[:, 1]]
    along = share.reshape(-1, *[1] * (values.ndim - 1))
    return cut.place(values.index_select(0, cut.kept), inside + along * (outside - inside))


def cut_quads(cut: Cut, quads: Tensor, msdf: Tensor, whole: Tensor) -> Tensor:
    """Triangles of the open part of quads, without their centres, in rows of the open mesh, int32, shape (n, 3).

    quads : corners, rows of the closed mesh, all of them among the first, shape (quad_count, 4)
    msdf : of the closed mesh, quad centres behind the first; a centre decides how a quad of alternate signs hangs
        together
    whole : the two triangles of each quad, shape (2 · quad_count, 3)
    """
    corners = quads.to(torch.int64)
    inside = msdf >= 0.0
    flags = inside[corners]
    case = (flags * torch.tensor([1, 2, 4, 8], device=msdf.device)).sum(dim=1)
    mixed = torch.nonzero((case > 0) & (case < 15))[:, 0]
    centre = inside[len(msdf) - len(quads) + mixed]
    sides = torch.stack([corners[mixed], corners[mixed].roll(-1, dims=1)], dim=2)
    number = torch.searchsorted(cut.edge_keys, edge_keys(sides, len(msdf))).clamp(max=max(len(cut.edge_keys) - 1, 0))
    points = torch.cat([cut.row[corners[mixed]], cut.cut_row(number)], dim=1)
    table = torch.tensor(_quad_table(), device=msdf.device)[case[mixed] + 16 * centre.to(torch.int64)]
    local = table.reshape(len(mixed), 12)
    pieces = points.gather(1, local.clamp(min=0)).reshape(-1, 3)[local.reshape(-1, 3)[:, 0] >= 0]
    full = cut.row[whole.to(torch.int64).reshape(-1, 6)[case == 15]].reshape(-1, 3)
    return torch.cat([full, pieces]).to(torch.int32)


@lru_cache(maxsize=1)
def _quad_table() -> list[list[list[int]]]:
    """Up to four triangles of each case (bits: corners inside; 16: the centre too) over corners 0 … 3 and cut points
    4 … 7, the one on side i being 4 + i; −1 behind the last."""
    table = []
    for case in range(32):
        flags = [bool(case >> corner & 1) for corner in range(4)]
        polygons = []
        if case % 16 in (5, 10) and case < 16:
            polygons = [[i, 4 + i, 4 + (i - 1) % 4] for i in range(4) if flags[i]]
        elif any(flags):
            # Round the quad from a kept corner across from a cut one, so that a fan has no slender triangle.
            start = next((i for i in range(4) if flags[i] and not flags[(i + 2) % 4]), flags.index(True))
            polygon = []
            for corner in [(start + i) % 4 for i in range(4)]:
                polygon += [corner] if flags[corner] else []
                polygon += [4 + corner] if flags[corner] != flags[(corner + 1) % 4] else []
            polygons = [polygon]
        triangles = [[p[0], p[k], p[k + 1]] for p in polygons for k in range(1, len(p) - 1)]
        table.append(triangles + [[-1, -1, -1]] * (4 - len(triangles)))
    return table
