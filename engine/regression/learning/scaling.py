"""Scalars that are learnt as their logarithm: where ratios count more than differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.regression.learning.gaussian_process import Kernel, condition, find_hyperparameters
from engine.regression.learning.scores import scalar_rrmse

Scale = Literal["linear", "logarithm"]

LEAST_REACH = 1.5
"""Largest over smallest value below which a logarithm is as good as a straight line."""

PARTS = 5
"""In which samples are left out to compare scales."""


@dataclass(frozen=True)
class InputScales:
    """Takes standardised features to what the processes know.

    centre, spread : that the features were standardised with, shape (feature_count,)
    logarithmic : features that become logarithms, ascending
    log_centre, log_spread : of these logarithms; least : the smallest value that was learnt
    """

    centre: np.ndarray
    spread: np.ndarray
    logarithmic: tuple[int, ...] = ()
    log_centre: tuple[float, ...] = ()
    log_spread: tuple[float, ...] = ()
    least: tuple[float, ...] = ()

    @staticmethod
    def of(raw: np.ndarray, centre: np.ndarray, spread: np.ndarray, scales: Sequence[Scale]) -> InputScales:
        """raw : shape (sample_count, feature_count); `scales` are those of its last columns"""
        first = raw.shape[1] - len(scales)
        chosen = tuple(first + k for k, scale in enumerate(scales) if scale == "logarithm")
        logs = np.log(raw[:, chosen])
        return InputScales(
            centre, spread, chosen, tuple(logs.mean(axis=0).tolist()), tuple(logs.std(axis=0).tolist()),
            tuple(raw[:, chosen].min(axis=0).tolist()),
        )  # fmt: skip

    def scales(self, count: int) -> tuple[Scale, ...]:
        """Of the last `count` features, the known scalars."""
        first = len(self.centre) - count
        return tuple("logarithm" if first + k in self.logarithmic else "linear" for k in range(count))

    def units(self) -> np.ndarray:
        """Of one step of every input of the processes, in coefficients and in scalars as they are learnt."""
        units = np.array(self.spread, np.float64)
        units[list(self.logarithmic)] = self.log_spread
        return units

    def __call__(self, features: Tensor) -> Tensor:
        """Of features (…, feature_count), with their graph. Below a tenth of the smallest value that was learnt, where
        every prediction is flagged, a logarithm stays what it is there."""
        if not self.logarithmic:
            return features
        columns = list(features.unbind(-1))
        for k, column in enumerate(self.logarithmic):
            raw = features[..., column] * float(self.spread[column]) + float(self.centre[column])
            columns[column] = (raw.clamp_min(0.1 * self.least[k]).log() - self.log_centre[k]) / self.log_spread[k]
        return torch.stack(columns, dim=-1)


def scaled(table: np.ndarray, scales: Sequence[Scale]) -> np.ndarray:
    """Columns of (sample_count, column_count) as they are learnt."""
    return np.stack(
        [np.log(column) if scale == "logarithm" else column for column, scale in zip(table.T, scales, strict=True)],
        axis=1,
    ) if len(scales) else table  # fmt: skip


def unscaled(mean: np.ndarray, variance: np.ndarray, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Value and standard deviation of what a process says; of a logarithm the median, and the deviation near it."""
    deviation = np.sqrt(variance)
    return (np.exp(mean), np.exp(mean) * deviation) if scale == "logarithm" else (mean, deviation)


def may_be_logarithm(values: np.ndarray) -> bool:
    """Whether all values are positive, and far enough apart for it to matter."""
    return bool(values.min() > 0.0 and values.max() > LEAST_REACH * values.min())


def choose_scales(
    coefficients: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
    modes: np.ndarray,
    *,
    kernel: Kernel,
    subset: int,
    seed: int,
) -> tuple[tuple[Scale, ...], tuple[Scale, ...]]:
    """Scales of inputs and outputs with which samples that are left out are predicted best.

    Inputs are compared as they are, and with all of them that may be logarithms; every output by itself.

    coefficients : of the shape, standardised, shape (sample_count, mode_count)
    inputs, outputs : scalars, shape (sample_count, …)
    modes : coefficients of a few modes of fields, which have a say too, shape (sample_count, …)
    subset : samples on which length scales are sought
    """
    plain: tuple[Scale, ...] = ("linear",) * inputs.shape[1]
    logarithms = tuple[Scale, ...](
        "logarithm" if may_be_logarithm(column) else "linear" for column in inputs.T
    )  # fmt: skip
    chosen, lowest, of_outputs = plain, np.inf, ("linear",) * outputs.shape[1]
    if not outputs.shape[1] + modes.shape[1]:
        return chosen, of_outputs
    for scales in dict.fromkeys((plain, logarithms)):
        table = scaled(inputs, scales)
        spread = np.where(table.std(axis=0) > 0.0, table.std(axis=0), 1.0)
        at = torch.from_numpy(np.concatenate([coefficients, (table - table.mean(axis=0)) / spread], axis=1))
        errors, found = _left_out(at, outputs, modes, kernel=kernel, subset=subset, seed=seed)
        if errors < lowest:
            chosen, lowest, of_outputs = scales, errors, found
    return chosen, of_outputs


def _left_out(
    inputs: Tensor, outputs: np.ndarray, modes: np.ndarray, *, kernel: Kernel, subset: int, seed: int
) -> tuple[float, tuple[Scale, ...]]:
    """Mean logarithm of the relative errors of samples that are left out, and the better scale of every output."""
    candidates = [k for k in range(outputs.shape[1]) if may_be_logarithm(outputs[:, k])]
    values = torch.from_numpy(np.concatenate([outputs, np.log(outputs[:, candidates]), modes], axis=1))
    parameters = find_hyperparameters(inputs, values, kernel=kernel, subset=subset, starts=1, steps=25, seed=seed)
    predicted = np.zeros(values.shape)
    order = np.random.default_rng(seed).permutation(len(values))
    for part in np.array_split(order, PARTS):
        known = np.setdiff1d(order, part)
        processes = condition(inputs[known], values[known], parameters, kernel=kernel)
        predicted[part] = processes.predict_mean(inputs[part]).numpy()
    scales: list[Scale] = ["linear"] * outputs.shape[1]
    errors = [scalar_rrmse(predicted[:, k], outputs[:, k]) for k in range(outputs.shape[1])]
    for place, k in enumerate(candidates, outputs.shape[1]):
        error = scalar_rrmse(np.exp(predicted[:, place]), outputs[:, k])
        if error < errors[k]:
            errors[k], scales[k] = error, "logarithm"
    first = values.shape[1] - modes.shape[1]
    spread = modes.std(axis=0)
    errors.extend(np.sqrt(((predicted[:, first:] - modes) ** 2).mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))
    return float(np.mean(np.log(np.maximum(errors, 1e-12)))), tuple(scales)
