"""Errors on samples that were kept for testing: no part of the training has seen them, not even to choose anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.regression.data.dataset import Dataset
from engine.regression.learning.scores import relative_error, rrmse, scalar_rrmse
from engine.regression.learning.training import Progress, TrainingStoppedError
from engine.regression.model import RegressionModel


def measured_on_test(
    model: RegressionModel,
    dataset: Dataset,
    *,
    progress: Progress = lambda message, fraction: None,
    stop: Callable[[], bool] = lambda: False,
) -> RegressionModel:
    """The model with "test" in its card: RRMSE and measured coverage by output, their means, and how many samples were
    taken for new. The same model where the data set keeps no samples for testing.

    Raises `DatasetError` that names a sample which cannot be predicted, and `TrainingStoppedError`.
    """
    samples = dataset.part("test")
    if not samples:
        return model
    relative: dict[str, list[float]] = {name: [] for name in model.fields}
    inside: dict[str, list[np.ndarray]] = {name: [] for name in (*model.fields, *model.scalars)}
    scalars: dict[str, list[tuple[float, float]]] = {name: [] for name in model.scalars}
    new = 0
    for k, sample in enumerate(samples):
        if stop():
            raise TrainingStoppedError("The test was stopped.", remedy="Nothing was written.")
        progress("Testing", k / len(samples))
        prediction = model.predict(sample)
        new += prediction.novelty.is_new
        for name, field in prediction.fields.items():
            true = np.asarray(sample.fields[name])
            relative[name].append(relative_error(field.mean, true))
            inside[name].append(np.abs(field.mean - true) <= field.band)
        for name, scalar in prediction.scalars.items():
            scalars[name].append((scalar.mean, sample.outputs[name]))
            inside[name].append(np.array([abs(scalar.mean - sample.outputs[name]) <= scalar.band]))
    errors = {name: rrmse(each) for name, each in relative.items()}
    errors |= {name: scalar_rrmse(*np.array(pairs).T) for name, pairs in scalars.items()}
    coverage = {name: float(np.concatenate(each).mean()) for name, each in inside.items()}
    found = {
        "samples": len(samples),
        "new": new,
        "errors": errors,
        "mean": float(np.mean(list(errors.values()))),
        "coverage": coverage,
        "mean coverage": float(np.mean(list(coverage.values()))),
    }
    return replace(model, card={**model.card, "test": found})
