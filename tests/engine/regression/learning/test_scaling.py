"""Scalars that are learnt as their logarithm."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.regression.learning.scaling import InputScales, choose_scales, scaled, unscaled


def test_scalars_become_logarithms_where_samples_left_out_are_predicted_better() -> None:
    generator = np.random.default_rng(0)
    shape = generator.normal(size=(100, 2))
    inputs = np.stack([np.exp(generator.uniform(0.0, 4.0, 100)), generator.uniform(-1.0, 1.0, 100)], axis=1)
    wide = np.exp(2.0 * np.sin(np.log(inputs[:, 0])) + shape[:, 0])
    plain = 5.0 + np.log(inputs[:, 0]) * inputs[:, 1]
    outputs, modes = np.stack([wide, plain, -wide], axis=1), np.sin(2.0 * np.log(inputs[:, :1]))
    found = choose_scales(shape, inputs, outputs, modes, kernel="matern-5/2", subset=100, seed=0)
    assert found[0] == ("logarithm", "linear") and found[1][0] == "logarithm" and found[1][2] == "linear"


def test_scalars_that_act_as_they_are_stay_so() -> None:
    generator = np.random.default_rng(3)
    shape, inputs = generator.normal(size=(100, 2)), generator.uniform(1.0, 9.0, (100, 1))
    outputs, none = 20.0 + np.sin(1.5 * inputs) + shape[:, :1], np.zeros((100, 0))
    assert choose_scales(shape, inputs, outputs, none, kernel="matern-5/2", subset=100, seed=0)[0] == ("linear",)
    assert choose_scales(shape, inputs, none, none, kernel="matern-5/2", subset=100, seed=0) == (("linear",), ())


def test_features_and_tables_become_the_same_inputs() -> None:
    generator = np.random.default_rng(1)
    raw = np.exp(generator.normal(size=(30, 3)))
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    scales = InputScales.of(raw, centre, spread, ("linear", "logarithm"))
    features = torch.from_numpy((raw - centre) / spread)
    table = scaled(raw[:, 1:], ("linear", "logarithm"))
    standard = (table - table.mean(axis=0)) / table.std(axis=0)
    assert np.allclose(scales(features)[:, 1:].numpy(), standard, atol=1e-12)
    assert np.array_equal(scales(features)[:, 0].numpy(), features[:, 0].numpy())
    assert torch.autograd.gradcheck(scales, features[:4].clone().requires_grad_())
    nothing = torch.from_numpy((np.zeros((1, 3)) - centre) / spread)
    assert bool(torch.isfinite(scales(nothing)).all())


def test_a_logarithm_comes_back_as_median_and_the_deviation_near_it() -> None:
    draws = np.exp(np.random.default_rng(2).normal(1.0, 0.1, 200_000))
    value, deviation = unscaled(np.array([1.0]), np.array([0.01]), "logarithm")
    assert value[0] == pytest.approx(np.median(draws), rel=2e-3)
    assert deviation[0] == pytest.approx(draws.std(), rel=2e-2)
