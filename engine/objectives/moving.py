"""What the Terms of a study on a simulation share: the motion that they look at, and what surrounds them. SI units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.target_shape import TargetShape
from engine.objectives.term import Term, TermContext

if TYPE_CHECKING:
    from engine.objectives.recorded import RecordedMotion

SQUARE_MILLIMETRES = 1e6
"""In a square metre."""


@dataclass(frozen=True)
class MovingBody:
    """vertices : which of all are its own
    triangles : of its surface, numbers of all vertices, int64, shape (n, 3)
    shares : of its own vertices in the area of its surface at the start, of sum 1 (`vertex_shares`)
    kind : "sheet", "solid", "obstacle" or "gripper"
    """

    vertices: slice
    triangles: Tensor
    shares: Tensor
    kind: str = "sheet"

    @property
    def own_triangles(self) -> Tensor:
        """The same with numbers of its own vertices."""
        return self.triangles - self.vertices.start


@dataclass(frozen=True)
class MotionContext(TermContext):
    """bodies : by name
    recording, shape : what is to be met; None where the study has none
    """

    bodies: Mapping[str, MovingBody] = field(default_factory=dict)
    recording: RecordedMotion | None = None
    shape: TargetShape | None = None


@dataclass(frozen=True)
class Pattern:
    """A flat sheet as it is cut.

    start, present : rest positions in its plane at the start of the study and now [m], shape (vertex_count, 2)
    triangles : numbers of these vertices, int64, shape (n, 3)
    """

    start: Tensor
    present: Tensor
    triangles: Tensor


@dataclass(frozen=True)
class MotionEvaluation:
    """One simulation, in torch's graph.

    positions : at the start and after each step [m], shape (steps + 1, vertex_count, 3)
    step_size : [s]
    poses : of what the study moves, at the same times: translation [m], rotation vector [rad], and width [m] of a
        gripper, shape (steps + 1, 6 or 7)
    pattern : of the sheet whose rest shape is designed
    fold_angles : of the creases that are designed [rad], shape (crease_count,)
    """

    positions: Tensor
    step_size: float
    bodies: Mapping[str, MovingBody]
    poses: Mapping[str, Tensor] = field(default_factory=dict)
    pattern: Pattern | None = None
    fold_angles: Tensor | None = None

    def at(self, times: Tensor) -> Tensor:
        """Positions at these times [s], straight between steps and at rest beyond the ends, shape (n, vertex_count,
        3)."""
        last = len(self.positions) - 1
        place = (times / self.step_size).clamp(0.0, float(last))
        before = place.floor().long().clamp(max=max(last - 1, 0))
        part = (place - before)[:, None, None]
        return (1.0 - part) * self.positions[before] + part * self.positions[(before + 1).clamp(max=last)]


class MotionTerm(Term):
    """A Term of a study on a simulation. `body` of its parameters is whose, "" the first sheet's."""

    context: MotionContext

    def __init__(self, parameters: Any, context: TermContext) -> None:
        if not isinstance(context, MotionContext):
            raise TypeError(f"{self.kind} looks at a simulation.")
        super().__init__(parameters, context)

    def changed(self, parameters: Any) -> None:
        """Take over new parameters while the Run goes on; raises `ParameterError` for what is not there."""
        self._check(parameters)
        super().changed(parameters)

    def _check(self, parameters: Any) -> None:
        """Refuse parameters that name what is not there."""

    def _body(self, name: str) -> MovingBody:
        bodies = self.context.bodies
        if name:
            if name not in bodies:
                raise ParameterError(f"{self.kind}.body", f"there is no body {name!r}.", remedy=_known(bodies))
            return bodies[name]
        for body in bodies.values():
            if body.kind == "sheet":
                return body
        raise ParameterError(f"{self.kind}.body", "the scene has no sheet.", remedy="Name another body.")


def mean_square(difference: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean over rows of |difference|² [mm²], weighted where weights (of sum 1) are given."""
    squares = difference.square().sum(dim=-1)
    mean = squares.mean() if weights is None else (weights * squares).sum()
    return SQUARE_MILLIMETRES * mean


def vertex_shares(positions: Tensor, triangles: Tensor) -> Tensor:
    """Share of each vertex in the area of a surface, of sum 1, shape (vertex_count,); all alike where it has none."""
    if not len(triangles):
        return positions.new_full((len(positions),), 1.0 / max(len(positions), 1))
    corners = positions[triangles]
    areas = torch.linalg.vector_norm(
        torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), dim=1
    )
    shares = positions.new_zeros(len(positions)).index_add(
        0, triangles.reshape(-1), areas[:, None].expand(-1, 3).reshape(-1)
    )
    return shares / shares.sum()


def _known(bodies: Mapping[str, MovingBody]) -> str:
    return f"There are {', '.join(bodies)}." if bodies else "There is none."
