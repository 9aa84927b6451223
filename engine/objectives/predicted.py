"""Terms on what a Model predicts: a scalar, or a field."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from engine.core.parameters import ParameterModel, parameter
from engine.objectives.part import Aim, Bound, PartEvaluation, PartTerm, aimed, bounded, named
from engine.objectives.term import TermContext, register
from engine.regression.model import RegressionModel

Position = tuple[float, float, float]

AIM_HELP = {
    "lower": "The lower the better.",
    "raise": "The higher the better.",
    "reach": "As near as possible to a value of yours.",
}
BOUND_HELP = {
    "mean": "What the Model takes for most likely.",
    "upper": "The upper end of the band: it hardly ever is more.",
    "lower": "The lower end of the band: it hardly ever is less.",
}


class PredictedParameters(ParameterModel):
    """What both share."""

    aim: Aim = parameter("lower", title="Aim", live=True, help="Where it should go.", choice_help=AIM_HELP)
    value: float = parameter(
        0.0, title="Value", live=True, shown_for={"aim": ["reach"]}, help="To reach, in the unit of the data."
    )
    bound: Bound = parameter(
        "mean", title="Bound", live=True, help="Which end of the band of 95 % is meant.", choice_help=BOUND_HELP
    )


@register
class PredictedScalar(PartTerm):
    """A scalar that the Model predicts, in parts of its standard deviation over the samples."""

    kind: ClassVar[str] = "predicted-scalar"
    title: ClassVar[str] = "Predicted scalar"
    help: ClassVar[str] = "Lowers or raises a scalar that the Model predicts, or brings it to a value."
    formula: ClassVar[str] = "± s / σ;  ((s − value) / σ)²;  s: mean or an end of its band"
    source: ClassVar[str] = "Casenave, Staber and Roynard, MMGP, NeurIPS 2023, differentiated"
    unit: ClassVar[str] = "of its spread"
    needs_surface: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("predict",)

    class Parameters(PredictedParameters):
        scalar: str = parameter(
            "", title="Scalar", live=True, picks="predicted-scalar", help="Which one; empty: the first of the Model."
        )

    parameters: Parameters

    @property
    def scalars(self) -> tuple[str, ...]:
        return (named(self.parameters.scalar, self.model.scalars, "scalar", "scalar"),)

    @property
    def needs_bands(self) -> bool:
        return self.parameters.bound != "mean"

    def check(self, parameters: Parameters, model: RegressionModel) -> None:
        named(parameters.scalar, model.scalars, "scalar", "scalar")

    def evaluate(self, evaluation: PartEvaluation, design: Any) -> Tensor:
        (name,) = self.scalars
        value = bounded(*evaluation.outcome.scalars[name], self.parameters.bound)
        spread = scalar_spread(self.model, name)
        return aimed(value, self.parameters.aim, wanted=self.parameters.value, spread=spread)


@register
class PredictedField(PartTerm):
    """A field that the Model predicts: its largest value, its mean, or its value at a point of the part."""

    kind: ClassVar[str] = "predicted-field"
    title: ClassVar[str] = "Predicted field"
    help: ClassVar[str] = "Lowers or raises a field that the Model predicts, or brings it to a value."
    formula: ClassVar[str] = "± F / σ;  ((F − value) / σ)²;  F: Σ a f e^(βf/σ) / Σ a e^(βf/σ), Σ a f, or f at a point"
    source: ClassVar[str] = "Casenave, Staber and Roynard, MMGP, NeurIPS 2023, differentiated"
    unit: ClassVar[str] = "of its spread"
    needs_surface: ClassVar[bool] = False
    studies: ClassVar[tuple[str, ...]] = ("predict",)

    class Parameters(PredictedParameters):
        field: str = parameter(
            "", title="Field", live=True, picks="predicted-field", help="Which one; empty: the first of the Model."
        )
        reduce: Literal["max", "mean", "point"] = parameter(
            "max", title="Of it", live=True, help="What of the field is meant.",
            choice_help={
                "max": "Its largest value, softly, so that places near the peak count too; of −f for its lowest.",
                "mean": "Its mean over the part.",
                "point": "Its value at a point of the part, which goes with the shape.",
            },
        )  # fmt: skip
        point: Position = parameter(
            (0.0, 0.0, 0.0), title="Point", unit="mm", live=True, picks="part-place",
            shown_for={"reduce": ["point"]},
            help="On the part as it was when the Run began; the nearest node is taken.",
        )  # fmt: skip
        sharpness: float = parameter(
            20.0, title="Sharpness", gt=0.0, le=1000.0, soft_min=5.0, soft_max=100.0, live=True, advanced=True,
            shown_for={"reduce": ["max"]},
            help="Of the soft maximum: β, for a field in parts of its spread. Larger is nearer to the peak, rougher.",
        )  # fmt: skip

    parameters: Parameters

    def __init__(self, parameters: Parameters, context: TermContext) -> None:
        super().__init__(parameters, context)
        self._spreads: dict[str, float] = {}

    @property
    def fields(self) -> tuple[str, ...]:
        return (named(self.parameters.field, self.model.fields, "field", "field"),)

    @property
    def needs_bands(self) -> bool:
        return self.parameters.bound != "mean"

    def check(self, parameters: Parameters, model: RegressionModel) -> None:
        named(parameters.field, model.fields, "field", "field")

    def evaluate(self, evaluation: PartEvaluation, design: Any) -> Tensor:
        (name,) = self.fields
        values = bounded(*evaluation.outcome.fields[name], self.parameters.bound)
        if name not in self._spreads:
            self._spreads[name] = field_spread(self.model, name)
        spread = self._spreads[name]
        return aimed(
            self._reduced(values, spread, evaluation), self.parameters.aim, wanted=self.parameters.value, spread=spread
        )

    def _reduced(self, values: Tensor, spread: float, evaluation: PartEvaluation) -> Tensor:
        match self.parameters.reduce:
            case "max":
                return soft_maximum(values, evaluation.shares, self.parameters.sharpness / spread)
            case "mean":
                return (evaluation.shares * values).sum()
        return values[self._node()]

    def _node(self) -> int:
        start = self.context.start
        assert start is not None
        point = torch.tensor(self.parameters.point, dtype=start.dtype) / self.context.length
        return int((start - point[: start.shape[1]]).square().sum(1).argmin())


def soft_maximum(values: Tensor, shares: Tensor, sharpness: float) -> Tensor:
    """Mean of values weighted with shares · exp(sharpness · value): the maximum as the sharpness grows, on any mesh."""
    weights = shares * (sharpness * (values - values.detach().max())).exp()
    return (weights * values).sum() / weights.sum()


def scalar_spread(model: RegressionModel, name: str) -> float:
    """Standard deviation of a scalar over the samples that were learnt from."""
    return model.scalars[name].spread or 1.0


def field_spread(model: RegressionModel, name: str) -> float:
    """Root mean square over samples and places of a field's deviation from its mean."""
    return float((model.fields[name].basis.total / float(model.common.mass().sum())) ** 0.5) or 1.0
