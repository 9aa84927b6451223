"""Errors on samples that were kept for testing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.regression.data.dataset import Dataset
from engine.regression.learning.training import TrainingStoppedError, train
from engine.regression.learning.unseen import measured_on_test
from engine.regression.settings import TrainingParameters


def test_errors_on_test_samples_are_those_of_predicting_them_and_training_never_saw_them(plates: Dataset) -> None:
    parameters = TrainingParameters(shape_modes=6, field_modes=8, folds=3, subset=30)
    small = replace(plates, samples=plates.samples[:40], split=("train",) * 34 + ("test",) * 6)
    model = train(small, parameters)
    found = measured_on_test(model, small).card["test"]
    predictions = [model.predict(sample) for sample in small.part("test")]
    names = list(model.fields)
    for name in names:
        off = [
            np.sqrt(np.mean((each.fields[name].mean - sample.fields[name]) ** 2)) / np.abs(sample.fields[name]).max()
            for each, sample in zip(predictions, small.part("test"), strict=True)
        ]
        assert found["errors"][name] == pytest.approx(np.sqrt(np.mean(np.square(off))), rel=1e-9)
        within = [
            np.abs(each.fields[name].mean - sample.fields[name]) <= each.fields[name].band
            for each, sample in zip(predictions, small.part("test"), strict=True)
        ]
        assert found["coverage"][name] == pytest.approx(np.concatenate(within).mean())
    assert found["samples"] == 6 and set(found["errors"]) == {*model.fields, *model.scalars}

    # What they hold changes what is measured on them, and nothing of what was learnt.
    wrong = [
        replace(each, fields={name: 2.0 * np.asarray(each.fields[name]) for name in names})
        for each in small.part("test")
    ]
    worse = replace(small, samples=(*small.samples[:34], *wrong))
    assert measured_on_test(model, worse).card["test"]["errors"][names[0]] > 5.0 * found["errors"][names[0]]
    assert "test" not in measured_on_test(model, replace(small, samples=small.samples[:34], split=())).card
    with pytest.raises(TrainingStoppedError):
        measured_on_test(model, small, stop=lambda: True)
