"""Samples that are left out, predicted by modes and processes that never saw them.

Of few samples the length scales and the noise are found again without those that are left out: what was fitted to a
sample errs less on it than on a new one, and bands would be too narrow. Of many samples they are those of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from engine.regression.domain import root_mean_square
from engine.regression.learning.baseline import nearest, ridge
from engine.regression.learning.further_inputs import FurtherInputs
from engine.regression.learning.gaussian_process import Hyperparameters, condition
from engine.regression.learning.reduction import Basis, find_basis
from engine.regression.learning.scaling import scaled, unscaled
from engine.regression.learning.scores import relative_error, scalar_rrmse
from engine.regression.learning.seeking import leading_modes, seek, seek_sloped
from engine.regression.learning.slope_tables import Process, known_slopes
from engine.regression.learning.sloped_process import SlopedParameters, condition_sloped
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots

REFOUND = 200
"""From at most so many samples hyperparameters are found again when others are left out."""

TOGETHER = 8
"""Processes that are conditioned at once."""


@dataclass(frozen=True)
class Fold:
    """One part left out: what was predicted of it.

    held : rows of the samples that were left out
    bases : of the fields, from the others
    means, variances : of all processes, shape (held_count, column_count)
    simple : predictions of the baselines, same shape, by name
    """

    held: np.ndarray
    bases: Mapping[str, Basis]
    means: np.ndarray
    variances: np.ndarray
    simple: Mapping[str, np.ndarray]
    residuals: np.ndarray
    distances: np.ndarray


def columns_of(widths: Mapping[str, int]) -> dict[str, slice]:
    """Where the processes of each field are among all, by the number of its modes."""
    ends = np.cumsum([0, *widths.values()]).tolist()
    return {name: slice(ends[k], ends[k + 1]) for k, name in enumerate(widths)}


def process_columns(widths: Mapping[str, int], outputs: Iterable[str]) -> dict[Process, int]:
    """The column of every process: of the modes of all fields, and of the scalars behind them."""
    modes = [(name, mode) for name, width in widths.items() for mode in range(width)]
    return {process: column for column, process in enumerate([*modes, *((name, 0) for name in outputs)])}


def leave_out(
    snapshots: Snapshots,
    held: np.ndarray,
    shape_modes: int,
    widths: Mapping[str, int],
    hyperparameters: Hyperparameters,
    parameters: TrainingParameters,
    *,
    known: np.ndarray | None = None,
    sloped: Mapping[Process, SlopedParameters],
) -> Fold:
    """Predict the samples `held` from the samples `known`; None: from all others.

    widths : how many modes each field has
    hyperparameters, sloped : of all samples
    """
    if known is None:
        known = np.setdiff1d(np.arange(len(snapshots.samples)), held)
    square = np.ix_(known, known)
    shape = find_basis(
        snapshots.shapes[known], snapshots.shape_mass, most=shape_modes, gram=snapshots.shape_gram[square]
    )
    coefficients = shape.coefficients(snapshots.shapes, snapshots.shape_mass)
    # Fewer samples may have fewer modes: what is missing is nothing.
    raw = np.pad(coefficients, ((0, 0), (0, shape_modes - shape.mode_count)))
    raw = np.concatenate([raw, scaled(snapshots.inputs, snapshots.input_scales)], axis=1)
    centre, spread = raw[known].mean(axis=0), raw[known].std(axis=0)
    table = (raw - centre) / np.where(spread > 0.0, spread, 1.0)
    if snapshots.further:
        of_known = {kind: values[known] for kind, values in snapshots.further.items()}
        further = FurtherInputs.of(of_known, snapshots.common, snapshots.further_modes)
        table = np.concatenate([table, further.table(snapshots.further, snapshots.further_modes)], axis=1)
    inputs = torch.from_numpy(table)
    bases, columns = {}, []
    for name, width in widths.items():
        bases[name] = find_basis(
            snapshots.fields[name][known], snapshots.mass, most=width, gram=snapshots.grams[name][square]
        )
        found = bases[name].coefficients(snapshots.fields[name][known], snapshots.mass)
        columns.append(np.pad(found, ((0, 0), (0, width - found.shape[1]))))
    values = torch.from_numpy(
        np.concatenate([*columns, scaled(snapshots.outputs[known], snapshots.output_scales)], axis=1)
    )
    few = len(known) <= REFOUND
    if few:
        hyperparameters = seek(inputs[known], values, bases, parameters, trailing=hyperparameters)
    means, variances = _predicted(inputs[known], values, inputs[held], hyperparameters, parameters)
    units = np.where(spread > 0.0, spread, 1.0)
    leading = {name: leading_modes(basis) for name, basis in bases.items()}
    where = process_columns(widths, snapshots.samples[0].outputs)
    slopes = known_slopes(snapshots, known, shape, units, bases, leading)
    if few:
        sloped = seek_sloped(inputs[known], values, slopes, where, hyperparameters, parameters)
    for process in slopes.keys() & sloped.keys():
        column = where[process]
        told = condition_sloped(
            inputs[known], values[:, column], slopes[process], sloped[process], kernel=parameters.kernel
        )
        mean, variance = told.predict(inputs[held])
        means[:, column], variances[:, column] = mean.numpy(), variance.numpy()
    local = (snapshots.shapes[held] - shape.decode(coefficients[held])).reshape(
        len(held), snapshots.common.dimension, -1
    )
    return Fold(
        held=held,
        bases=bases,
        means=means,
        variances=variances,
        simple={
            "ridge": ridge(inputs[known].numpy(), values.numpy(), inputs[held].numpy()),
            "nearest": nearest(inputs[known].numpy(), values.numpy(), inputs[held].numpy()),
        },
        residuals=np.sqrt((local**2).sum(axis=1)).max(axis=1),
        distances=np.array([root_mean_square(row) for row in inputs[held, : shape.mode_count].numpy()]),
    )


def _predicted(
    inputs: Tensor, values: Tensor, asked: Tensor, hyperparameters: Hyperparameters, parameters: TrainingParameters
) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of all processes at the inputs `asked`, each (asked_count, process_count)."""
    means, variances = [], []
    for together in torch.arange(values.shape[1]).split(TOGETHER):
        processes = condition(inputs, values[:, together], hyperparameters.chosen(together), kernel=parameters.kernel)
        mean, variance = processes.predict(asked)
        means.append(mean.numpy())
        variances.append(variance.numpy())
    return np.concatenate(means, axis=1), np.concatenate(variances, axis=1)


