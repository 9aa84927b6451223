"""Batches of Gaussian processes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from engine.core.errors import FormwrightError
from engine.regression.learning.gaussian_process import (
    Hyperparameters,
    Kernel,
    condition,
    find_hyperparameters,
    fit,
    negative_log_posterior,
)


def drawn(count: int, inputs: int, columns: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((count, inputs), generator=generator, dtype=torch.float64)
    slopes = torch.randn((inputs, columns), generator=generator, dtype=torch.float64)
    return x, torch.sin(x @ slopes) + 0.3 * x[:, :1]


@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_gradient_of_the_posterior_against_differences(kernel: Kernel) -> None:
    x, y = drawn(25, 3, 4)
    generator = torch.Generator().manual_seed(2)
    flat = torch.randn((4, 6), generator=generator, dtype=torch.float64) * 0.5
    standard = (y - y.mean(0)) / y.std(0, correction=0)
    _, gradient = negative_log_posterior(flat, x, standard, kernel)
    step = 1e-6
    for k in range(6):
        way = torch.zeros_like(flat)
        way[:, k] = step
        above, below = (negative_log_posterior(flat + s * way, x, standard, kernel)[0] for s in (1.0, -1.0))
        slopes = (above - below) / (2.0 * step)
        assert torch.allclose(slopes, gradient[:, k], rtol=1e-6, atol=1e-6)


def test_predictions_are_those_of_another_library() -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    x, y = drawn(30, 2, 1)
    at = torch.randn((7, 2), generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    logs = [float(np.log(v)) for v in (0.8, 1.7, 1.3, 1e-12, 0.01)]
    given = Hyperparameters.from_flat(torch.tensor([logs], dtype=torch.float64))
    mean, variance = condition(x, y, given).predict(at)
    kernel = ConstantKernel(1.3) * Matern([0.8, 1.7], nu=2.5) + WhiteKernel(0.01 + 1e-10)
    other = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True, alpha=0.0).fit(
        x.numpy(), y[:, 0].numpy()
    )
    expected, spread = other.predict(at.numpy(), return_std=True)
    assert np.allclose(mean[:, 0].numpy(), expected, atol=1e-8)
    assert np.allclose(variance[:, 0].sqrt().numpy(), spread, atol=1e-8)


def test_mean_alone_is_the_same_mean_and_both_have_gradients() -> None:
    x, y = drawn(30, 3, 5)
    processes = fit(x, y, steps=15, starts=1)
    at = torch.randn((3, 3), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    mean, variance = processes.predict(at)
    assert torch.allclose(mean, processes.predict_mean(at), atol=1e-12)
    some = slice(1, 3)
    assert torch.allclose(processes.predict(at, some)[1], variance[:, some], atol=1e-12)
    assert torch.autograd.gradcheck(processes.predict, at.clone().requires_grad_(), atol=1e-6)


def test_noise_and_idle_inputs_are_told_apart() -> None:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn((120, 3), generator=generator, dtype=torch.float64)
    noise = 0.3 * torch.randn(120, generator=generator, dtype=torch.float64)
    y = torch.stack([torch.sin(2.0 * x[:, 0]), torch.sin(2.0 * x[:, 0]) + noise], dim=1)
    found = find_hyperparameters(x, y, kernel="matern-5/2", subset=120, starts=2, steps=80, seed=0)
    spread = y.std(0, correction=0)
    assert float(found.noise[0].exp()) < 1e-3
    assert abs(float(found.noise[1].exp().sqrt() * spread[1]) - 0.3) < 0.08
    assert float(found.length_scales[0, 0]) < float(found.length_scales[0, 1:].min()) - 1.0


def test_two_samples_in_the_same_place_without_noise_are_said() -> None:
    x = torch.zeros((3, 1), dtype=torch.float64)
    given = Hyperparameters.from_flat(torch.tensor([[0.0, 40.0, -50.0, -60.0]], dtype=torch.float64))
    with pytest.raises(FormwrightError, match="told apart"):
        condition(x, torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64), given)
