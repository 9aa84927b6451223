"""The data set and the Model that come with the program."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.regression.data.checking import check_dataset
from engine.regression.data.reading import read_dataset
from engine.regression.generation.catalogue import find_generator
from engine.regression.sample_set import sample_data, sample_model
from engine.regression.saved_model import load_regression


def test_the_sample_set_can_be_learnt_from_and_solved_anew(tmp_path: Path) -> None:
    data = read_dataset(sample_data())
    assert sample_data().stat().st_size < 700_000
    check_dataset(data)
    assert len(data.part("train")) == 51 and len(data.part("test")) == 13
    generator = find_generator(data.recipe["generator"])
    assert set(data.recipe["options"]) == set(generator.options) and generator.solve is not None
    told: list[float] = []
    path = sample_model(lambda message, fraction: told.append(fraction), tmp_path)
    assert told[-1] == 1.0
    model = load_regression(path)
    true = [sample.outputs["force"] for sample in data.part("test")]
    found = [model.predict(sample, fields=()).scalars["force"].mean for sample in data.part("test")]
    assert np.corrcoef(true, found)[0, 1] > 0.95
    assert model.card["mean rrmse"] < 0.2
    told.clear()
    assert sample_model(lambda message, fraction: told.append(fraction), tmp_path) == path and not told
