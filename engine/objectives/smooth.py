"""Smoothness: every point of the surface near the middle of its neighbours."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from engine.core import bridge
from engine.core.parameters import ParameterModel, parameter
from engine.objectives import kernels
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class Smoothness(Term):
    """Mean of the squared uniform Laplacian, relative to the cell size; the border of an open surface rests."""

    kind: ClassVar[str] = "smoothness"
    title: ClassVar[str] = "Smoothness"
    help: ClassVar[str] = (
        "Keeps every point of the surface near the middle of its neighbours. It calms noise and rounds edges."
    )
    formula: ClassVar[str] = "mean |x − mean of neighbours|² / h²"
    maskable: ClassVar[bool] = True
    source: ClassVar[str] = "Umbrella operator: Kobbelt et al., Interactive multi-resolution modeling, 1998"

    class Parameters(ParameterModel):
        applies_to: Literal["scans", "everything"] = parameter(
            "everything", title="Applies to", live=True, advanced=True,
            help="scans: it rests where the target is a mesh, which has no noise to calm.",
        )  # fmt: skip

    parameters: Parameters

    def schedule(self, progress: float) -> float:
        target = self.context.target
        rests = self.parameters.applies_to == "scans" and target is not None and not target.is_scan
        return 0.0 if rests else 1.0

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions, triangles = evaluation.positions, evaluation.triangles
        device = positions.device
        count = len(positions)
        total, offset = torch.zeros_like(positions), torch.zeros_like(positions)
        degree, values = positions.new_zeros(count), positions.new_zeros(count)
        weight = positions.new_full((count,), 1.0 / (count * evaluation.surface.cell_size**2))
        if self.where is not None:
            weight = weight * evaluation.factor(self.where, positions)
        # At a border neighbours lie on one side only, and their middle is no place to go to.
        weight[evaluation.surface.boundary.reshape(-1).long()] = 0.0
        gradient = zeros_like_vertices(positions)
        bridge.launch(kernels.neighbour_sums, len(triangles), [positions, triangles, total, degree], device=device)
        bridge.launch(
            kernels.laplacian_energy, count,
            [positions, total, degree, weight, values, offset, gradient], device=device,
        )  # fmt: skip
        bridge.launch(kernels.laplacian_neighbours, len(triangles), [triangles, offset, gradient], device=device)
        return shape_loss(evaluation.vertices, values.sum(), gradient, name=self.title)
