"""The model card: how good a model is, what limits it, and what would help most, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.regression.data.dataset import Dataset
from engine.regression.learning.advice import advise
from engine.regression.learning.calibration import LEVELS
from engine.regression.learning.folds import HeldOut
from engine.regression.learning.scores import q2, rrmse, scalar_rrmse
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots
    from engine.regression.model import RegressionModel

AS_GOOD = 1.05
"""A baseline whose error is at most so many times the model's is as good."""


def make_card(
    dataset: Dataset, snapshots: Snapshots, model: RegressionModel, held: HeldOut, parameters: TrainingParameters
) -> dict[str, Any]:
    """Everything was measured on samples that were held out of modes and processes, unless it says otherwise."""
    fields = {name: _field(name, snapshots, model, held) for name in model.fields}
    scalars = {}
    for name, measured in held.scalars.items():
        error = scalar_rrmse(measured.predicted, measured.true)
        scalars[name] = {
            "unit": model.scalars[name].unit,
            "rrmse": error,
            "q2": q2(measured.predicted, measured.true),
            "baselines": {each: scalar_rrmse(values, measured.true) for each, values in measured.baselines.items()},
            "factor": measured.factor,
            "scale": model.scalars[name].scale,
            "gradients": sum(name in sample.gradients for sample in snapshots.samples),
            "held out": {
                "predicted": measured.predicted.tolist(),
                "true": measured.true.tolist(),
                "band": measured.band.tolist(),
            },
        }
    everything = {**fields, **scalars}
    card = {
        "data": dataset.name,
        "recipe": dict(dataset.recipe),
        "units": dict(dataset.units),
        "unit of length": dataset.units.get("length", "mm"),
        "samples": len(snapshots.samples),
        "nodes": model.common.node_count,
        "common mesh": model.common.source,
        "inputs": list(model.input_names),
        "shape modes": model.shape.mode_count,
        "coverage wanted": parameters.coverage,
        "coverage": {name: _coverage(each.shares, parameters) for name, each in held.fields.items()}
        | {name: _coverage(each.shares, parameters) for name, each in held.scalars.items()},
        "logarithmic inputs": [
            name for name, scale in zip(model.input_names, snapshots.input_scales, strict=True) if scale == "logarithm"
        ],
        "folds": parameters.folds,
        "fields": fields,
        "scalars": scalars,
        "mean rrmse": float(np.mean([each["rrmse"] for each in everything.values()])),
        "as good as the model": _as_good(everything),
        "settings": parameters.model_dump(),
    }
    return {**card, "advice": advise(card)}


def _field(name: str, snapshots: Snapshots, model: RegressionModel, held: HeldOut) -> dict[str, Any]:
    measured = held.fields[name]
    whole, cut, lost = (
        rrmse(each) for each in (measured.errors, measured.truncation_errors, measured.interpolation_errors)
    )
    spread = float(measured.squared_spread.sum())
    spot = int(np.argmax(measured.squared_error))
    return {
        "unit": model.fields[name].unit,
        "gradients": sum(name in sample.field_gradients for sample in snapshots.samples),
        "rrmse": whole,
        "q2": 1.0 - float(measured.squared_error.sum()) / spread if spread > 0.0 else 1.0,
        "modes": measured.mode_count,
        "hot spot": {
            "place": model.common.mean_nodes[spot].tolist(),
            "error": float(np.sqrt(measured.squared_error[spot])),
        },
        "split": {
            "interpolation": lost,
            "truncation": float(np.sqrt(max(cut**2 - lost**2, 0.0))),
            "regression": float(np.sqrt(max(whole**2 - cut**2, 0.0))),
        },
        "baselines": {each: rrmse(values) for each, values in measured.baselines.items()},
        "held out": dict(zip(("predicted", "true", "band"), measured.drawn.tolist(), strict=True)),
        "factor": measured.factor,
    }


def _coverage(shares: tuple[float, ...], parameters: TrainingParameters) -> dict[str, Any]:
    """What bands hold of samples that were held out of their factor too."""
    return {
        "wanted": parameters.coverage, "measured": shares[0], "levels": list(LEVELS), "shares": list(shares[1:]),
    }  # fmt: skip


def _as_good(everything: dict[str, Any]) -> list[str]:
    """Sentences on what a baseline predicts as well."""
    titles = {"ridge": "a straight line", "nearest": "the most similar sample"}
    said = []
    for name, values in everything.items():
        for each, error in values["baselines"].items():
            if error <= AS_GOOD * values["rrmse"]:
                said.append(f"{name}: {titles[each]} is as good as the model.")
    return said
