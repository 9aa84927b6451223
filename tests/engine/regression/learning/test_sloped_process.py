"""Gaussian processes that know derivatives."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.errors import FormwrightError
from engine.regression.learning.gaussian_process import Hyperparameters, Kernel, condition, find_hyperparameters
from engine.regression.learning.sloped_process import (
    SlopedParameters,
    Slopes,
    condition_sloped,
    find_sloped,
    slopes_among_themselves,
    values_and_slopes,
)


def function(x: Tensor) -> Tensor:
    return torch.sin(1.5 * x[:, 0]) * torch.exp(0.4 * x[:, 1]) + x[:, 2] * x[:, 0] + 0.5 * x[:, 3]


def drawn(count: int, seed: int) -> tuple[Tensor, Tensor, np.ndarray]:
    x = torch.randn((count, 4), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()
    y = function(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return x.detach(), y.detach(), gradient.numpy()


@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_covariances_of_slopes_against_central_differences(kernel: Kernel) -> None:
    given = Hyperparameters.from_flat(torch.tensor([[0.2, 0.5, 0.1, 0.3, -1.0, -18.0]], dtype=torch.float64))
    generator = torch.Generator().manual_seed(1)
    x, at = (torch.randn((4, 3), generator=generator, dtype=torch.float64) for _ in range(2))
    slopes = Slopes.of(np.ones((4, 3)))
    step = 1e-4

    def moved(sign: float) -> Tensor:
        """Every sample moved along every input, in the order of the slopes."""
        return x[slopes.rows] + sign * step * torch.eye(3, dtype=torch.float64)[slopes.columns]

    def covariance(left: Tensor, right: Tensor) -> Tensor:
        return values_and_slopes(kernel, given, left, right, Slopes.of(np.full((4, 3), np.nan)))

    cross = values_and_slopes(kernel, given, at, x, slopes)[:, 4:]
    differences = (covariance(at, moved(1.0)) - covariance(at, moved(-1.0))) / (2.0 * step)
    assert torch.allclose(cross, differences, atol=1e-6)
    between = slopes_among_themselves(kernel, given, x, slopes)
    differences = sum(
        one * two * covariance(moved(one), moved(two)) for one in (1.0, -1.0) for two in (1.0, -1.0)
    ) / (4.0 * step**2)  # fmt: skip
    # Once differentiable in the mean square: within a sample its differences go with the step.
    tolerance = 1e-3 if kernel == "matern-3/2" else 1e-5
    assert torch.allclose(between, differences, atol=tolerance)


def test_slopes_are_worth_many_samples() -> None:
    x, y, gradient = drawn(30, 0)
    at, true, _ = drawn(400, 1)
    plain = find_hyperparameters(x, y[:, None], kernel="matern-5/2", subset=30, starts=2, steps=60, seed=0)
    without = condition(x, y[:, None], plain).predict_mean(at)[:, 0]
    slopes = Slopes.of(gradient)
    found = find_sloped(x, y, slopes, plain, kernel="matern-5/2")
    process = condition_sloped(x, y, slopes, found, kernel="matern-5/2")
    mean, variance = process.predict(at)
    error, error_without = (float((each - true).square().mean().sqrt()) for each in (mean, without))
    assert error < 0.5 * error_without
    assert float(((mean - true).abs() < 2.0 * variance.sqrt()).double().mean()) > 0.8
    leaf = x[:5].clone().requires_grad_()
    (found_slopes,) = torch.autograd.grad(process.predict(leaf)[0].sum(), leaf)
    assert np.abs(found_slopes.numpy() - gradient[:5]).max() < 0.1
    assert torch.autograd.gradcheck(process.predict, at[:3].clone().requires_grad_(), atol=1e-6)


def test_slopes_of_some_samples_and_inputs_are_enough_and_too_many_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, gradient = drawn(40, 2)
    gradient[::2] = np.nan
    gradient[:, 3] = np.nan
    slopes = Slopes.of(gradient)
    assert slopes.count == 60
    few = slopes.among(torch.arange(10, 20), 9)
    assert few.count == 9 and set(few.rows.tolist()) <= set(range(10))
    given = Hyperparameters.from_flat(torch.tensor([[0.5] * 4 + [0.0, -2.0, -6.0]], dtype=torch.float64))
    monkeypatch.setattr("engine.regression.learning.sloped_process.MOST_ROWS", 70)
    assert condition_sloped(x, y, slopes, SlopedParameters(given, -6.0), kernel="matern-5/2").slopes.count == 30


def test_gradients_that_contradict_the_values_are_said() -> None:
    x = torch.zeros((2, 1), dtype=torch.float64)
    given = Hyperparameters.from_flat(torch.tensor([[0.0, 40.0, -50.0, -60.0]], dtype=torch.float64))
    with pytest.raises(FormwrightError, match="contradict"):
        condition_sloped(
            x, torch.tensor([1.0, 2.0]).double(), Slopes.of(np.ones((2, 1))), SlopedParameters(given, -60.0),
            kernel="matern-5/2",
        )  # fmt: skip
