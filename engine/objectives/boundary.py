"""The border of an open surface: how long it is, and how many holes it has."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.geometry.topology import components
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss, zeros_like_vertices
from engine.objectives.term import Term, register
from engine.surfaces.surface import Surface


@register
class BoundaryLength(Term):
    """Length of all boundary loops."""

    kind: ClassVar[str] = "boundary-length"
    title: ClassVar[str] = "Short border"
    help: ClassVar[str] = "Straightens the border of an open surface by making it shorter."
    formula: ClassVar[str] = "Σ |b − a|  over the boundary edges"
    source: ClassVar[str] = "First variation of length: curve shortening, Gage and Hamilton, 1986"
    unit: ClassVar[str] = "of a side of 1.8"
    leaves_target: ClassVar[bool] = True
    maskable: ClassVar[bool] = True
    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)

    class Parameters(ParameterModel):
        pass

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        edges = evaluation.surface.boundary.long()
        weight = evaluation.positions.new_ones(len(edges))
        if self.where is not None:
            weight = weight * self.where.at(evaluation.positions[edges].mean(dim=1))
        return _length(evaluation, edges, weight, self.title)


@register
class Holes(Term):
    """Length of the boundary loops that are too many.

    The loops are ranked by length, and those after the wanted number shrink until they close. A loop that is missing
    is not made.
    """

    kind: ClassVar[str] = "holes"
    title: ClassVar[str] = "Number of borders"
    help: ClassVar[str] = "Closes holes of an open surface until only the longest borders are left, as many as wanted."
    formula: ClassVar[str] = "Σ length of the boundary loops beyond the N longest"
    source: ClassVar[str] = "First variation of length: curve shortening, Gage and Hamilton, 1986"
    unit: ClassVar[str] = "of a side of 1.8"
    leaves_target: ClassVar[bool] = True
    surfaces: ClassVar[tuple[str, ...]] = ("g-shell",)

    class Parameters(ParameterModel):
        borders: int = parameter(
            1, title="Wanted borders", ge=0, live=True, help="How many of the longest boundary loops stay."
        )

    parameters: Parameters

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        edges = evaluation.surface.boundary.long()
        unwanted = self._unwanted(edges.cpu().numpy(), evaluation.positions.cpu().numpy())
        weight = torch.from_numpy(unwanted).to(evaluation.positions)
        return _length(evaluation, edges, weight, self.title)

    def _unwanted(self, edges: np.ndarray, positions: np.ndarray) -> np.ndarray:
        if not len(edges):
            return np.zeros(0, bool)
        loop = np.unique(components(edges[:, 0], edges[:, 1], len(positions))[edges[:, 0]], return_inverse=True)[1]
        length = np.bincount(loop, np.linalg.norm(positions[edges[:, 1]] - positions[edges[:, 0]], axis=1))
        unwanted = np.ones(len(length), bool)
        unwanted[np.argsort(-length, kind="stable")[: self.parameters.borders]] = False
        return unwanted[loop]


def _length(evaluation: Evaluation, edges: Tensor, weight: Tensor, title: str) -> Tensor:
    along = evaluation.positions[edges[:, 1]] - evaluation.positions[edges[:, 0]]
    length = torch.linalg.vector_norm(along, dim=1)
    pull = (weight / length.clamp(min=1e-300))[:, None] * along
    gradient = zeros_like_vertices(evaluation.positions)
    gradient.index_add_(0, edges[:, 1], pull)
    gradient.index_add_(0, edges[:, 0], -pull)
    return shape_loss(evaluation.vertices, (weight * length).sum(), gradient, name=title)
