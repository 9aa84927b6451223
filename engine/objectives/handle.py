"""Handle: a place on the surface, pulled to a point."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from engine.core.leaves import State
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.evaluation import Evaluation
from engine.objectives.shape_loss import shape_loss
from engine.objectives.term import Term, TermContext, register
from engine.surfaces.surface import Surface

Position = tuple[float, float, float]


@register
class Handle(Term):
    """Half the squared distance between the anchor on the surface and the target, felt all over a soft patch.

    The patch is what lies within `radius` of the anchor, weighted (1 − (r/radius)²)². The force is
    that of ½ |x̄ + o − t|²: x̄ is the patch's weighted centre, and the offset o from it to the anchor is held fixed for
    one evaluation, so that the value is the anchor's own distance and the whole patch moves as one.

    The anchor follows the surface: at every evaluation it becomes the vertex of the surface within reach of the last
    anchor that is nearest to the target.
    """

    kind: ClassVar[str] = "handle"
    title: ClassVar[str] = "Handle"
    help: ClassVar[str] = "Pulls a place of the surface to a point; how far around it the pull is felt is the radius."
    formula: ClassVar[str] = "½ |anchor − target|² / side²,  patch weight (1 − (r/radius)²)²"
    source: ClassVar[str] = "Wendland-type falloff, as in point-based surface editing (Zwicker et al., 2002)"
    unit: ClassVar[str] = "of a side of 1.8, squared"
    place: ClassVar[str] = "point"
    leaves_target: ClassVar[bool] = True
    studies: ClassVar[tuple[str, ...]] = ("reconstruct", "complete", "predict")

    class Parameters(ParameterModel):
        anchor: Position = parameter(
            (0.0, 0.0, 0.0), title="Anchor", unit="mm", help="Where the handle was put on the surface."
        )
        target: Position = parameter(
            (0.0, 0.0, 0.0), title="Target", unit="mm", live=True, help="Where the surface should go."
        )
        radius: float = parameter(
            5.0, title="Radius", unit="mm", gt=0.0, live=True, help="How far around the anchor the pull is felt."
        )

    parameters: Parameters

    def __init__(self, parameters: Parameters, context: TermContext) -> None:
        super().__init__(parameters, context)
        self._place_anchor(parameters.anchor)

    @property
    def anchor(self) -> Position:
        """Where the handle holds the surface now [mm]."""
        x, y, z = self.context.frame.to_world(self._anchor.cpu().numpy()[None])[0]
        return float(x), float(y), float(z)

    def evaluate(self, evaluation: Evaluation, design: Surface) -> Tensor:
        if evaluation.is_empty:
            return evaluation.vertices.sum() * 0.0
        positions = evaluation.positions
        radius = self.context.frame.length_to_working(self.parameters.radius)
        # A surface on a grid cannot leave it.
        target = self._working(self.parameters.target).clamp(-1.0, 1.0)
        held = self._hold(positions, target, radius)
        weight = _patch(positions, self._anchor, radius)
        if float(weight.sum()) <= 0.0:
            weight = torch.zeros_like(weight).index_fill(0, held, 1.0)
        weight = weight / weight.sum()
        pull = self._anchor - target
        return shape_loss(evaluation.vertices, 0.5 * (pull * pull).sum(), weight[:, None] * pull, name=self.title)

    def present_parameters(self) -> dict[str, Any]:
        return {**super().present_parameters(), "anchor": list(self.anchor)}

    def changed(self, parameters: Parameters) -> None:
        if parameters.anchor != self.parameters.anchor:
            self._place_anchor(parameters.anchor)
        super().changed(parameters)

    def state(self) -> State:
        return {"anchor": self._anchor.cpu().numpy().copy()}

    def restore(self, state: State) -> None:
        self._anchor = torch.from_numpy(np.array(state["anchor"], np.float64)).to(self.context.device.torch)

    def _place_anchor(self, anchor: Position) -> None:
        self._anchor = self._working(anchor)

    def _working(self, position: Position) -> Tensor:
        return torch.from_numpy(self.context.frame.to_working(np.array([position]))[0]).to(self.context.device.torch)

    def _hold(self, positions: Tensor, target: Tensor, radius: float) -> Tensor:
        """Move the anchor to the surface; returns the index of its vertex, shape (1,)."""
        from_anchor = torch.linalg.vector_norm(positions - self._anchor, dim=1)
        reach = torch.clamp(from_anchor.min() + 0.5 * radius, max=max(radius, float(from_anchor.min())))
        candidates = torch.nonzero(from_anchor <= reach)[:, 0]
        to_target = torch.linalg.vector_norm(positions[candidates] - target, dim=1)
        held = candidates[to_target.argmin()][None]
        self._anchor = positions[held[0]].clone()
        return held


def _patch(positions: Tensor, centre: Tensor, radius: float) -> Tensor:
    squared = ((positions - centre) ** 2).sum(dim=1) / radius**2
    return torch.clamp(1.0 - squared, min=0.0) ** 2
