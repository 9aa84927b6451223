"""The inside of FlexiCubes as tetrahedra, differentiable (after arXiv 2308.05371, section 4.4).

Every cell is stood for by its dual vertices, or by its centre where it is all inside. Round a sign-changing edge the
inside node is joined to the two triangles of the quad; round an edge that is all inside, its two nodes are joined to
the four cells, two neighbours at a time. The paper says no more, and that leaves gaps where one inside part of a cell
has two dual vertices; they are filled by tetrahedra over both:

* an edge whose two faces in the cell belong to different dual vertices is joined to both;
* the two inside nodes of an ambiguous face that both neighbours invert are joined across it, to the four dual
  vertices round their diagonal.

On an undeformed grid every tetrahedron has a positive volume: two neighbouring cells' vertices lie in neighbouring
quadrants round their edge, and one of the two diagonals of a quad is always right, seen from its inside node; that one
is taken. The two dual vertices of a cell that inverts its case are the mean of their crossings here (β neutral), for
with any β one may come to lie behind the other. In the closed border layer, whose cells are flat, the tetrahedra that
lie in the border are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.surfaces.connectivity import Connectivity, dense_cases
from engine.surfaces.grid import Grid
from engine.surfaces.tables import dual_tables, inside_edge_groups


@dataclass(frozen=True)
class ExtractedTetrahedra:
    """A tetrahedral mesh with its way back to the design.

    vertices : dual vertices, then nodes of the grid, then centres of cells, each used; working frame, shape
        (vertex_count, 3); carries the autograd graph
    tets : the fourth is on the side of the first three's normal, shape (tet_count, 4), int64, no gradient
    cell_size : of the grid, in working lengths
    dual_vertex_count : the first so many vertices are dual vertices
    odd_diagonal : whether each quad of the surface is split along its corners 1–3, and not 0–2, shape (quad_count,)
    """

    vertices: Tensor
    tets: Tensor
    cell_size: float
    dual_vertex_count: int
    odd_diagonal: Tensor

    @property
    def volumes(self) -> Tensor:
        """Signed volume of each tetrahedron, with graph, shape (tet_count,)."""
        return signed_volumes(self.vertices, self.tets)

    @property
    def inverted_count(self) -> int:
        """Tetrahedra without a positive volume: none, unless nodes have moved."""
        return int((self.volumes.detach() <= 0).sum())


def signed_volumes(vertices: Tensor, tets: Tensor) -> Tensor:
    """Volume of each tetrahedron, positive where the fourth vertex is on the side of the first three's normal."""
    a, b, c, d = (vertices[tets[:, corner]] for corner in range(4))
    return ((b - a) * torch.linalg.cross(c - a, d - a)).sum(dim=1) / 6.0


def takes_inverted_case(connectivity: Connectivity) -> Tensor:
    """Whether each surface cell takes the inverted case, shape (cell_count,)."""
    return (connectivity.cases & 255) != (connectivity.cases >> 8)


def tetrahedra(
    grid: Grid, occupancy: Tensor, connectivity: Connectivity, duals: Tensor, nodes: Tensor
) -> ExtractedTetrahedra:
    """The tetrahedra inside a closed surface.

    occupancy : 1 at the ids of inside nodes, uint8, shape (id_count,)
    duals : positions of the dual vertices, with graph
    nodes : positions of the inside nodes, in the order of their ids, with graph
    """
    builder = _Builder(grid, occupancy, connectivity)
    cells = builder.full_cells
    corners = builder.node_index[cells[:, None] + grid.corner_offsets(occupancy.device)] - len(duals)
    vertices = torch.cat([duals, nodes, nodes[corners].mean(dim=1)])
    odd, on_crossed = builder.on_crossed_edges(vertices.detach().to(torch.float64))
    tets = torch.cat([on_crossed, builder.on_inside_edges(), builder.on_inverted_faces()])
    tets = tets[~builder.is_flat(tets)]
    used = torch.zeros(len(vertices), dtype=torch.bool, device=vertices.device)
    used[tets.reshape(-1)] = True
    number = torch.cumsum(used, 0) - 1
    return ExtractedTetrahedra(
        vertices=vertices[used],
        tets=number[tets],
        cell_size=grid.cell_size,
        dual_vertex_count=int(used[: len(duals)].sum()),
        odd_diagonal=odd,
    )


