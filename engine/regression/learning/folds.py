"""Samples held out of modes and processes alike: what is measured on them says how wrong a model is.

Length scales and noise are those found on all samples: they are few, and finding them again for every fold changes
the bands by less than the folds themselves do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.regression.domain import limit, root_mean_square
from engine.regression.learning.baseline import nearest, ridge
from engine.regression.learning.calibration import (
    LEVELS,
    RatioHistogram,
    conformal_factor,
    held_scalar_shares,
    held_shares,
)
from engine.regression.learning.further_inputs import FurtherInputs
from engine.regression.learning.gaussian_process import Hyperparameters, condition
from engine.regression.learning.reduction import Basis, find_basis
from engine.regression.learning.report import TrainingReport
from engine.regression.learning.scaling import Scale, scaled, unscaled
from engine.regression.learning.scores import relative_error, rrmse, scalar_rrmse
from engine.regression.learning.slope_tables import slope_table
from engine.regression.learning.sloped_process import SlopedParameters, Slopes, condition_sloped
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots

DRAWN = 800
"""Values of a field at nodes that the card shows, predicted beside true."""

TOGETHER = 8
"""Processes that are conditioned at once."""


@dataclass(frozen=True)
class HeldOutField:
    """One field on samples that were held out.

    first_column : of its processes among all that were fitted
    mode_count : with how many modes the error is least
    truncation : mean square of what these modes and the way to the common mesh and back leave out, at its nodes
    factor : on the standard deviation, for the wanted coverage
    errors, truncation_errors, interpolation_errors : relative, of every sample: whole, were the coefficients known,
        and were all modes there
    baselines : relative errors of every sample by name of the baseline
    squared_error, squared_spread : at the common nodes, means over samples of the squared error and of the squared
        deviation from the mean field
    shares : see `HeldOutScalar`
    drawn : some values at nodes, drawn at random: predicted, true and half of the band's width, shape (3, count)
    """

    first_column: int
    mode_count: int
    truncation: np.ndarray
    factor: float
    errors: np.ndarray
    truncation_errors: np.ndarray
    interpolation_errors: np.ndarray
    baselines: Mapping[str, np.ndarray]
    squared_error: np.ndarray
    squared_spread: np.ndarray
    shares: tuple[float, ...]
    drawn: np.ndarray


@dataclass(frozen=True)
class HeldOutScalar:
    """One scalar of samples that were held out: predicted, true, half of the band's width, and what the baselines say.

    factor : on the standard deviation, for the wanted coverage
    shares : of true values in bands whose factor comes from other parts: at the wanted coverage, then at `LEVELS`
    """

    factor: float
    predicted: np.ndarray
    true: np.ndarray
    band: np.ndarray
    baselines: Mapping[str, np.ndarray]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class HeldOut:
    """All that was measured.

    column_count : processes that were fitted
    residual_limit, distance_limit, angle_limit : see `engine.regression.domain.Domain`
    """

    fields: Mapping[str, HeldOutField]
    scalars: Mapping[str, HeldOutScalar]
    column_count: int
    residual_limit: float
    distance_limit: float
    angle_limit: float


@dataclass(frozen=True)
class Interpolation:
    """What a field loses on the way to the common mesh and back.

    errors : relative, of every sample
    square : mean over the samples of the squared loss, at the common nodes
    """

    errors: np.ndarray
    square: np.ndarray

    @staticmethod
    def of(snapshots: Snapshots, name: str) -> Interpolation:
        errors, total = [], np.zeros(snapshots.common.node_count)
        for sample, link, values in zip(snapshots.samples, snapshots.links, snapshots.fields[name], strict=True):
            truth = np.asarray(sample.fields[name])
            back = link.from_common.interpolate(torch.from_numpy(values)).numpy()
            errors.append(relative_error(back, truth))
            total += link.to_common.interpolate(torch.from_numpy((back - truth) ** 2)).numpy()
        return Interpolation(np.array(errors), total / len(errors))


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


def hold_out(
    snapshots: Snapshots,
    shape_modes: int,
    bases: Mapping[str, Basis],
    hyperparameters: Hyperparameters,
    parameters: TrainingParameters,
    tell: Callable[[str, float], None],
    told: Callable[[TrainingReport], None] = lambda report: None,
    *,
    sloped: Mapping[str, SlopedParameters] | None = None,
) -> HeldOut:
    """Leave out each part of the samples once; `told` hears of the errors after each.

    sloped : of the outputs whose gradients are known
    """
    parts = parts_of(len(snapshots.samples), parameters)
    widths = {name: basis.mode_count for name, basis in bases.items()}
    columns = columns_of(widths)
    folds: list[Fold] = []
    so_far: dict[str, list[np.ndarray]] = {name: [] for name in widths}
    for k, part in enumerate(parts):
        tell(f"Holding out part {k + 1} of {len(parts)}", 0.65 + 0.2 * k / len(parts))
        folds.append(leave_out(snapshots, part, shape_modes, widths, hyperparameters, parameters, sloped=sloped))
        for name, found in so_far.items():
            found.append(field_errors(name, snapshots, folds[-1], columns[name])[0])
        errors = {name: rrmse(np.concatenate(found)) for name, found in so_far.items()} | scalar_errors(
            snapshots, folds
        )
        samples = sum(len(fold.held) for fold in folds)
        told(TrainingReport(k + 1, len(parts), samples, errors, float(np.mean(list(errors.values())))))
    scalar_begin = sum(widths.values())
    tell("Measuring bands", 0.87)
    fields = {name: _measure_field(name, snapshots, folds, columns[name], parameters) for name in widths}
    scalars = {
        name: _measure_scalar(
            snapshots.outputs[:, k], folds, scalar_begin + k, snapshots.output_scales[k], parameters.coverage
        )
        for k, name in enumerate(snapshots.samples[0].outputs)
    }
    angles = np.array([link.morph.worst_angle for link in snapshots.links])
    return HeldOut(
        fields=fields,
        scalars=scalars,
        column_count=scalar_begin + len(scalars),
        residual_limit=limit(np.concatenate([fold.residuals for fold in folds])),
        distance_limit=limit(np.concatenate([fold.distances for fold in folds])),
        # Half of the worst angle that was learnt is new.
        angle_limit=max(0.5 * float(angles.min()), 0.0),
    )


def parts_of(count: int, parameters: TrainingParameters) -> list[np.ndarray]:
    """The samples in as many parts as there are folds, drawn with the seed; each ascending."""
    order = np.random.default_rng(parameters.seed).permutation(count)
    return [np.sort(part) for part in np.array_split(order, min(parameters.folds, count))]


def columns_of(widths: Mapping[str, int]) -> dict[str, slice]:
    """Where the processes of each field are among all, by the number of its modes."""
    ends = np.cumsum([0, *widths.values()]).tolist()
    return {name: slice(ends[k], ends[k + 1]) for k, name in enumerate(widths)}


def leave_out(
    snapshots: Snapshots,
    held: np.ndarray,
    shape_modes: int,
    widths: Mapping[str, int],
    hyperparameters: Hyperparameters,
    parameters: TrainingParameters,
    *,
    known: np.ndarray | None = None,
    sloped: Mapping[str, SlopedParameters] | None = None,
) -> Fold:
    """Predict the samples `held` from the samples `known`; None: from all others.

    widths : how many modes each field has
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
    means, variances = [], []
    for together in torch.arange(values.shape[1]).split(TOGETHER):
        processes = condition(
            inputs[known], values[:, together], hyperparameters.chosen(together), kernel=parameters.kernel
        )
        mean, variance = processes.predict(inputs[held])
        means.append(mean.numpy())
        variances.append(variance.numpy())
    means_there, variances_there = np.concatenate(means, axis=1), np.concatenate(variances, axis=1)
    units = np.where(spread > 0.0, spread, 1.0)
    for k, name in enumerate(snapshots.samples[0].outputs):
        if sloped and name in sloped:
            slopes = Slopes.of(slope_table(snapshots, shape, units, name, snapshots.output_scales[k])[known])
            if slopes.count:
                column = sum(widths.values()) + k
                process = condition_sloped(
                    inputs[known], values[:, column], slopes, sloped[name], kernel=parameters.kernel
                )
                mean, variance = process.predict(inputs[held])
                means_there[:, column], variances_there[:, column] = mean.numpy(), variance.numpy()
    local = (snapshots.shapes[held] - shape.decode(coefficients[held])).reshape(
        len(held), snapshots.common.dimension, -1
    )
    return Fold(
        held=held,
        bases=bases,
        means=means_there,
        variances=variances_there,
        simple={
            "ridge": ridge(inputs[known].numpy(), values.numpy(), inputs[held].numpy()),
            "nearest": nearest(inputs[known].numpy(), values.numpy(), inputs[held].numpy()),
        },
        residuals=np.sqrt((local**2).sum(axis=1)).max(axis=1),
        distances=np.array([root_mean_square(row) for row in inputs[held, : shape.mode_count].numpy()]),
    )


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


