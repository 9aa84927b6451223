"""Samples held out of modes and processes alike: what is measured on them says how wrong a model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.regression.domain import limit
from engine.regression.learning.calibration import (
    LEVELS,
    RatioHistogram,
    conformal_factor,
    held_scalar_shares,
    held_shares,
)
from engine.regression.learning.gaussian_process import Hyperparameters
from engine.regression.learning.leaving_out import Fold, columns_of, field_errors, leave_out, scalar_errors
from engine.regression.learning.reduction import Basis
from engine.regression.learning.report import TrainingReport
from engine.regression.learning.scaling import Scale, unscaled
from engine.regression.learning.scores import relative_error, rrmse
from engine.regression.learning.slope_tables import Process
from engine.regression.learning.sloped_process import SlopedParameters
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots

DRAWN = 800
"""Values of a field at nodes that the card shows, predicted beside true."""


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


def hold_out(
    snapshots: Snapshots,
    shape_modes: int,
    bases: Mapping[str, Basis],
    hyperparameters: Hyperparameters,
    parameters: TrainingParameters,
    tell: Callable[[str, float], None],
    told: Callable[[TrainingReport], None] = lambda report: None,
    *,
    sloped: Mapping[Process, SlopedParameters],
) -> HeldOut:
    """Leave out each part of the samples once; `told` hears of the errors after each.

    hyperparameters, sloped : found on all samples, `sloped` of the processes whose derivatives are known
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
