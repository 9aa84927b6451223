"""Training: from a data set to a model, with errors and bands measured on samples that were held out of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import FormwrightError, ParameterError
from engine.regression.data.checking import check_dataset
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.domain import Domain
from engine.regression.learning.card import make_card
from engine.regression.learning.folds import HeldOut, hold_out
from engine.regression.learning.further_inputs import FurtherInputs
from engine.regression.learning.gaussian_process import MOST_REFINED, Hyperparameters, condition, find_hyperparameters
from engine.regression.learning.reduction import Basis, find_basis
from engine.regression.learning.report import TrainingReport
from engine.regression.learning.scaling import InputScales, choose_scales, scaled
from engine.regression.learning.slope_tables import has_gradients, slope_table
from engine.regression.learning.sloped_process import SlopedParameters, Slopes, condition_sloped, find_sloped
from engine.regression.learning.snapshots import Snapshots, take_snapshots
from engine.regression.model import FieldModel, RegressionModel, ScalarModel
from engine.regression.settings import LEAST_SAMPLES, TrainingParameters

LEADING = 1
"""Modes of each field that stand for it when scales are chosen."""

SCALED_ON = 200
"""Samples on which length scales are sought while scales are chosen."""

REFINED = 0.99
"""Part of a field's energy whose modes have their length scales refined on more samples."""


class TrainingStoppedError(FormwrightError):
    """The user does not want it any more."""


Progress = Callable[[str, float], None]


def train(
    dataset: Dataset,
    parameters: TrainingParameters,
    *,
    progress: Progress = lambda message, fraction: None,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[TrainingReport], None] = lambda report: None,
    like: RegressionModel | None = None,
) -> RegressionModel:
    """Learn from the training part of a data set.

    progress : told what is being done, and how far it is in [0, 1]
    stop : asked between steps; raises `TrainingStoppedError` where it says so
    told : hears the errors on samples that were held out, again and again as more of them are
    like : a model of samples like these, whose numbers of modes, scales and length scales are taken: much faster

    Raises `DatasetError` that names the sample which cannot be learnt from.
    """

    def tell(message: str, fraction: float) -> None:
        if stop():
            raise TrainingStoppedError("The training was stopped.", remedy="Nothing was written.")
        progress(message, fraction)

    tell("Checking the samples", 0.0)
    check_dataset(dataset)
    samples = dataset.part("train")
    if len(samples) < LEAST_SAMPLES:
        raise DatasetError(
            f"{dataset.name} has {len(samples)} samples for training.", remedy=f"At least {LEAST_SAMPLES} are needed."
        )
    tell("Morphing", 0.05)
    return learn(take_snapshots(samples, parameters, tell), dataset, parameters, tell=tell, told=told, like=like)


def learn(
    snapshots: Snapshots,
    dataset: Dataset,
    parameters: TrainingParameters,
    *,
    tell: Progress = lambda message, fraction: None,
    told: Callable[[TrainingReport], None] = lambda report: None,
    like: RegressionModel | None = None,
) -> RegressionModel:
    """Learn from samples that are on the common mesh; see `train`. `dataset` says names and units."""
    tell("Finding modes", 0.3)
    shape = find_basis(
        snapshots.shapes, snapshots.shape_mass, most=like.shape.mode_count if like else parameters.shape_modes,
        energy=1.0 if like else parameters.energy, gram=snapshots.shape_gram,
    )  # fmt: skip
    raw = np.concatenate([shape.coefficients(snapshots.shapes, snapshots.shape_mass), snapshots.inputs], axis=1)
    centre, spread = standardisation(raw)
    features = torch.from_numpy((raw - centre) / spread)
    bases = {
        name: find_basis(
            values, snapshots.mass, most=like.fields[name].basis.mode_count if like else parameters.field_modes,
            energy=1.0 if like else parameters.energy, gram=snapshots.grams[name],
        )
        for name, values in snapshots.fields.items()
    }  # fmt: skip
    coefficients = [basis.coefficients(snapshots.fields[name], snapshots.mass) for name, basis in bases.items()]
    tell("Finding length scales", 0.4)
    snapshots, scales = _scaled(snapshots, raw, centre, spread, coefficients, parameters, like)
    inputs = scales(features)
    further = FurtherInputs.of(snapshots.further, snapshots.common, snapshots.further_modes)
    snapshots = replace(snapshots, further_modes=further.mode_counts)
    if further.kinds:
        inputs = torch.cat([inputs, torch.from_numpy(further.table(snapshots.further, further.mode_counts))], dim=1)
    values = torch.from_numpy(
        np.concatenate([*coefficients, scaled(snapshots.outputs, snapshots.output_scales)], axis=1)
    )
    if like and like.processes.parameters.length_scales.shape == (values.shape[1], inputs.shape[1]):
        hyperparameters = like.processes.parameters
    else:
        hyperparameters = _sought(inputs, values, bases, parameters)
    tables = {
        name: slope_table(snapshots, shape, scales.units(), name, snapshots.output_scales[k])
        for k, name in enumerate(dataset.output_names)
        if has_gradients(snapshots, name)
    }
    if tables and further.kinds:
        raise ParameterError(
            f"{next(iter(further.kinds))}_modes",
            f"the data hold gradients of {next(iter(tables))}, which do not say how it answers to these.",
            remedy="Set it to 0.",
        )
    slopes = {name: Slopes.of(table) for name, table in tables.items()}
    columns_of_scalars = {
        name: values.shape[1] - len(dataset.output_names) + k for k, name in enumerate(dataset.output_names)
    }
    sloped = _sloped(inputs, values, slopes, columns_of_scalars, hyperparameters, parameters, like)
    tell("Holding out", 0.65)
    held = hold_out(snapshots, shape.mode_count, bases, hyperparameters, parameters, tell, told, sloped=sloped)
    bases = {name: basis.truncated(held.fields[name].mode_count) for name, basis in bases.items()}
    kept, columns = _kept_columns(bases, held, len(dataset.output_names))
    tell("Conditioning on all samples", 0.95)
    processes = condition(inputs, values[:, kept], hyperparameters.chosen(kept), kernel=parameters.kernel)
    units = dataset.units
    model = RegressionModel(
        common=snapshots.common,
        shape=shape,
        input_names=dataset.input_names,
        centre=centre,
        spread=spread,
        scales=scales,
        further=further,
        processes=processes,
        fields={
            name: FieldModel(
                name, units.get(name, ""), basis, columns[name], held.fields[name].truncation, held.fields[name].factor
            )
            for name, basis in bases.items()
        },
        scalars={
            name: ScalarModel(
                name,
                units.get(name, ""),
                len(kept) - len(dataset.output_names) + k,
                held.scalars[name].factor,
                snapshots.output_scales[k],
                float(snapshots.outputs[:, k].std()),
            )
            for k, name in enumerate(dataset.output_names)
        },
        sloped={
            name: condition_sloped(
                inputs, values[:, columns_of_scalars[name]], slopes[name], each, kernel=parameters.kernel
            )
            for name, each in sloped.items()
        },
        domain=_domain(held, features.numpy(), shape.mode_count),
    )
    tell("Done", 1.0)
    return replace(model, card=make_card(dataset, snapshots, model, held, parameters))


