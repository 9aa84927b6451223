"""What limits a model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.learning.advice import advise
from engine.regression.learning.diagnosis import diagnosed
from engine.regression.learning.training import TrainingStoppedError, train
from engine.regression.model import RegressionModel
from engine.regression.settings import TrainingParameters


@pytest.fixture(scope="module")
def model(plates: Dataset) -> RegressionModel:
    return train(plates, TrainingParameters(shape_modes=8, field_modes=6, folds=4))


def test_curve_and_split_end_where_the_card_is(model: RegressionModel, plates: Dataset) -> None:
    told: list[float] = []
    card = diagnosed(model, plates, progress=lambda message, fraction: told.append(fraction)).card
    curve = card["learning_curve"]
    assert curve["samples"] == sorted(curve["samples"]) and curve["samples"][-1] == 45
    assert curve["mean"][0] > 1.2 * curve["mean"][-1]
    assert curve["mean"][-1] == pytest.approx(card["mean rrmse"], rel=0.02)
    for name, field in card["fields"].items():
        split = card["error_split"][name]
        for part in ("interpolation", "truncation", "regression"):
            assert split[part] == pytest.approx(field["split"][part], rel=0.02, abs=1e-6)
        assert np.hypot(np.hypot(split["interpolation"], split["truncation"]), split["regression"]) == pytest.approx(
            field["rrmse"], rel=0.02
        )
        by_modes = split["by modes"]
        assert by_modes["modes"][-1] == field["modes"] and np.all(np.diff(by_modes["truncation"]) < 0.0)
    assert told == sorted(told) and told[-1] == 1.0
    assert card["advice"] and "would help most" in card["advice"] and "0." in card["advice"]


def test_other_data_and_a_stop_are_said(model: RegressionModel, plates: Dataset) -> None:
    with pytest.raises(DatasetError, match="20 samples"):
        diagnosed(model, Dataset(plates.samples[:20]))
    with pytest.raises(DatasetError, match="other fields or scalars"):
        diagnosed(model, Dataset(tuple(replace(sample, outputs={}) for sample in plates.samples[:60])))
    with pytest.raises(DatasetError, match="other samples"):
        diagnosed(model, Dataset(plates.samples[20:]))
    with pytest.raises(TrainingStoppedError):
        diagnosed(model, plates, stop=lambda: True)


def card(**split: float) -> dict[str, Any]:
    parts = {"interpolation": 0.001, "truncation": 0.001, "regression": 0.001, **split}
    by_modes = {"modes": [6, 12, 18, 24], "truncation": [0.2, 0.1, 0.05, parts["truncation"]], "regression": [0.0] * 4}
    return {
        "fields": {"stress": {"split": parts, "modes": 24}},
        "settings": {"field_modes": 24},
        "samples": 100,
        "error_split": {"stress": {**parts, "by modes": by_modes}},
    }


@pytest.mark.parametrize(
    ("split", "curve", "said"),
    [
        ({"interpolation": 0.05}, None, "A finer mesh would help most: .* costs 0.0500 .* leaves about 0.0125"),
        ({"truncation": 0.025}, None, "More modes would help most: .* is 0.0250 .* leave about 0.0125"),
        ({"regression": 0.04}, None, "More samples would help most: predicting modes costs 0.0400"),
        (
            {"regression": 0.04},
            {"samples": [25, 50, 100], "mean": [0.16, 0.08, 0.04]},
            "from 25 to 100 the mean error fell from 0.1600 to 0.0400; 200 would bring it to about 0.0200",
        ),
        # More samples bring nothing: what is left is the mesh.
        (
            {"regression": 0.04, "interpolation": 0.02},
            {"samples": [25, 50, 100], "mean": [0.04, 0.04, 0.04]},
            "A finer mesh",
        ),
        ({"interpolation": 0.0, "truncation": 0.0, "regression": 0.0}, None, "Nothing is left to gain"),
    ],
)
def test_the_advice_names_what_takes_away_most(split: dict[str, float], curve: Any, said: str) -> None:
    given = card(**split)
    if curve:
        given["learning_curve"] = curve
    assert re.search(said, advise(given)), advise(given)


def test_modes_that_were_not_used_up_are_no_advice() -> None:
    given = card(truncation=0.04)
    given["fields"]["stress"]["modes"] = 20
    assert "More samples" in advise(given)
