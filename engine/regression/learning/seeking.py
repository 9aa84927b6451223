"""Hyperparameters of all processes of a model: of the modes of its fields, and of its scalars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from engine.regression.learning.gaussian_process import MOST_REFINED, Hyperparameters, find_hyperparameters
from engine.regression.learning.reduction import Basis
from engine.regression.learning.slope_tables import Process
from engine.regression.learning.sloped_process import SlopedParameters, Slopes, find_sloped
from engine.regression.settings import TrainingParameters

REFINED = 0.99
"""Part of a field's energy whose modes have their length scales refined on more samples, and learn from gradients."""


def seek(
    inputs: Tensor,
    values: Tensor,
    bases: Mapping[str, Basis],
    parameters: TrainingParameters,
    *,
    trailing: Hyperparameters | None = None,
) -> Hyperparameters:
    """Of all modes, and of the scalars behind them: these are few, and sought on many samples.

    inputs : shape (sample_count, input_count)
    values : coefficients of every field's modes, then scalars, shape (sample_count, process_count)
    trailing : of all processes; those of modes beyond `leading_modes` are taken from there, and not sought
    """
    kernel, seed = parameters.kernel, parameters.seed
    before = np.concatenate([np.zeros(0), *(_energy_before(basis) for basis in bases.values())])
    modes = len(before)
    found = torch.zeros((values.shape[1], inputs.shape[1] + 3), dtype=torch.float64)
    sought = [(np.arange(modes)[before < REFINED], 12)]
    if trailing is None:
        sought.append((np.arange(modes)[before >= REFINED], 0))
    else:
        found[:] = trailing.flat()
    for chosen, refining in sought:
        columns = torch.from_numpy(chosen)
        if len(columns):
            found[columns] = find_hyperparameters(
                inputs, values[:, columns], kernel=kernel, subset=parameters.subset, starts=1, steps=40, seed=seed,
                refining=refining,
            ).flat()  # fmt: skip
    if values.shape[1] > modes:
        found[modes:] = find_hyperparameters(
            inputs, values[:, modes:], kernel=kernel, subset=MOST_REFINED, starts=2, steps=60, seed=seed
        ).flat()
    return Hyperparameters.from_flat(found)


def seek_sloped(
    inputs: Tensor,
    values: Tensor,
    slopes: Mapping[Process, Slopes],
    columns: Mapping[Process, int],
    start: Hyperparameters,
    parameters: TrainingParameters,
) -> dict[Process, SlopedParameters]:
    """Of the processes whose derivatives are known; `columns` : of their values; start : of all, without them"""
    return {
        process: find_sloped(
            inputs, values[:, columns[process]], known, start.chosen(slice(columns[process], columns[process] + 1)),
            kernel=parameters.kernel,
        )
        for process, known in slopes.items()
    }  # fmt: skip


def leading_modes(basis: Basis) -> int:
    """How many hold the part `REFINED` of the energy."""
    return int((_energy_before(basis) < REFINED).sum())


def _energy_before(basis: Basis) -> np.ndarray:
    """The part of the field's energy that is in earlier modes, shape (mode_count,)."""
    return np.asarray((np.cumsum(basis.energies) - basis.energies) / max(basis.total, 1e-300))