def _measure_field(
    name: str, snapshots: Snapshots, folds: list[Fold], columns: slice, parameters: TrainingParameters
) -> HeldOutField:
    values, mass = snapshots.fields[name], snapshots.mass
    width = columns.stop - columns.start
    # With m modes the squared error is what the processes err in these, and the whole of the others.
    gain = np.zeros(width)
    for fold in folds:
        true = fold.bases[name].coefficients(values[fold.held], mass)
        predicted = fold.means[:, columns][:, : true.shape[1]]
        gain[: true.shape[1]] += (true**2 - (predicted - true) ** 2).sum(axis=0)
    mode_count = int(np.argmax(np.cumsum(gain))) + 1 if width and gain.max() > 0.0 else min(1, width)
    interpolation = Interpolation.of(snapshots, name)
    total = np.zeros(values.shape[1])
    for fold in folds:
        basis = fold.bases[name].truncated(mode_count)
        known = basis.decode(basis.coefficients(values[fold.held], mass))
        total += ((values[fold.held] - known) ** 2).sum(axis=0)
    truncation = total / len(values) + interpolation.square
    histograms, drawn = [], []
    a_sample = max(1, DRAWN // len(values))
    generator = np.random.default_rng(parameters.seed)
    errors, cut_errors = np.zeros(len(values)), np.zeros(len(values))
    simple = {each: np.zeros(len(values)) for each in folds[0].simple}
    squared_error, squared_spread = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for fold in folds:
        basis = fold.bases[name].truncated(mode_count)
        chosen = slice(columns.start, columns.start + basis.mode_count)
        spread = np.sqrt(fold.variances[:, chosen] @ basis.modes**2 + truncation)
        predicted = basis.decode(fold.means[:, chosen])
        known = basis.decode(basis.coefficients(values[fold.held], mass))
        others = {each: basis.decode(means[:, chosen]) for each, means in fold.simple.items()}
        ratios = RatioHistogram()
        for row, sample in enumerate(fold.held):
            # At the sample's own nodes, where predictions are read.
            truth = np.asarray(snapshots.samples[sample].fields[name])
            found = np.stack(
                [predicted[row], spread[row], known[row], *(each[row] for each in others.values())], axis=1
            )
            found = snapshots.links[sample].from_common.interpolate(torch.from_numpy(found)).numpy()
            ratios.add(found[:, 0] - truth, found[:, 1])
            some = generator.integers(len(truth), size=a_sample)
            drawn.append(np.stack([found[some, 0], truth[some], found[some, 1]]))
            errors[sample] = relative_error(found[:, 0], truth)
            cut_errors[sample] = relative_error(found[:, 2], truth)
            for k, each in enumerate(simple):
                simple[each][sample] = relative_error(found[:, 3 + k], truth)
        histograms.append(ratios)
        squared_error += ((predicted - values[fold.held]) ** 2).sum(axis=0)
        squared_spread += ((values[fold.held] - basis.mean) ** 2).sum(axis=0)
    factor = RatioHistogram.together(histograms).factor(parameters.coverage)
    return HeldOutField(
        first_column=columns.start,
        mode_count=mode_count,
        truncation=truncation,
        factor=factor,
        errors=errors,
        truncation_errors=cut_errors,
        interpolation_errors=interpolation.errors,
        baselines=simple,
        squared_error=squared_error / len(values),
        squared_spread=squared_spread / len(values),
        shares=tuple(held_shares(histograms, (parameters.coverage, *LEVELS))),
        drawn=np.concatenate(drawn, axis=1) * np.array([[1.0], [1.0], [factor]]),
    )


def _measure_scalar(true: np.ndarray, folds: list[Fold], column: int, scale: Scale, coverage: float) -> HeldOutScalar:
    predicted, spread = np.zeros(len(true)), np.zeros(len(true))
    simple = {each: np.zeros(len(true)) for each in folds[0].simple}
    for fold in folds:
        variances = fold.variances[:, column]
        predicted[fold.held], spread[fold.held] = unscaled(fold.means[:, column], variances, scale)
        for each, means in fold.simple.items():
            simple[each][fold.held] = unscaled(means[:, column], variances, scale)[0]
    ratios = np.abs(predicted - true) / np.maximum(spread, 1e-300)
    factor = conformal_factor(ratios, coverage)
    shares = held_scalar_shares([ratios[fold.held] for fold in folds], (coverage, *LEVELS))
    return HeldOutScalar(factor, predicted, true, factor * spread, simple, tuple(shares))
