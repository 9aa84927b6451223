"""Terms that keep a part where a Model can be trusted, near to where it began, or at its size."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.objectives.part import Aim, PartContext, PartEvaluation, PartTerm, node_shares, triangle_areas
from engine.objectives.predicted import AIM_HELP, scalar_spread, soft_maximum
from engine.objectives.term import TermContext, register

SHARPNESS = 30.0
"""Of the soft maximum of the distance between a shape and what its modes make of it, over the limit."""

PER_RANGE = 10.0
"""A scalar beyond its range by one part in so many of it is as far out as a shape at the limit."""


@register
class TrustRegion(PartTerm):
    """How far the part is beyond what the Model knows, squared, by the measures of its flag: distance among the learnt
    shapes, details that none of them has, scalars outside their ranges, and width of the bands."""

    kind: ClassVar[str] = "trust-region"
    title: ClassVar[str] = "Trust region"
    help: ClassVar[str] = "Keeps the part among those that the Model has learnt from, where its bands can be believed."
    formula: ClassVar[str] = "Σ max(m − radius, 0)²,  m: distance, detail and scalars over those of held-out samples"
    source: ClassVar[str] = "Conn, Gould and Toint, Trust-region methods, 2000; limits: engine/regression/domain.py"
    unit: ClassVar[str] = "of the limits, squared"
    needs_surface: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("predict",)

    class Parameters(ParameterModel):
        radius: float = parameter(
            1.0, title="Radius", gt=0.0, le=100.0, soft_min=0.2, soft_max=2.0, live=True,
            help="How far it may go for nothing: 1 is as far as samples go that were held out.",
        )  # fmt: skip
        band: float = parameter(
            0.0, title="Widest band", ge=0.0, le=100.0, soft_max=2.0, live=True, advanced=True,
            help="Of the scalars, in parts of their spread over the samples; 0: bands may be as wide as they are.",
        )  # fmt: skip

    parameters: Parameters

    @property
    def restrains(self) -> bool:
        return True

    @property
    def scalars(self) -> tuple[str, ...]:
        return tuple(self.model.scalars) if self.needs_bands else ()

    @property
    def needs_bands(self) -> bool:
        return self.parameters.band > 0.0

    def evaluate(self, evaluation: PartEvaluation, design: Any) -> Tensor:
        radius = self.parameters.radius
        total = sum((measure - radius).clamp_min(0.0).square().sum() for measure in self.measures(evaluation))
        for name in self.scalars:
            width = evaluation.outcome.scalars[name][1] / scalar_spread(self.model, name)
            total = total + (width / self.parameters.band - 1.0).clamp_min(0.0).square()
        assert isinstance(total, Tensor)
        return total

    def measures(self, evaluation: PartEvaluation) -> tuple[Tensor, Tensor, Tensor]:
        """Distance, detail, and every scalar: 1 at the limit."""
        domain, outcome = self.model.domain, evaluation.outcome
        shape, scalars = outcome.features[: domain.shape_count], outcome.features[domain.shape_count :]
        distance = (shape.square().mean() + 1e-18).sqrt() / domain.distance
        local = (outcome.residual.square().sum(0) + 1e-24).sqrt() / domain.residual
        detail = soft_maximum(local, torch.ones_like(local), SHARPNESS)
        low, high = torch.from_numpy(domain.low), torch.from_numpy(domain.high)
        reach = (high - low).clamp_min(1e-300)
        beyond = torch.maximum((low - scalars) / reach, (scalars - high) / reach).clamp_min(0.0)
        return distance, detail, PER_RANGE * beyond


@register
class StayNear(PartTerm):
    """Mean squared distance from where the Run began, in hundredths of the part's diagonal; of scalars that vary, in
    standard deviations of the samples'."""

    kind: ClassVar[str] = "stay-near"
    title: ClassVar[str] = "Stay near"
    help: ClassVar[str] = "Keeps the part near the shape that it began with."
    formula: ClassVar[str] = "mean |x − x₀|² / (diagonal / 100)² + Σ ((s − s₀) / σ)²"
    source: ClassVar[str] = "Tikhonov, Solution of incorrectly formulated problems, 1963"
    unit: ClassVar[str] = "of a hundredth of the diagonal, squared"
    needs_surface: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("predict",)
    parameters: ParameterModel

    def __init__(self, parameters: Any, context: TermContext) -> None:
        super().__init__(parameters, context)
        assert isinstance(context, PartContext) and context.start is not None and context.triangles is not None
        areas = triangle_areas(context.start, context.triangles)
        self._shares = node_shares(areas, context.triangles, len(context.start))
        corners = torch.stack([context.start.amin(0), context.start.amax(0)])
        self._length = float((corners[1] - corners[0]).norm()) / 100.0
        self._spread = torch.from_numpy(self.model.spread[self.model.domain.shape_count :])

    @property
    def restrains(self) -> bool:
        return True

    def evaluate(self, evaluation: PartEvaluation, design: Any) -> Tensor:
        start, scalars = self.context.start, self.context.scalars
        assert start is not None and scalars is not None
        moved = (evaluation.nodes - start).square().sum(1)
        changed = ((evaluation.scalars - scalars) / self._spread).square().sum()
        return (self._shares * moved).sum() / self._length**2 + changed


@register
class PartArea(PartTerm):
    """The part's area: of a part in the plane, its mass for a thickness."""

    kind: ClassVar[str] = "part-area"
    title: ClassVar[str] = "Area of the part"
    help: ClassVar[str] = (
        "Holds the area of the part as it was at the start, lowers or raises it, or brings it to a value."
    )
    formula: ClassVar[str] = "(A / A₀ − 1)²;  ± A / A₀"
    source: ClassVar[str] = "Area of linear triangles"
    unit: ClassVar[str] = "of the area at the start"
    needs_surface: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("predict",)

    class Parameters(ParameterModel):
        aim: Aim = parameter("reach", title="Aim", live=True, help="Where it should go.", choice_help=AIM_HELP)
        area: float = parameter(
            0.0, title="Area", unit="mm²", ge=0.0, live=True, shown_for={"aim": ["reach"]},
            help="To reach; 0: the area at the start.",
        )  # fmt: skip

    parameters: Parameters

    @property
    def restrains(self) -> bool:
        return self.parameters.aim == "reach" and self.parameters.area == 0.0

    def __init__(self, parameters: Any, context: TermContext) -> None:
        super().__init__(parameters, context)
        assert isinstance(context, PartContext) and context.start is not None and context.triangles is not None
        self._first = float(triangle_areas(context.start, context.triangles).sum())

    def evaluate(self, evaluation: PartEvaluation, design: Any) -> Tensor:
        share = evaluation.areas.sum() / self._first
        if self.parameters.aim != "reach":
            return share if self.parameters.aim == "lower" else -share
        wanted = self.parameters.area / self.context.length**2 / self._first
        return (share / (wanted or 1.0) - 1.0).square()
