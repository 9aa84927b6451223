"""A Gaussian process that knows derivatives beside values: it needs far fewer samples.

Rasmussen and Williams, 2006, section 9.4; Solak et al., Derivative observations in Gaussian process models of dynamic
systems, 2003.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import FormwrightError
from engine.regression.learning.gaussian_process import (
    JITTER,
    LEAST_NOISE,
    Hyperparameters,
    Kernel,
    kernel_bend,
    kernel_profile,
    log_prior,
    square_distances,
)

MOST_ROWS = 2000
"""Values and derivatives together: time grows with the cube of their number. Derivatives beyond are left out."""

SOUGHT_ROWS = 600
"""The same while hyperparameters are sought."""

STEPS = 40
STEP_SIZE = 0.08


@dataclass(frozen=True)
class Slopes:
    """Derivatives of one output by the inputs of its process.

    rows, columns : the sample and the input of each, shape (slope_count,), int64
    values : shape (slope_count,)
    """

    rows: Tensor
    columns: Tensor
    values: Tensor

    @staticmethod
    def of(table: np.ndarray) -> Slopes:
        """Of a table (sample_count, input_count) that is NaN where a derivative is not known."""
        rows, columns = np.nonzero(np.isfinite(table))
        return Slopes(torch.from_numpy(rows), torch.from_numpy(columns), torch.from_numpy(table[rows, columns]))

    @property
    def count(self) -> int:
        return len(self.rows)

    def among(self, samples: Tensor, most: int) -> Slopes:
        """Those of some samples, numbered as these are, of so many samples that there are at most `most`."""
        place = torch.full((int(max(int(samples.max()), int(self.rows.max()))) + 1,), -1)
        place[samples] = torch.arange(len(samples))
        mine = place[self.rows] >= 0
        rows, columns, values = place[self.rows[mine]], self.columns[mine], self.values[mine]
        there = torch.unique(rows)
        kept = len(there) if len(rows) <= most else max(1, most * len(there) // len(rows))
        chosen = torch.isin(rows, there[torch.linspace(0, len(there) - 1, kept).round().long()])
        return Slopes(rows[chosen], columns[chosen], values[chosen])


@dataclass(frozen=True)
class SlopedParameters:
    """Of one process, as logarithms: hyperparameters, and the variance of what the inputs do not explain of
    derivatives, in units of the standardised values."""

    common: Hyperparameters
    slope_noise: float


@dataclass(frozen=True)
class SlopedProcess:
    """Fitted.

    inputs : shape (sample_count, input_count); slopes : that are known
    weights : of values and slopes, shape (sample_count + slope_count,)
    centre, spread : of the values
    """

    kernel: Kernel
    parameters: SlopedParameters
    inputs: Tensor
    slopes: Slopes
    weights: Tensor
    centre: float
    spread: float

    @cached_property
    def factor(self) -> Tensor:
        """Cholesky factor of the covariance of all that is known; made when a variance is first asked for."""
        noise = torch.tensor(self.parameters.slope_noise, dtype=torch.float64)
        return _factor(self.kernel, self.parameters.common, noise, self.inputs, self.slopes)

    def predict(self, inputs: Tensor, *, bands: bool = True) -> tuple[Tensor, Tensor]:
        """Mean and variance at points (point_count, input_count), each (point_count,), with their graph; without
        bands the variance is zero."""
        own = self.parameters.common
        cross = values_and_slopes(self.kernel, own, inputs, self.inputs, self.slopes)
        mean = self.centre + self.spread * (cross @ self.weights)
        if not bands:
            return mean, torch.zeros_like(mean)
        solved = torch.linalg.solve_triangular(self.factor, cross.T, upper=False)
        prior = own.signal.exp() + own.noise.exp()
        trend = own.linear.exp() * (inputs**2).sum(1)
        return mean, self.spread**2 * (prior + trend - (solved**2).sum(0)).clamp_min(1e-12)


def find_sloped(
    inputs: Tensor, values: Tensor, slopes: Slopes, start: Hyperparameters, *, kernel: Kernel
) -> SlopedParameters:
    """Those of the greatest posterior density, values and slopes together, from `start` on, those without slopes.

    values : shape (sample_count,)
    """
    each = max(1, round(slopes.count / max(len(torch.unique(slopes.rows)), 1)))
    count = min(len(inputs), max(20, SOUGHT_ROWS // (1 + each)))
    samples = torch.linspace(0, len(inputs) - 1, count).round().long()
    known = slopes.among(samples, SOUGHT_ROWS)
    _, _, standard, steep = _standardised(values[samples], known)
    flat = torch.cat([start.flat()[0], torch.tensor([-4.0], dtype=torch.float64)]).requires_grad_()
    optimizer = torch.optim.Adam([flat], lr=STEP_SIZE)
    best, lowest = flat.detach().clone(), math.inf
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = _loss(flat, inputs[samples], known, torch.cat([standard, steep]), kernel)
        if not bool(torch.isfinite(loss)):
            break
        if float(loss.detach()) < lowest:
            best, lowest = flat.detach().clone(), float(loss.detach())
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            flat[-2:].clamp_min_(math.log(LEAST_NOISE))
    return SlopedParameters(Hyperparameters.from_flat(best[None, :-1]), float(best[-1]))


def condition_sloped(
    inputs: Tensor, values: Tensor, slopes: Slopes, parameters: SlopedParameters, *, kernel: Kernel
) -> SlopedProcess:
    """The process with these hyperparameters that knows these values and slopes, as many as `MOST_ROWS` allows."""
    known = slopes.among(torch.arange(len(inputs)), max(MOST_ROWS - len(inputs), 0))
    centre, spread, standard, steep = _standardised(values, known)
    noise = torch.tensor(parameters.slope_noise, dtype=torch.float64)
    factor = _factor(kernel, parameters.common, noise, inputs, known)
    weights = torch.cholesky_solve(torch.cat([standard, steep])[:, None], factor)[:, 0]
    process = SlopedProcess(kernel, parameters, inputs, known, weights, centre, spread)
    process.__dict__["factor"] = factor
    return process


def _standardised(values: Tensor, slopes: Slopes) -> tuple[float, float, Tensor, Tensor]:
    centre, spread = float(values.mean()), float(values.std(correction=0)) or 1.0
    return centre, spread, (values - centre) / spread, slopes.values / spread


def _loss(flat: Tensor, inputs: Tensor, slopes: Slopes, known: Tensor, kernel: Kernel) -> Tensor:
    parameters = Hyperparameters.from_flat(flat[None, :-1])
    factor = _factor(kernel, parameters, flat[-1], inputs, slopes)
    solved = torch.linalg.solve_triangular(factor, known[:, None], upper=False)
    prior = log_prior(flat[None, :-1])[0].sum() + 0.5 * ((flat[-1] + 4.0) / 3.0) ** 2
    return 0.5 * solved.square().sum() + factor.diagonal().log().sum() + prior


def _factor(kernel: Kernel, parameters: Hyperparameters, slope_noise: Tensor, inputs: Tensor, slopes: Slopes) -> Tensor:
    values = values_and_slopes(kernel, parameters, inputs, inputs, slopes)
    between = slopes_among_themselves(kernel, parameters, inputs, slopes)
    covariance = torch.cat([values, torch.cat([values[:, len(inputs) :].T, between], dim=1)])
    noise = torch.cat(
        [(parameters.noise.exp() + JITTER).expand(len(inputs)), (slope_noise.exp() + JITTER).expand(slopes.count)]
    )
    factor, failed = torch.linalg.cholesky_ex(covariance + torch.diag(noise))
    if bool(failed):
        raise FormwrightError(
            "The samples and their gradients contradict one another.",
            remedy="Look for samples that are there twice, and for gradients of the wrong sign.",
        )
    return factor


def values_and_slopes(
    kernel: Kernel, parameters: Hyperparameters, left: Tensor, right: Tensor, slopes: Slopes
) -> Tensor:
    """Covariance of values at `left` with values at `right` and with the slopes there, shape
    (left_count, right_count + slope_count)."""
    length = parameters.length_scales[0].exp()
    square = square_distances((left / length)[None], (right / length)[None])[0]
    value, slope = kernel_profile(kernel, square)
    signal, linear = parameters.signal.exp(), parameters.linear.exp()
    values = signal * value + linear * (left @ right.T)
    rows, columns = slopes.rows, slopes.columns
    apart = (left[:, columns] - right[rows, columns]) / length[columns] ** 2
    return torch.cat([values, -2.0 * signal * slope[:, rows] * apart + linear * left[:, columns]], dim=1)


def slopes_among_themselves(kernel: Kernel, parameters: Hyperparameters, inputs: Tensor, slopes: Slopes) -> Tensor:
    """Covariance of the slopes with one another, shape (slope_count, slope_count)."""
    length = parameters.length_scales[0].exp()
    square = square_distances((inputs / length)[None], (inputs / length)[None])[0]
    slope, bend = kernel_profile(kernel, square)[1], kernel_bend(kernel, square)
    rows, columns = slopes.rows, slopes.columns
    pairs = rows[:, None], rows[None, :]
    own = inputs[rows, columns]
    first = (own[:, None] - inputs[rows][:, columns].T) / length[columns][:, None] ** 2
    second = (inputs[rows][:, columns] - own[None, :]) / length[columns][None, :] ** 2
    same = (columns[:, None] == columns[None, :]).to(inputs.dtype)
    signal, linear = parameters.signal.exp(), parameters.linear.exp()
    by_place = -4.0 * bend[pairs] * first * second - 2.0 * slope[pairs] * same / length[columns] ** 2
    return signal * by_place + linear * same