def _scaled(
    snapshots: Snapshots,
    raw: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    coefficients: list[np.ndarray],
    parameters: TrainingParameters,
    like: RegressionModel | None,
) -> tuple[Snapshots, InputScales]:
    """Snapshots that know how scalars are learnt, and the way from features to the inputs of the processes.

    raw : coefficients of the shape and scalars; `coefficients` : of the modes of each field
    """
    shape_count = raw.shape[1] - snapshots.inputs.shape[1]
    features = (raw - centre) / spread
    leading = np.concatenate([np.zeros((len(raw), 0)), *(each[:, :LEADING] for each in coefficients)], axis=1)
    if like:
        of_inputs = like.scales.scales(snapshots.inputs.shape[1])
        of_outputs = tuple(each.scale for each in like.scalars.values())
        chosen = replace(snapshots, input_scales=of_inputs, output_scales=of_outputs)
        return chosen, InputScales.of(raw, centre, spread, of_inputs)
    of_inputs, of_outputs = choose_scales(
        features[:, :shape_count], snapshots.inputs, snapshots.outputs, leading, kernel=parameters.kernel,
        subset=SCALED_ON, seed=parameters.seed,
    )  # fmt: skip
    scales = InputScales.of(raw, centre, spread, of_inputs)
    return replace(snapshots, input_scales=of_inputs, output_scales=of_outputs), scales


def _sought(
    inputs: Tensor, values: Tensor, bases: Mapping[str, Basis], parameters: TrainingParameters
) -> Hyperparameters:
    """Hyperparameters of all modes, and of the scalars behind them: these are few, and sought on many samples."""
    kernel, seed = parameters.kernel, parameters.seed
    # Before each mode, this part of the field's energy is in others.
    before = np.concatenate(
        [np.zeros(0), *((np.cumsum(b.energies) - b.energies) / max(b.total, 1e-300) for b in bases.values())]
    )
    modes = len(before)
    found = torch.zeros((values.shape[1], inputs.shape[1] + 3), dtype=torch.float64)
    for chosen, refining in ((before < REFINED, 12), (before >= REFINED, 0)):
        columns = torch.from_numpy(np.flatnonzero(chosen))
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


def standardisation(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column; 1 where a column is constant."""
    spread = raw.std(axis=0)
    return raw.mean(axis=0), np.where(spread > 1e-12 * np.maximum(np.abs(raw).max(axis=0), 1e-300), spread, 1.0)


def _sloped(
    inputs: Tensor,
    values: Tensor,
    slopes: Mapping[str, Slopes],
    columns: Mapping[str, int],
    hyperparameters: Hyperparameters,
    parameters: TrainingParameters,
    like: RegressionModel | None,
) -> dict[str, SlopedParameters]:
    """Of the scalars whose gradients are known, by name; `columns` : of their processes."""
    found = {}
    for name, known in slopes.items():
        column = columns[name]
        if like and name in like.sloped:
            found[name] = like.sloped[name].parameters
        else:
            start = hyperparameters.chosen(slice(column, column + 1))
            found[name] = find_sloped(inputs, values[:, column], known, start, kernel=parameters.kernel)
    return found


def _kept_columns(bases: dict[str, Basis], held: HeldOut, scalar_count: int) -> tuple[torch.Tensor, dict[str, slice]]:
    """Columns of all processes that stay, and where each field's are among them."""
    kept: list[int] = []
    columns: dict[str, slice] = {}
    for name, basis in bases.items():
        begin = held.fields[name].first_column
        columns[name] = slice(len(kept), len(kept) + basis.mode_count)
        kept.extend(range(begin, begin + basis.mode_count))
    kept.extend(range(held.column_count - scalar_count, held.column_count))
    return torch.tensor(kept), columns


def _domain(held: HeldOut, inputs: np.ndarray, shape_count: int) -> Domain:
    scalars = inputs[:, shape_count:]
    return Domain(
        residual=held.residual_limit,
        distance=held.distance_limit,
        worst_angle=held.angle_limit,
        low=scalars.min(axis=0) if scalars.size else np.zeros(0),
        high=scalars.max(axis=0) if scalars.size else np.zeros(0),
        shape_count=shape_count,
    )
