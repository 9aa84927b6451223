"""Models of regression on disk: they come back to the last bit, also from before, and what is damaged is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FileError
from engine.io.model_file import ModelCard, read_model, write_model
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.learning.scaling import InputScales
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.saved_model import load_regression, save_regression
from engine.regression.settings import TrainingParameters


@pytest.fixture(scope="module")
def model(plates: Dataset) -> RegressionModel:
    few = Dataset((*plates.part("train")[:24], *plates.part("test")[:2]), ("train",) * 24 + ("test",) * 2)
    return train(few, TrainingParameters(shape_modes=5, field_modes=4, folds=3, subset=20))


def test_a_saved_model_predicts_the_same_to_the_last_bit(
    model: RegressionModel, plates: Dataset, tmp_path: Path
) -> None:
    save_regression(model, tmp_path / "plates.safetensors")
    again = load_regression(tmp_path / "plates.safetensors")
    sample = plates.part("test")[0]
    one, two = model.predict(sample), again.predict(sample)
    for name in one.fields:
        assert np.array_equal(one.fields[name].mean, two.fields[name].mean)
        assert np.array_equal(one.fields[name].band, two.fields[name].band)
    assert one.scalars == two.scalars and one.novelty == two.novelty
    assert again.card["mean rrmse"] == model.card["mean rrmse"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "other.safetensors", {"a": np.zeros(1)}, ModelCard(kind="shape-space"))
    with pytest.raises(FileError, match="is a shape-space"):
        load_regression(tmp_path / "other.safetensors")
    write_model(tmp_path / "bare.safetensors", {"a": np.zeros(1)}, ModelCard(kind="regression"))
    with pytest.raises(FileError, match="damaged"):
        load_regression(tmp_path / "bare.safetensors")


def test_a_file_of_the_first_version_opens_and_predicts_the_same(
    model: RegressionModel, plates: Dataset, tmp_path: Path
) -> None:
    """It knew neither other morphs nor logarithms nor gradients, and did not say how many anchors were given."""
    plain = replace(
        model,
        scales=InputScales(model.centre, model.spread),
        scalars={name: replace(each, scale="linear", spread=1.0) for name, each in model.scalars.items()},
    )
    save_regression(plain, tmp_path / "now.safetensors")
    card, arrays = read_model(tmp_path / "now.safetensors")
    details = dict(card.details)
    for later in ("logarithmic", "sloped"):
        del details[later]
    details["outline"] = {key: details["outline"][key] for key in ("anchor_angles", "weights", "turning_share")}
    details["scalars"] = [
        {key: each[key] for key in ("name", "unit", "column", "factor")} for each in details["scalars"]
    ]
    first = tmp_path / "first.safetensors"
    write_model(first, arrays, card.model_copy(update={"details": details}))
    sample = plates.part("test")[0]
    one, two = load_regression(first).predict(sample), plain.predict(sample)
    assert one.scalars == two.scalars and one.novelty == two.novelty
    assert all(np.array_equal(one.fields[name].mean, two.fields[name].mean) for name in two.fields)
    with pytest.raises(DatasetError, match="the model was learnt with 4"):
        load_regression(first).predict(replace(sample, anchors=sample.anchors[:3]))


DAMAGES: list[Callable[[dict[str, np.ndarray]], object]] = [
    lambda arrays: arrays.pop("field 0.modes"),
    lambda arrays: arrays.update({"field 0.modes": arrays["field 0.modes"][:, :-5]}),
    lambda arrays: arrays.update({"field 1.truncation": arrays["field 1.truncation"][:-1]}),
    lambda arrays: arrays.update({"shape.mean": arrays["shape.mean"] * np.nan}),
    lambda arrays: arrays.update({"processes.weights": arrays["processes.weights"][:-1]}),
    lambda arrays: arrays.update({"common.triangles": arrays["common.triangles"] + 1}),
    lambda arrays: arrays.update({"domain.low": arrays["domain.low"][:0]}),
]


@pytest.mark.parametrize("damage", range(len(DAMAGES)))
def test_a_file_whose_arrays_do_not_fit_is_refused_when_it_is_read(
    damage: int, model: RegressionModel, tmp_path: Path
) -> None:
    path = tmp_path / "plates.safetensors"
    save_regression(model, path)
    card, arrays = read_model(path)
    DAMAGES[damage](arrays)
    write_model(path, arrays, card)
    with pytest.raises(FileError, match="this Model is damaged"):
        load_regression(path)
