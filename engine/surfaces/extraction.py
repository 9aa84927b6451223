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

    With a fourth input, the mSDF at the active nodes, shape (node_count,), vertices have it as a fourth column, placed
    by the same weights; and a fourth output is that column once more, with a gradient in the mSDF alone.
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
        values, offsets, raw, *carried = inputs
        c, activation = self._connectivity, self._activation
        bend = torch.tanh(offsets)
        positions = torch.addcmul(self._frame.positions, self._frame.reach, bend)
        if carried:
            positions = torch.cat([positions, carried[0][:, None]], dim=1)
        coordinates = positions.shape[1]
        kernels = flexicubes_kernels(values.dtype, coordinates)
        squashed = raw.index_select(0, c.cell_rows).mul_(activation.slope).tanh_()
        weights = torch.addcmul(activation.centre, activation.span, squashed)
        vertices = values.new_empty((c.dual_count + c.quad_count, coordinates))
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
        crossing_values = values.index_select(0, c.crossing_rows.reshape(-1)).reshape(-1, 2)
        column = (vertices[:, 3].clone(),) if carried else ()
        return vertices, regularity, crossing_values, *column

    def backward(self, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        grad_vertices, grad_regularity, grad_crossing, *grad_column = gradients
        values, bend, _, squashed, _, vertices = self._saved
        c, activation = self._connectivity, self._activation
        grad_values = torch.zeros_like(values)
        if grad_crossing is not None:
            grad_values.index_add_(0, c.crossing_rows.reshape(-1), grad_crossing.reshape(-1))
        grad_carried = torch.zeros_like(values) if grad_column else None
        if grad_column and grad_column[0] is not None:
            seed = torch.zeros_like(vertices)
            seed[:, 3] = grad_column[0]
            moved, _ = self._adjoint(seed, None, torch.zeros_like(values))
            grad_carried = moved[:, 3]
        grad_offsets = grad_raw = None
        if grad_vertices is not None or grad_regularity is not None:
            # The kernels spread the centres' gradient over the dual vertices in place, so they get a copy.
            grad_all = torch.zeros_like(vertices) if grad_vertices is None else grad_vertices.clone()
            grad_positions, grad_weights = self._adjoint(grad_all, grad_regularity, grad_values)
            if grad_carried is not None:
                grad_carried = grad_carried + grad_positions[:, 3]
            grad_offsets = grad_positions[:, :3].mul_(self._frame.reach).mul_(1 - bend * bend)
            grad_weights.mul_(1 - squashed * squashed).mul_(activation.span * activation.slope)
            grad_raw = values.new_zeros((self._cell_count, WEIGHT_COUNT))
            grad_raw.index_copy_(0, c.cell_rows, grad_weights)
        results = (grad_values, grad_offsets, grad_raw)
        return (*results, grad_carried) if grad_column else results

    def _adjoint(
        self, grad_vertices: Tensor, grad_regularity: Tensor | None, grad_values: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gradients of the nodes' coordinates and of the activated weights; adds that of the field to `grad_values`.
        `grad_vertices` is used up."""
        values, _, positions, _, weights, vertices = self._saved
        c = self._connectivity
        kernels = flexicubes_kernels(values.dtype, positions.shape[1])
        grad_positions = torch.zeros_like(positions)
        grad_weights = torch.zeros_like(weights)
        launch(
            kernels.quad_centres_adjoint,
            c.quad_count,
            [*c.quad_arguments, weights, c.dual_count, vertices, grad_vertices, grad_weights],
            device=values.device,
        )
        launch(
            kernels.dual_vertices_adjoint,
            len(c.cells),
            [
                *self._topology(), positions, values, weights, vertices, grad_vertices,
                values if grad_regularity is None else grad_regularity, grad_regularity is not None,
                grad_positions, grad_values, grad_weights,
            ],
            device=values.device,
        )  # fmt: skip
        return grad_positions, grad_weights

    def _topology(self) -> list[wp.array]:
        c, t = self._connectivity, self._tables
        return [*c.cell_arguments, t.group_count, t.group_edges, t.edge_corners]
