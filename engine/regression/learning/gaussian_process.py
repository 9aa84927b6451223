"""Many independent Gaussian processes on the same inputs, as one batch of float64 Cholesky factors.

Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: equations 2.25, 2.26 (prediction), 5.8, 5.9
(likelihood and its gradient). Prior of length scales: Hvarfner et al., Vanilla Bayesian optimization performs great in
high dimensions, 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from engine.core.errors import FormwrightError

Kernel = Literal["matern-5/2", "matern-3/2", "squared-exponential"]

LEAST_NOISE = 1e-6
"""Variance, in parts of that of the values."""

JITTER = 1e-10
STEPS = 50
STEP_SIZE = 0.15

MOST_REFINED = 400
"""Samples on which hyperparameters are refined: time grows with the cube of their number."""

ALL = slice(None)

TOGETHER = 6
"""Processes whose covariances are made at once: they stay in the processor's cache, and the memory of one lot serves
the next."""


@dataclass(frozen=True)
class Hyperparameters:
    """Of every process, as logarithms.

    length_scales : of every input, shape (process_count, input_count)
    signal, linear, noise : variances of the kernel, of a linear trend in every input, and of what the inputs do not
        explain, shape (process_count,)
    """

    length_scales: Tensor
    signal: Tensor
    linear: Tensor
    noise: Tensor

    def chosen(self, columns: Tensor | slice) -> Hyperparameters:
        """Those of some of the processes."""
        return Hyperparameters(
            self.length_scales[columns], self.signal[columns], self.linear[columns], self.noise[columns]
        )

    def flat(self) -> Tensor:
        """Shape (process_count, input_count + 3)."""
        rest = torch.stack([self.signal, self.linear, self.noise], dim=1)
        return torch.cat([self.length_scales, rest], dim=1)

    @staticmethod
    def from_flat(flat: Tensor) -> Hyperparameters:
        return Hyperparameters(flat[:, :-3], flat[:, -3], flat[:, -2], flat[:, -1])


@dataclass(frozen=True)
class Processes:
    """Fitted.

    inputs : standardised, shape (sample_count, input_count)
    weights : K⁻¹y, shape (process_count, sample_count)
    centre, spread : of the values, shape (process_count,)
    """

    kernel: Kernel
    parameters: Hyperparameters
    inputs: Tensor
    weights: Tensor
    centre: Tensor
    spread: Tensor

    @property
    def process_count(self) -> int:
        return len(self.weights)

    @cached_property
    def factors(self) -> Tensor:
        """Cholesky factors of the covariance of the samples, shape (process_count, sample_count, sample_count); made
        when a variance is first asked for."""
        return _factors(self.kernel, self.parameters, self.inputs)

    @cached_property
    def scaled(self) -> Tensor:
        """The samples in units of each process's length scales, shape (process_count, sample_count, input_count)."""
        return self.inputs / self.parameters.length_scales.exp()[:, None, :]

    def predict(self, inputs: Tensor, columns: slice = ALL) -> tuple[Tensor, Tensor]:
        """Mean and variance (what the inputs do not explain included), each (point_count, process_count), of points
        (point_count, input_count); differentiable in them.

        columns : the processes that are asked
        """
        asked = self.parameters.chosen(columns)
        cross = self._cross(inputs, columns)
        solved = torch.linalg.solve_triangular(self.factors[columns], cross.transpose(1, 2), upper=False)
        prior = asked.signal.exp() + asked.noise.exp()
        trend = asked.linear.exp() * (inputs**2).sum(1, keepdim=True)
        variance = (prior + trend - (solved**2).sum(1).T).clamp_min(1e-12)
        return self._mean(cross, columns), self.spread[columns] ** 2 * variance

    def predict_mean(self, inputs: Tensor, columns: slice = ALL) -> Tensor:
        """The mean alone: several times cheaper, and in need of no factors."""
        return self._mean(self._cross(inputs, columns), columns)

    def predict_mean_alone(self, inputs: Tensor, columns: slice = ALL) -> tuple[Tensor, Tensor]:
        """The mean, and zeros in place of the variance."""
        mean = self.predict_mean(inputs, columns)
        return mean, torch.zeros_like(mean)

    def _cross(self, inputs: Tensor, columns: slice) -> Tensor:
        """Covariance of points with the samples, shape (process_count, point_count, sample_count)."""
        asked = self.parameters.chosen(columns)
        left = inputs / asked.length_scales.exp()[:, None, :]
        shape = kernel_profile(self.kernel, square_distances(left, self.scaled[columns]))[0]
        return asked.signal.exp()[:, None, None] * shape + asked.linear.exp()[:, None, None] * (inputs @ self.inputs.T)

    def _mean(self, cross: Tensor, columns: slice) -> Tensor:
        mean = torch.bmm(cross, self.weights[columns, :, None])[..., 0].T
        return self.centre[columns] + self.spread[columns] * mean


