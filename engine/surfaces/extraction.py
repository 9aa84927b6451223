"""The differentiable part of FlexiCubes: from field, offsets and weights to the vertices of the training mesh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import warp as wp
from torch import Tensor

from engine.core.bridge import Operation, launch
from engine.surfaces.connectivity import Connectivity, DeviceTables
from engine.surfaces.flexicubes_kernels import flexicubes_kernels

WEIGHT_COUNT = 21
"""Numbers a cell: α of the 8 corners, β of the 12 edges, γ."""


@dataclass(frozen=True)
class Activation:
    """w = centre + span · tanh(slope · raw), column by column: α and β are 1 + 0.99 tanh, γ is 0.99 sigmoid + 0.005."""

    centre: Tensor
    span: Tensor
    slope: Tensor

    @staticmethod
    def on(device: torch.device, dtype: torch.dtype) -> Activation:
        centre = torch.tensor([1.0] * 20 + [0.5], device=device, dtype=dtype)
        span = torch.tensor([0.99] * 20 + [0.495], device=device, dtype=dtype)
        slope = torch.tensor([1.0] * 20 + [0.5], device=device, dtype=dtype)
        return Activation(centre, span, slope)


@dataclass(frozen=True)
class NodeFrame:
    """Undeformed positions of the active nodes and how far each may move along each axis, shape (node_count, 3)."""

    positions: Tensor
    reach: Tensor


class Extraction(Operation):
    """(values, offsets, weights) -> (vertices, regularity, crossing values); see `ExtractedSurface`.

    values : field at the active nodes, shape (node_count,)
    offsets : raw offsets of the active nodes, shape (node_count, 3)
    weights : raw weights of the active cells, shape (cell_count, 21)
    """

    name = "FlexiCubes"

    def __init__(
        self, connectivity: Connectivity, tables: DeviceTables, activation: Activation, frame: NodeFrame
    ) -> None:
        self._connectivity = connectivity
        self._tables = tables
        self._activation = activation
        self._frame = frame
        self._saved: tuple[Tensor, ...] = ()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        values, offsets, raw = inputs
        c, activation = self._connectivity, self._activation
        kernels = flexicubes_kernels(values.dtype)
        bend = torch.tanh(offsets)
        positions = torch.addcmul(self._frame.positions, self._frame.reach, bend)
        squashed = raw.index_select(0, c.cell_rows).mul_(activation.slope).tanh_()
        weights = torch.addcmul(activation.centre, activation.span, squashed)
        vertices = values.new_empty((c.dual_count + c.quad_count, 3))
        regularity = values.new_empty(c.dual_count)
        launch(
            kernels.dual_vertices,
            len(c.cells),
            [*self._topology(), positions, values, weights, vertices, regularity],
            device=values.device,
        )
        launch(
            kernels.quad_centres,
            c.quad_count,
            [*c.quad_arguments, weights, c.dual_count, vertices],
            device=values.device,
        )
        self._saved = (values, bend, positions, squashed, weights, vertices.detach())
        self._cell_count = len(raw)
        return vertices, regularity, values.index_select(0, c.crossing_rows.reshape(-1)).reshape(-1, 2)

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        grad_vertices, grad_regularity, grad_crossing = gradients
        values, bend, positions, squashed, weights, vertices = self._saved
        c, activation = self._connectivity, self._activation
        grad_values = torch.zeros_like(values)
        if grad_crossing is not None:
            grad_values.index_add_(0, c.crossing_rows.reshape(-1), grad_crossing.reshape(-1))
        if grad_vertices is None and grad_regularity is None:
            return grad_values, None, None
        kernels = flexicubes_kernels(values.dtype)
        grad_positions = torch.zeros_like(positions)
        grad_weights = torch.zeros_like(weights)
        # The kernels spread the centres' gradient over the dual vertices in place, so they get a copy.
        grad_all = torch.zeros_like(vertices) if grad_vertices is None else grad_vertices.clone()
        launch(
            kernels.quad_centres_adjoint,
            c.quad_count,
            [*c.quad_arguments, weights, c.dual_count, vertices, grad_all, grad_weights],
            device=values.device,
        )
        launch(
            kernels.dual_vertices_adjoint,
            len(c.cells),
            [
                *self._topology(), positions, values, weights, vertices, grad_all,
                values if grad_regularity is None else grad_regularity, grad_regularity is not None,
                grad_positions, grad_values, grad_weights,
            ],
            device=values.device,
        )  # fmt: skip
        grad_offsets = grad_positions.mul_(self._frame.reach).mul_(1 - bend * bend)
        grad_weights.mul_(1 - squashed * squashed).mul_(activation.span * activation.slope)
        grad_raw = values.new_zeros((self._cell_count, WEIGHT_COUNT))
        grad_raw.index_copy_(0, c.cell_rows, grad_weights)
        return grad_values, grad_offsets, grad_raw

    def _topology(self) -> list[wp.array]:
        c, t = self._connectivity, self._tables
        return [*c.cell_arguments, t.group_count, t.group_edges, t.edge_corners]
