"""Bands and selections that keep their word."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import ParameterError
from engine.regression.learning.calibration import RatioHistogram, conformal_factor
from engine.regression.selection import select_below


def test_the_histogram_finds_the_quantile() -> None:
    generator = np.random.default_rng(0)
    ratios = RatioHistogram()
    for _ in range(50):
        ratios.add(generator.normal(size=2000) * 3.0, np.full(2000, 3.0))
    assert abs(ratios.factor(0.95) - 1.96) < 0.03


def test_the_conformal_factor_covers_on_average() -> None:
    """Over many calibrations of 60, the next value is covered with a probability of at least 0.9, and little more."""
    generator = np.random.default_rng(1)
    draws = np.abs(generator.standard_t(3, size=(4000, 61)))
    covered = np.mean([draw[60] <= conformal_factor(draw[:60], 0.9) for draw in draws])
    assert 0.89 < covered < 0.93


def test_few_of_the_selected_are_false() -> None:
    generator = np.random.default_rng(2)
    rates, powers = [], []
    for _ in range(300):
        true = generator.normal(size=700)
        predicted = true + 0.3 * generator.normal(size=700)
        found = select_below(
            -0.5, predicted[400:], held_predicted=predicted[:400], held_true=true[:400], false_discovery_rate=0.1
        )
        chosen = true[400:][found.chosen]
        rates.append((chosen >= -0.5).mean() if len(chosen) else 0.0)
        powers.append((chosen < -0.5).sum() / (true[400:] < -0.5).sum())
    assert np.mean(rates) < 0.1
    assert np.mean(powers) > 0.5


def test_what_is_predicted_above_the_limit_is_not_selected() -> None:
    """Nearly all are below 2: by their number alone all could be named with few false ones."""
    generator = np.random.default_rng(4)
    true = generator.normal(size=700)
    predicted = true + 0.5 * generator.normal(size=700)
    found = select_below(
        2.0, predicted[400:], held_predicted=predicted[:400], held_true=true[:400], false_discovery_rate=0.1
    )
    assert (predicted[400:] >= 2.0).sum() > 5
    np.testing.assert_array_equal(found.chosen, np.flatnonzero(predicted[400:] < 2.0))


def test_a_limit_that_is_no_number_is_refused() -> None:
    nothing = np.zeros(5)
    with pytest.raises(ParameterError, match="below"):
        select_below(np.nan, nothing, held_predicted=nothing, held_true=nothing, false_discovery_rate=0.1)


def test_nothing_is_selected_where_nothing_is_known() -> None:
    found = select_below(0.0, np.zeros(5), held_predicted=np.zeros(10), held_true=np.ones(10), false_discovery_rate=0.1)
    assert not len(found.chosen)
    with pytest.raises(ParameterError, match="fdr"):
        select_below(0.0, np.zeros(5), held_predicted=np.zeros(1), held_true=np.ones(1), false_discovery_rate=1.5)