def fit(
    inputs: Tensor,
    values: Tensor,
    *,
    kernel: Kernel = "matern-5/2",
    subset: int = 100,
    starts: int = 2,
    steps: int = STEPS,
    seed: int = 0,
) -> Processes:
    """Fit a process to every column of `values`.

    inputs : standardised, shape (sample_count, input_count); values : shape (sample_count, process_count)
    subset : samples that the hyperparameters are found on, drawn with the seed; the processes then know all
    starts : from which hyperparameters are sought; each process keeps its best
    """
    parameters = find_hyperparameters(
        inputs, values, kernel=kernel, subset=subset, starts=starts, steps=steps, seed=seed
    )
    return condition(inputs, values, parameters, kernel=kernel)


def condition(
    inputs: Tensor, values: Tensor, parameters: Hyperparameters, *, kernel: Kernel = "matern-5/2"
) -> Processes:
    """The processes with these hyperparameters that know these samples."""
    centre, spread, standard = _standardised(values)
    factors = _factors(kernel, parameters, inputs)
    weights = torch.cholesky_solve(standard.T[..., None], factors)[..., 0]
    processes = Processes(kernel, parameters, inputs, weights, centre, spread)
    processes.__dict__["factors"] = factors
    return processes


def _factors(kernel: Kernel, parameters: Hyperparameters, inputs: Tensor) -> Tensor:
    process_count = len(parameters.noise)
    factors = inputs.new_empty((process_count, len(inputs), len(inputs)))
    for first in range(0, process_count, TOGETHER):
        together = slice(first, first + TOGETHER)
        asked = parameters.chosen(together)
        covariance = _covariance(kernel, asked, inputs, inputs)
        covariance.diagonal(dim1=1, dim2=2).add_((asked.noise.exp() + JITTER)[:, None])
        factors[together], failed = torch.linalg.cholesky_ex(covariance)
        if bool(failed.any()):
            raise FormwrightError(
                "The samples cannot be told apart by their inputs.", remedy="Look for samples that are there twice."
            )
    return factors


def find_hyperparameters(
    inputs: Tensor,
    values: Tensor,
    *,
    kernel: Kernel,
    subset: int,
    starts: int,
    steps: int,
    seed: int,
    refining: int = 0,
) -> Hyperparameters:
    """Those of the greatest posterior density, each process by itself: sought on a subset, and then for so many
    steps, `refining`, on at most `MOST_REFINED` samples."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(inputs), generator=generator)[:subset]
    _, _, standard = _standardised(values[chosen])
    found = [
        _best_of_starts(inputs[chosen], columns, kernel, starts, steps) for columns in standard.split(TOGETHER, dim=1)
    ]
    if refining and len(inputs) > subset:
        more = torch.randperm(len(inputs), generator=generator)[:MOST_REFINED]
        _, _, standard = _standardised(values[more])
        columns = standard.split(TOGETHER, dim=1)
        found = [_descend(f, inputs[more], c, kernel, refining)[0] for f, c in zip(found, columns, strict=True)]
    return Hyperparameters.from_flat(torch.cat(found))


def _best_of_starts(inputs: Tensor, standard: Tensor, kernel: Kernel, starts: int, steps: int) -> Tensor:
    best = _first_guess(inputs.shape[1], standard.shape[1], 0)
    lowest = inputs.new_full((standard.shape[1],), math.inf)
    for start in range(starts):
        flat, loss = _descend(_first_guess(inputs.shape[1], standard.shape[1], start), inputs, standard, kernel, steps)
        better = loss < lowest
        best, lowest = torch.where(better[:, None], flat, best), torch.where(better, loss, lowest)
    return best


def negative_log_posterior(flat: Tensor, inputs: Tensor, standard: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor]:
    """Of every process (process_count,), with its gradient (process_count, input_count + 3)."""
    parameters = Hyperparameters.from_flat(flat)
    count = len(inputs)
    scaled = inputs / parameters.length_scales.exp()[:, None, :]
    square = square_distances(scaled, scaled)
    shape, slope = kernel_profile(kernel, square)
    signal, linear = parameters.signal.exp()[:, None, None], parameters.linear.exp()[:, None, None]
    noise = parameters.noise.exp()
    inner = inputs @ inputs.T
    covariance = signal * shape + linear * inner
    covariance.diagonal(dim1=1, dim2=2).add_((noise + JITTER)[:, None])
    factors, failed = torch.linalg.cholesky_ex(covariance)
    alpha = torch.cholesky_solve(standard.T[..., None], factors)[..., 0]
    log_determinant = factors.diagonal(dim1=1, dim2=2).log().sum(1)
    loss = 0.5 * (standard.T * alpha).sum(1) + log_determinant + 0.5 * count * math.log(2.0 * math.pi)
    # dL/dK, equation 5.9.
    lever = 0.5 * (torch.cholesky_inverse(factors) - alpha[:, :, None] * alpha[:, None, :])
    pull = lever * signal * slope
    # d(distance²)/d(log l) = −2 (difference / l)², summed over pairs without making them.
    row = pull.sum(2)
    by_length = -4.0 * (
        torch.einsum("mn,mnd->md", row, scaled**2) - torch.einsum("mnd,mnd->md", scaled, torch.bmm(pull, scaled))
    )
    by_signal = (lever * signal * shape).sum((1, 2))
    by_linear = (lever * linear * inner).sum((1, 2))
    by_noise = lever.diagonal(dim1=1, dim2=2).sum(1) * noise
    gradient = torch.cat([by_length, torch.stack([by_signal, by_linear, by_noise], dim=1)], dim=1)
    prior, prior_gradient = log_prior(flat)
    total = torch.where(failed > 0, torch.full_like(loss, math.inf), loss + prior)
    return total, gradient + prior_gradient


def log_prior(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Negative logarithm of the prior's density, without its constant, and its gradient."""
    inputs = flat.shape[1] - 3
    centre = flat.new_tensor([0.7 + 0.5 * math.log(inputs)] * inputs + [0.0, -2.0, -6.0])
    width = flat.new_tensor([1.2] * inputs + [1.5, 2.0, 3.0])
    deviation = (flat - centre) / width
    return 0.5 * (deviation**2).sum(1), deviation / width


