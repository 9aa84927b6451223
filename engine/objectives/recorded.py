"""Terms on a recorded motion: the simulation at the recorded times, against what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.core.parameters import ParameterModel, parameter
from engine.objectives.moving import SQUARE_MILLIMETRES, MotionEvaluation, MotionTerm, mean_square
from engine.objectives.target_shape import nearest_on
from engine.objectives.term import TermContext, register


@dataclass(frozen=True)
class RecordedMotion:
    """Points seen at times.

    times : [s], shape (n,), one for each point, rising
    positions : [m], shape (n, 3)
    vertices : which of all vertices each point is, int64, shape (n,); None where that is not known
    """

    times: Tensor
    positions: Tensor
    vertices: Tensor | None = None


@register
class RecordedVertices(MotionTerm):
    """Mean squared distance of vertices to where they were recorded."""

    kind: ClassVar[str] = "recorded-vertices"
    title: ClassVar[str] = "Recorded vertices"
    help: ClassVar[str] = "Every vertex where it was recorded, at every recorded time."
    formula: ClassVar[str] = "mean |x(t) − x̂(t)|²,  x straight between steps"
    source: ClassVar[str] = "Least squares: Nocedal and Wright, Numerical Optimization, 2006, chapter 10"
    unit: ClassVar[str] = "mm²"
    studies: ClassVar[tuple[str, ...]] = ("identify",)
    needs_input: ClassVar[str] = "recording"

    def __init__(self, parameters: Any, context: TermContext) -> None:
        super().__init__(parameters, context)
        if self._recording.vertices is None:
            raise ParameterError(
                self.kind, "the recording does not say which vertex each point is.",
                remedy="Use the Term Recorded surface.",
            )  # fmt: skip

    @property
    def _recording(self) -> RecordedMotion:
        return _recording(self)

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        recording = self._recording
        assert recording.vertices is not None
        times, which = torch.unique(recording.times, return_inverse=True)
        return mean_square(evaluation.at(times)[which, recording.vertices] - recording.positions)


@register
class RecordedSurface(MotionTerm):
    """Mean squared distance of recorded points to the surface of a body."""

    kind: ClassVar[str] = "recorded-surface"
    title: ClassVar[str] = "Recorded surface"
    help: ClassVar[str] = "The surface through the points that were scanned at each time, whichever of its places."
    formula: ClassVar[str] = "mean d(x̂(t), surface(t))²"
    source: ClassVar[str] = "Iterative closest points: Besl and McKay 1992; gradient by the envelope theorem"
    unit: ClassVar[str] = "mm²"
    studies: ClassVar[tuple[str, ...]] = ("identify",)
    needs_input: ClassVar[str] = "recording"

    class Parameters(ParameterModel):
        body: str = parameter("", title="Body", help="Whose surface; empty is the first sheet.", picks="body")

    parameters: Parameters

    def __init__(self, parameters: Parameters, context: TermContext) -> None:
        super().__init__(parameters, context)
        _recording(self)
        self._check(parameters)

    def _check(self, parameters: Parameters) -> None:
        self._body(parameters.body)

    def evaluate(self, evaluation: MotionEvaluation, design: Any) -> Tensor:
        recording, body = _recording(self), self._body(self.parameters.body)
        times, which = torch.unique(recording.times, return_inverse=True)
        frames = evaluation.at(times)[:, body.vertices]
        total = frames.new_zeros(())
        for number in range(len(times)):
            points = recording.positions[which == number]
            places = nearest_on(frames[number], body.own_triangles, points, self.context.device)
            total = total + (places - points).square().sum()
        return SQUARE_MILLIMETRES * total / len(recording.positions)


def _recording(term: MotionTerm) -> RecordedMotion:
    recording = term.context.recording
    if recording is None:
        raise ParameterError(
            term.kind, "there is no recording to compare with.", remedy="Give the study an input 'recording'."
        )
    return recording