class _Builder:
    """Vertex numbers: dual vertices first, then inside nodes, then cells that are all inside."""

    def __init__(self, grid: Grid, occupancy: Tensor, connectivity: Connectivity) -> None:
        self.grid = grid
        self.connectivity = connectivity
        self.device = occupancy.device
        self.inside = occupancy.to(torch.bool)
        self.strides = torch.tensor(grid.strides, device=self.device)
        node_ids = torch.nonzero(self.inside).reshape(-1)
        self.full_cells = torch.nonzero(dense_cases(occupancy, grid) == 255).reshape(-1)
        count = connectivity.dual_count
        self.node_index = self._numbered(node_ids, count)
        self.centre_index = self._numbered(self.full_cells, count + len(node_ids))
        self.slot = self._numbered(connectivity.cells, 0)
        self.case = (connectivity.cases & 255).to(torch.int64)
        self.effective = (connectivity.cases >> 8).to(torch.int64)
        self.first_dual = connectivity.first_dual.to(torch.int64)
        self.groups = torch.tensor(inside_edge_groups(), device=self.device)
        self.planes = self._planes(node_ids)

    def on_crossed_edges(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Which diagonal each quad takes (True for 1–3), and the two tetrahedra of each over its inside node."""
        crossed = torch.stack([self.inside ^ self._shifted(axis) for axis in range(3)], dim=1)
        ids, axis = torch.nonzero(crossed).unbind(dim=1)  # in the order of the quads
        node = self.node_index[torch.where(self.inside[ids], ids, ids + self.strides[axis])][:, None]
        v = self.connectivity.quad_duals.to(torch.int64)
        choices = [
            torch.stack([torch.cat([node, v[:, list(triangle)]], dim=1) for triangle in pair], dim=1)
            for pair in (((0, 1, 2), (0, 2, 3)), ((1, 2, 3), (1, 3, 0)))
        ]
        worst = []
        for tets in choices:
            flat = tets.reshape(-1, 4)
            volumes = signed_volumes(positions, flat).masked_fill(self.is_flat(flat), torch.inf)
            worst.append(volumes.reshape(-1, 2).amin(dim=1))
        odd = worst[1] > worst[0]
        return odd, torch.where(odd[:, None, None], choices[1], choices[0]).reshape(-1, 4)

    def on_inside_edges(self) -> Tensor:
        """Tetrahedra round the edges whose two nodes are inside."""
        both = torch.stack([self.inside & self._shifted(axis) for axis in range(3)], dim=1)
        ids, axis = torch.nonzero(both).unbind(dim=1)
        second, third = self.strides[(axis + 1) % 3], self.strides[(axis + 2) % 3]
        ends = [self.node_index[ids], self.node_index[ids + self.strides[axis]]]
        # Counter-clockwise round the edge: every other cell is entered across the third axis, left across the second.
        entered, left = [], []
        for turn, (i, j) in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
            cell, edge = ids - i * second - j * third, 4 * axis + i + 2 * j
            across = [self._vertex_of(cell, edge, side) for side in range(2)]
            entered.append(across[1 - turn % 2])
            left.append(across[turn % 2])
        tets = []
        for turn in range(4):
            tets.append(torch.stack([*ends, left[turn], entered[(turn + 1) % 4]], dim=1))
            gap = entered[turn] != left[turn]
            tets.append(torch.stack([*ends, entered[turn], left[turn]], dim=1)[gap])
        return torch.cat(tets)

    def on_inverted_faces(self) -> Tensor:
        """Tetrahedra round the inside diagonal of ambiguous faces whose two cells invert their cases."""
        tables = dual_tables()
        face = torch.tensor(tables.ambiguous_face, device=self.device)[self.case].to(torch.int64)
        # Each such face once: as the high face of its lower cell.
        slot = torch.nonzero(takes_inverted_case(self.connectivity) & (face % 2 == 1)).reshape(-1)
        axis = face[slot] // 2
        units = torch.stack([torch.ones_like(axis), torch.full_like(axis, 2), torch.full_like(axis, 4)], dim=1)
        one, other, normal = (units.gather(1, ((axis + turn) % 3)[:, None])[:, 0] for turn in (1, 2, 0))
        # The face's corners counter-clockwise about its normal, as seen in the lower cell and in the upper one.
        lower = torch.stack([normal, normal + one, normal + one + other, normal + other], dim=1)
        even = (self.case[slot] >> lower[:, 0] & 1)[:, None] == 1
        lower = torch.where(even, lower, lower.roll(-1, dims=1))
        first, right, second, left = lower.unbind(dim=1)
        cell = self.connectivity.cells[slot]
        offsets = self.grid.corner_offsets(self.device)
        ends = [self.node_index[cell + offsets[corner]] for corner in (first, second)]
        above = self.slot[cell + self.strides[axis]]
        down = [self._dual_at(slot, first, corner) for corner in (right, left)]
        up = [self._dual_at(above, first - normal, corner - normal) for corner in (right, left)]
        ring = [up[1], up[0], down[0], down[1]]
        return torch.cat([torch.stack([*ends, ring[turn], ring[(turn + 1) % 4]], dim=1) for turn in range(4)])

    def is_flat(self, tets: Tensor) -> Tensor:
        """Whether all four vertices lie in one plane of the border."""
        planes = self.planes[tets]
        return (planes[:, 0] & planes[:, 1] & planes[:, 2] & planes[:, 3]) != 0

    def _vertex_of(self, cell: Tensor, edge: Tensor, side: int) -> Tensor:
        """The vertex that stands for a cell on one side of an inside edge."""
        slot = self.slot[cell]
        known = slot.clamp(min=0)
        inverted = (self.case[known] != self.effective[known]).to(torch.int64)
        dual = self.first_dual[known] + self.groups[inverted, self.case[known], edge, side]
        return torch.where(slot >= 0, dual, self.centre_index[cell])

    def _dual_at(self, slot: Tensor, corner: Tensor, other: Tensor) -> Tensor:
        """The dual vertex of the crossed edge between two corners of a surface cell."""
        tables = dual_tables()
        between = torch.full((8, 8), -1, dtype=torch.int64, device=self.device)
        ends = torch.tensor(tables.edge_corners, device=self.device).to(torch.int64)
        between[ends[:, 0], ends[:, 1]] = between[ends[:, 1], ends[:, 0]] = torch.arange(12, device=self.device)
        edge_group = torch.tensor(tables.edge_group, device=self.device).to(torch.int64)
        return self.first_dual[slot] + edge_group[self.effective[slot], between[corner, other]]

    def _planes(self, node_ids: Tensor) -> Tensor:
        """Which of the six planes of the border each vertex lies in, as bits, shape (vertex_count,)."""
        cells = self.connectivity.cells
        ends = torch.cat([self.first_dual[1:], self.first_dual.new_tensor([self.connectivity.dual_count])])
        of_dual = torch.repeat_interleave(cells, ends - self.first_dual)
        last = self.grid.resolution + 1
        bits = torch.tensor([1, 2, 4], device=self.device)
        cell, node = self.grid.coordinates(of_dual), self.grid.coordinates(node_ids)
        planes = [
            (((low * bits) + (high * (8 * bits))).sum(dim=1))
            for low, high in (
                ((cell == 0).to(torch.int64), (cell == last).to(torch.int64)),
                ((node == 1).to(torch.int64), (node == last).to(torch.int64)),
            )
        ]
        return torch.cat([*planes, planes[0].new_zeros(len(self.full_cells))])

    def _shifted(self, axis: int) -> Tensor:
        """Whether the next node along an axis is inside."""
        stride = self.grid.strides[axis]
        return torch.cat([self.inside[stride:], self.inside.new_zeros(stride)])

    def _numbered(self, ids: Tensor, start: int) -> Tensor:
        numbers = torch.full((self.grid.id_count,), -1, dtype=torch.int64, device=self.device)
        numbers[ids] = torch.arange(start, start + len(ids), device=self.device)
        return numbers