def field_errors(
    name: str, snapshots: Snapshots, fold: Fold, columns: slice, mode_count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Relative errors of one field of every sample that was held out, at its own nodes: of what was predicted, and of
    what the same modes could show; with the first `mode_count` modes, None: with all."""
    basis = fold.bases[name] if mode_count is None else fold.bases[name].truncated(mode_count)
    predicted = basis.decode(fold.means[:, columns][:, : basis.mode_count])
    known = basis.decode(basis.coefficients(snapshots.fields[name][fold.held], snapshots.mass))
    found, cut = np.zeros(len(fold.held)), np.zeros(len(fold.held))
    for row, sample in enumerate(fold.held):
        truth = np.asarray(snapshots.samples[sample].fields[name])
        both = torch.from_numpy(np.stack([predicted[row], known[row]], axis=1))
        both_there = snapshots.links[sample].from_common.interpolate(both).numpy()
        found[row], cut[row] = (relative_error(values, truth) for values in both_there.T)
    return found, cut


def scalar_errors(snapshots: Snapshots, folds: list[Fold]) -> dict[str, float]:
    """RRMSE of every scalar over all samples that were held out; their processes are the last."""
    held = np.concatenate([fold.held for fold in folds])
    names = list(snapshots.samples[0].outputs)
    first = folds[0].means.shape[1] - len(names)
    predicted = np.concatenate([fold.means[:, first:] for fold in folds])
    spread = np.concatenate([fold.variances[:, first:] for fold in folds])
    found = {}
    for k, name in enumerate(names):
        value = unscaled(predicted[:, k], spread[:, k], snapshots.output_scales[k])[0]
        found[name] = scalar_rrmse(value, snapshots.outputs[held, k])
    return found
