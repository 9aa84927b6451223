"""What limits a model: its error over the number of samples and of modes, and what would help most.

It takes about as long as a training, so it is made on demand and then stands in the card.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from engine.regression.data.checking import check_dataset
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.learning.advice import advise
from engine.regression.learning.folds import Interpolation, parts_of
from engine.regression.learning.gaussian_process import Hyperparameters
from engine.regression.learning.leaving_out import Fold, columns_of, field_errors, leave_out, scalar_errors
from engine.regression.learning.scores import rrmse
from engine.regression.learning.snapshots import Snapshots, take_snapshots
from engine.regression.learning.training import Progress, TrainingStoppedError
from engine.regression.model import RegressionModel
from engine.regression.settings import TrainingParameters

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Of the samples that are not left out, from which the curve is learnt."""

LEAST_LEARNT = 10

MODE_STEPS = 6
"""Numbers of modes at which errors are split, up to that of the model."""


def diagnosed(
    model: RegressionModel,
    dataset: Dataset,
    *,
    curve: bool = True,
    split: bool = True,
    progress: Progress = lambda message, fraction: None,
    stop: Callable[[], bool] = lambda: False,
) -> RegressionModel:
    """The model with `learning_curve`, `error_split` and `advice` in its card.

    dataset : that it was learnt from; raises `DatasetError` for another
    """

    def tell(message: str, fraction: float) -> None:
        if stop():
            raise TrainingStoppedError("The diagnosis was stopped.", remedy="The Model stays as it was.")
        progress(message, fraction)

    tell("Morphing", 0.0)
    looked = _Looked.at(model, dataset, lambda message, fraction: tell(message, 0.2 * fraction))
    card = dict(model.card)
    if split:
        card["error_split"] = looked.error_split(lambda message, fraction: tell(message, 0.2 + 0.3 * fraction))
    if curve:
        card["learning_curve"] = looked.learning_curve(lambda message, fraction: tell(message, 0.5 + 0.5 * fraction))
    card["advice"] = advise(card)
    tell("Done", 1.0)
    return replace(model, card=card)


def learning_curve(
    model: RegressionModel, dataset: Dataset, *, progress: Progress = lambda message, fraction: None
) -> dict[str, Any]:
    """Errors of held-out samples over the number that is learnt from: "samples", "mean", and "errors" by name."""
    return _Looked.at(model, dataset, progress).learning_curve(progress)


def error_split(
    model: RegressionModel, dataset: Dataset, *, progress: Progress = lambda message, fraction: None
) -> dict[str, Any]:
    """By field: RRMSE from "interpolation", "truncation" and "regression", whose squares add up to that of the
    whole; and "by modes": the same over the number of "modes"."""
    return _Looked.at(model, dataset, progress).error_split(progress)


class _Looked:
    """A model with its samples on the common mesh."""

    def __init__(self, snapshots: Snapshots, model: RegressionModel, parameters: TrainingParameters) -> None:
        self.snapshots = snapshots
        self.model = model
        self.parameters = parameters
        self.widths = {name: one.basis.mode_count for name, one in model.fields.items()}
        self.columns = columns_of(self.widths)

    @staticmethod
    def at(model: RegressionModel, dataset: Dataset, progress: Progress) -> _Looked:
        parameters = TrainingParameters.model_validate(model.card["settings"])
        samples = dataset.part("train")
        names = (*model.fields, *model.scalars)
        same = set(dataset.field_names) == set(model.fields) and dataset.output_names == tuple(model.scalars)
        if not same or dataset.input_names != model.input_names:
            raise DatasetError(
                f"{dataset.name} has other fields or scalars than the Model, which has {', '.join(names)}.",
                remedy="Give the data that the Model was learnt from.",
            )
        if len(samples) != model.card["samples"]:
            raise DatasetError(
                f"{dataset.name} has {len(samples)} samples for training; the Model was learnt from "
                f"{model.card['samples']}.",
                remedy="Give the data that it was learnt from, or train it again.",
            )  # fmt: skip
        check_dataset(dataset)
        snapshots = take_snapshots(samples, parameters, progress)
        if snapshots.common.source != model.common.source:
            raise DatasetError(
                f"{dataset.name} holds other samples than the Model was learnt from.",
                remedy="Give the data that it was learnt from, or train it again.",
            )
        scales = model.scales.scales(len(model.input_names))
        of_outputs = tuple(model.scalars[name].scale for name in samples[0].outputs)
        known = replace(
            snapshots, input_scales=scales, output_scales=of_outputs, further_modes=model.further.mode_counts
        )
        return _Looked(known, model, parameters)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """In the order of the data set's fields and scalars, which is that of the model."""
        return self.model.processes.parameters

    def learning_curve(self, tell: Progress) -> dict[str, Any]:
        parts = parts_of(len(self.snapshots.samples), self.parameters)
        generator = np.random.default_rng(self.parameters.seed + 1)
        everyone = np.arange(len(self.snapshots.samples))
        orders = [generator.permutation(np.setdiff1d(everyone, part)) for part in parts]
        samples: list[int] = []
        errors: dict[str, list[float]] = {name: [] for name in (*self.model.fields, *self.model.scalars)}
        for step, share in enumerate(SHARES):
            count = min(round(share * len(order)) for order in orders)
            if count < LEAST_LEARNT or count in samples:
                continue
            folds = []
            for k, (part, order) in enumerate(zip(parts, orders, strict=True)):
                tell(f"Learning from {count} samples", (step + k / len(parts)) / len(SHARES))
                folds.append(self._left_out(part, np.sort(order[:count])))
            samples.append(count)
            for name, where in self.columns.items():
                found = [field_errors(name, self.snapshots, fold, where)[0] for fold in folds]
                errors[name].append(rrmse(np.concatenate(found)))
            for name, error in scalar_errors(self.snapshots, folds).items():
                errors[name].append(error)
        mean = [float(value) for value in np.mean(list(errors.values()), axis=0)]
        return {"samples": samples, "mean": mean, "errors": errors}

    def error_split(self, tell: Progress) -> dict[str, Any]:
        parts = parts_of(len(self.snapshots.samples), self.parameters)
        folds = []
        for k, part in enumerate(parts):
            tell(f"Splitting the error, part {k + 1} of {len(parts)}", k / len(parts))
            folds.append(self._left_out(part, np.setdiff1d(np.arange(len(self.snapshots.samples)), part)))
        split: dict[str, Any] = {}
        for name, where in self.columns.items():
            lost = rrmse(Interpolation.of(self.snapshots, name).errors)
            steps = sorted({max(1, round(self.widths[name] * k / MODE_STEPS)) for k in range(1, MODE_STEPS + 1)})
            truncation, regression = [], []
            for count in steps:
                both = [field_errors(name, self.snapshots, fold, where, count) for fold in folds]
                whole, cut = (rrmse(np.concatenate([each[k] for each in both])) for k in (0, 1))
                truncation.append(math.sqrt(max(cut**2 - lost**2, 0.0)))
                regression.append(math.sqrt(max(whole**2 - cut**2, 0.0)))
            split[name] = {
                "interpolation": lost,
                "truncation": truncation[-1],
                "regression": regression[-1],
                "by modes": {"modes": steps, "truncation": truncation, "regression": regression},
            }
        return split

    def _left_out(self, part: np.ndarray, known: np.ndarray) -> Fold:
        with torch.no_grad():
            return leave_out(
                self.snapshots, part, self.model.shape.mode_count, self.widths, self.hyperparameters, self.parameters,
                known=known, sloped={process: each.parameters for process, each in self.model.sloped.items()},
            )  # fmt: skip