def _first_guess(inputs: int, processes: int, start: int) -> Tensor:
    length, signal, linear, noise = [(0.7, 0.0, -2.0, -5.0), (0.0, 0.0, -5.0, -2.0), (1.5, 1.0, 0.0, -8.0)][start % 3]
    row = torch.tensor([length + 0.5 * math.log(inputs)] * inputs + [signal, linear, noise], dtype=torch.float64)
    return row.repeat(processes, 1)


def _descend(flat: Tensor, inputs: Tensor, standard: Tensor, kernel: Kernel, steps: int) -> tuple[Tensor, Tensor]:
    """Adam, every process by itself; each keeps the lowest point that it came by."""
    first, second = torch.zeros_like(flat), torch.zeros_like(flat)
    best, lowest = flat.clone(), flat.new_full((len(flat),), math.inf)
    for step in range(1, steps + 1):
        loss, gradient = negative_log_posterior(flat, inputs, standard, kernel)
        better = loss < lowest
        best, lowest = torch.where(better[:, None], flat, best), torch.where(better, loss, lowest)
        gradient = torch.nan_to_num(gradient, posinf=0.0, neginf=0.0)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        size = STEP_SIZE * min(1.0, 2.0 * (1.0 - step / (steps + 1)))
        flat = flat - size * (first / (1 - 0.9**step)) / ((second / (1 - 0.99**step)).sqrt() + 1e-8)
        flat = torch.cat([flat[:, :-1], flat[:, -1:].clamp_min(math.log(LEAST_NOISE))], dim=1)
    return best, lowest


def _covariance(kernel: Kernel, parameters: Hyperparameters, left: Tensor, right: Tensor) -> Tensor:
    """Without noise, shape (process_count, left_count, right_count)."""
    scales = parameters.length_scales.exp()[:, None, :]
    shape = kernel_profile(kernel, square_distances(left / scales, right / scales))[0]
    trend = parameters.linear.exp()[:, None, None] * (left @ right.T)
    return parameters.signal.exp()[:, None, None] * shape + trend


def square_distances(left: Tensor, right: Tensor) -> Tensor:
    """Between rows of batches, with gradient where two are the same too."""
    cross = torch.bmm(left, right.transpose(1, 2))
    return ((left**2).sum(2)[:, :, None] + (right**2).sum(2)[:, None, :] - 2.0 * cross).clamp_min(1e-18)


def kernel_profile(kernel: Kernel, square: Tensor) -> tuple[Tensor, Tensor]:
    """The kernel of a squared distance, and its derivative by it."""
    if kernel == "squared-exponential":
        value = (-0.5 * square).exp()
        return value, -0.5 * value
    if kernel == "matern-3/2":
        distance = (3.0 * square).sqrt()
        decay = (-distance).exp()
        return (1.0 + distance) * decay, -1.5 * decay
    distance = (5.0 * square).sqrt()
    decay = (-distance).exp()
    return (1.0 + distance + 5.0 / 3.0 * square) * decay, -5.0 / 6.0 * (1.0 + distance) * decay


def kernel_bend(kernel: Kernel, square: Tensor) -> Tensor:
    """Its second derivative by the squared distance."""
    if kernel == "squared-exponential":
        return 0.25 * (-0.5 * square).exp()
    if kernel == "matern-3/2":
        distance = (3.0 * square).sqrt()
        return 2.25 * (-distance).exp() / distance
    return 25.0 / 12.0 * (-(5.0 * square).sqrt()).exp()


def _standardised(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    centre, spread = values.mean(0), values.std(0, correction=0)
    # A column that is constant is its mean.
    spread = torch.where(spread > 1e-12 * values.abs().amax(0).clamp_min(1e-300), spread, torch.ones_like(spread))
    return centre, spread, (values - centre) / spread
