"""Terms on how a simulation ends: a body's shape, or the place of one vertex."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.moving import MotionEvaluation, MotionTerm, mean_square
from engine.objectives.target_shape import MILLIMETRE, TargetShape, nearest_on
from engine.objectives.term import TermContext, register

Position = tuple[float, float, float]

SHAPING = ("hold", "flat-pattern", "fold")


@register
class EndShape(MotionTerm):
    """Mean squared distance of a body at the end to the target."""

    kind: ClassVar[str] = "end-shape"
    title: ClassVar[str] = "Shape at the end"
    help: ClassVar[str] = "The body, at the end of the simulation, in the shape of the target and where the target is."
    formula: ClassVar[str] = "closest: ½ mean d(x, target)² + ½ mean d(target, body)²;  vertices: mean |x − x̂|²"
    source: ClassVar[str] = "Symmetric Chamfer distance; gradient by the envelope theorem"
    unit: ClassVar[str] = "mm²"
    studies: ClassVar[tuple[str, ...]] = SHAPING
    needs_input: ClassVar[str] = "target"

    class Parameters(ParameterModel):
        body: str = parameter("", title="Body", help="Whose shape; empty is the first sheet.", picks="body")
        pairing: Literal["closest", "vertices"] = parameter(
            "closest", title="Pairing", live=True,
            help="closest: any place of the one with the nearest of the other, both ways. vertices: every vertex with "
            "the target's vertex of its number, where the target is a mesh of the same triangles.",
        )  # fmt: skip

    parameters: Parameters

    def __init__(self, parameters: Parameters, context: TermContext) -> None:
        super().__init__(parameters, context)
        self._check(parameters)

    def _check(self, parameters: Parameters) -> None:
        vertices = self._body(parameters.body).vertices
        count, wanted = vertices.stop - vertices.start, len(self._shape.vertices)
        if parameters.pairing == "vertices" and count != wanted:
            raise ParameterError(
                f"{self.kind}.pairing",
                f"the body has {count} vertices, and the target {wanted}.",
                remedy="Use closest.",
            )

    @property
    def _shape(self) -> TargetShape:
        if self.context.shape is None:
            raise ParameterError(self.kind, "there is no target.", remedy="Give the study a mesh as 'target'.")
        return self.context.shape

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        shape, body = self._shape, self._body(self.parameters.body)
        end = evaluation.positions[-1, body.vertices]
        if self.parameters.pairing == "vertices":
            return mean_square(end - shape.vertices)
        forward = mean_square(end - shape.closest(end), body.shares)
        places = nearest_on(end, body.own_triangles, shape.samples, self.context.device)
        return 0.5 * (forward + mean_square(places - shape.samples))


@register
class EndPoint(MotionTerm):
    """Squared distance of one vertex at the end to a point."""

    kind: ClassVar[str] = "end-point"
    title: ClassVar[str] = "Point at the end"
    help: ClassVar[str] = "A vertex of the body, at the end of the simulation, at a point."
    formula: ClassVar[str] = "|x − target|²"
    source: ClassVar[str] = "Least squares"
    unit: ClassVar[str] = "mm²"
    studies: ClassVar[tuple[str, ...]] = SHAPING

    class Parameters(ParameterModel):
        body: str = parameter("", title="Body", help="Whose vertex; empty is the first sheet.", picks="body")
        vertex: int = parameter(0, title="Vertex", ge=0, help="Its number in the body.")
        target: Position = parameter(
            (0.0, 0.0, 0.0), title="Target", unit="mm", live=True, help="Where the vertex should be at the end."
        )

    parameters: Parameters

    def __init__(self, parameters: Parameters, context: TermContext) -> None:
        super().__init__(parameters, context)
        self._check(parameters)

    def _check(self, parameters: Parameters) -> None:
        vertices = self._body(parameters.body).vertices
        if parameters.vertex >= vertices.stop - vertices.start:
            raise ParameterError(
                f"{self.kind}.vertex", f"the body has {vertices.stop - vertices.start} vertices, counted from 0."
            )

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        body = self._body(self.parameters.body)
        there = torch.tensor(self.parameters.target, dtype=torch.float64, device=evaluation.positions.device)
        place = evaluation.positions[-1, body.vertices.start + self.parameters.vertex]
        return mean_square((place - MILLIMETRE * there)[None])
