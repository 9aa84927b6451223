"""What the Terms of a study on a Model share: a part as it is, and what is predicted of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.term import Term, TermContext
from engine.regression.model import Outcome, RegressionModel

Aim = Literal["lower", "raise", "reach"]
Bound = Literal["mean", "upper", "lower"]


@dataclass(frozen=True)
class PartContext(TermContext):
    """model : that predicts
    start : nodes to begin with, in the unit of the model's data, shape (node_count, dimension)
    triangles : shape (triangle_count, 3), int64
    scalars : inputs to begin with, in the model's order
    length : of the data's unit [mm]
    """

    model: RegressionModel | None = None
    start: Tensor | None = None
    triangles: Tensor | None = None
    scalars: Tensor | None = None
    length: float = 1.0


@dataclass(frozen=True)
class PartEvaluation:
    """A part and what is predicted of it, in torch's graph.

    nodes : in the unit of the model's data, shape (node_count, dimension)
    scalars : inputs in the model's order
    outcome : with the fields and scalars that the Terms ask for
    triangles : shape (triangle_count, 3), int64
    """

    nodes: Tensor
    scalars: Tensor
    outcome: Outcome
    triangles: Tensor

    @cached_property
    def areas(self) -> Tensor:
        """Of the triangles, in the unit of the data squared, shape (triangle_count,)."""
        return triangle_areas(self.nodes, self.triangles)

    @cached_property
    def shares(self) -> Tensor:
        """Part of the area round each node, of sum 1, shape (node_count,)."""
        return node_shares(self.areas, self.triangles, len(self.nodes))


class PartTerm(Term):
    """A Term of a study on a Model. What it asks the Model for:

    fields, scalars : by name
    needs_bands : whether bands too
    """

    context: PartContext

    def __init__(self, parameters: Any, context: TermContext) -> None:
        if not isinstance(context, PartContext) or context.model is None:
            raise TypeError(f"{self.kind} asks a Model.")
        self.check(parameters, context.model)
        super().__init__(parameters, context)

    @property
    def model(self) -> RegressionModel:
        assert self.context.model is not None
        return self.context.model

    @property
    def restrains(self) -> bool:
        """It only keeps a design within bounds, and does not say where to go."""
        return False

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    @property
    def scalars(self) -> tuple[str, ...]:
        return ()

    @property
    def needs_bands(self) -> bool:
        return False

    def check(self, parameters: Any, model: RegressionModel) -> None:
        """Raise `ParameterError` for parameters that name what the Model does not know."""

    def changed(self, parameters: Any) -> None:
        self.check(parameters, self.model)
        super().changed(parameters)


def triangle_areas(nodes: Tensor, triangles: Tensor) -> Tensor:
    """In the plane or in space, shape (triangle_count,), with graph."""
    a, b, c = nodes[triangles].unbind(1)
    first, second = b - a, c - a
    if nodes.shape[1] == 2:
        return 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).abs()
    return 0.5 * torch.linalg.vector_norm(torch.linalg.cross(first, second), dim=1)


def node_shares(areas: Tensor, triangles: Tensor, node_count: int) -> Tensor:
    """A third of each triangle to each of its corners, of sum 1, shape (node_count,)."""
    thirds = (areas / areas.sum() / 3.0)[:, None].expand(-1, 3).reshape(-1)
    return areas.new_zeros(node_count).index_add(0, triangles.reshape(-1), thirds)


def named(name: str, known: Any, owner: str, what: str) -> str:
    """`name`, or the first of those that are known where it is empty; raises `ParameterError`."""
    names = list(known)
    if not names:
        raise ParameterError(owner, f"the Model predicts no {what}.", remedy="Use another Term.")
    if name and name not in names:
        raise ParameterError(owner, f"the Model predicts no {what} {name!r}.", remedy=f"It has {', '.join(names)}.")
    return name or names[0]


def bounded(mean: Tensor, band: Tensor, bound: Bound) -> Tensor:
    """The mean, or an end of the band."""
    if bound == "mean":
        return mean
    return mean + band if bound == "upper" else mean - band


def aimed(value: Tensor, aim: Aim, *, wanted: float, spread: float) -> Tensor:
    """What falls as `value` comes nearer to the aim, in parts of the spread of such values among the samples."""
    if aim == "reach":
        return ((value - wanted) / spread).square()
    return (value if aim == "lower" else -value) / spread
