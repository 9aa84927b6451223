"""Training: from a data set to a model, with errors and bands measured on samples that were held out of everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from engine.core.errors import ParameterError, StoppedError
from engine.regression.data.checking import check_dataset
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.learning.assembling import domain_of, field_models, kept_columns, scalar_models
from engine.regression.learning.card import make_card
from engine.regression.learning.folds import hold_out
from engine.regression.learning.further_inputs import FurtherInputs
from engine.regression.learning.gaussian_process import condition
from engine.regression.learning.leaving_out import process_columns
from engine.regression.learning.reduction import find_basis
from engine.regression.learning.report import TrainingReport
from engine.regression.learning.scaling import InputScales, choose_scales, scaled
from engine.regression.learning.seeking import leading_modes, seek, seek_sloped
from engine.regression.learning.slope_tables import known_slopes, names_with_gradients
from engine.regression.learning.sloped_process import condition_sloped
from engine.regression.learning.snapshots import Snapshots, take_snapshots
from engine.regression.model import RegressionModel
from engine.regression.settings import LEAST_SAMPLES, TrainingParameters

LEADING = 1
"""Modes of each field that stand for it when scales are chosen."""

SCALED_ON = 200
"""Samples on which length scales are sought while scales are chosen."""


class TrainingStoppedError(StoppedError):
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
    bases = {
        name: find_basis(
            values, snapshots.mass, most=like.fields[name].basis.mode_count if like else parameters.field_modes,
            energy=1.0 if like else parameters.energy, gram=snapshots.grams[name],
        )
        for name, values in snapshots.fields.items()
    }  # fmt: skip
    raw = np.concatenate([shape.coefficients(snapshots.shapes, snapshots.shape_mass), snapshots.inputs], axis=1)
    centre, spread = standardisation(raw)
    features = torch.from_numpy((raw - centre) / spread)
    coefficients = [basis.coefficients(snapshots.fields[name], snapshots.mass) for name, basis in bases.items()]
    tell("Finding length scales", 0.4)
    snapshots, scales = _scaled(snapshots, raw, centre, spread, coefficients, parameters, like)
    further = FurtherInputs.of(snapshots.further, snapshots.common, snapshots.further_modes)
    _require_no_gradients(further, snapshots)
    snapshots = replace(snapshots, further_modes=further.mode_counts)
    inputs = scales(features)
    if further.kinds:
        inputs = torch.cat([inputs, torch.from_numpy(further.table(snapshots.further, further.mode_counts))], dim=1)
    values = torch.from_numpy(
        np.concatenate([*coefficients, scaled(snapshots.outputs, snapshots.output_scales)], axis=1)
    )
    if like and like.processes.parameters.length_scales.shape == (values.shape[1], inputs.shape[1]):
        hyperparameters = like.processes.parameters
    else:
        hyperparameters = seek(inputs, values, bases, parameters)
    leading = {name: leading_modes(basis) for name, basis in bases.items()}
    slopes = known_slopes(snapshots, np.arange(len(raw)), shape, scales.units(), bases, leading)
    columns = process_columns({name: basis.mode_count for name, basis in bases.items()}, dataset.output_names)
    before = {process: each.parameters for process, each in like.sloped.items()} if like else {}
    new = {process: each for process, each in slopes.items() if process not in before}
    sloped = before | seek_sloped(inputs, values, new, columns, hyperparameters, parameters)
    tell("Holding out", 0.65)
    held = hold_out(snapshots, shape.mode_count, bases, hyperparameters, parameters, tell, told, sloped=sloped)
    bases = {name: basis.truncated(held.fields[name].mode_count) for name, basis in bases.items()}
    kept, places = kept_columns(bases, held, len(dataset.output_names))
    tell("Conditioning on all samples", 0.95)
    model = RegressionModel(
        common=snapshots.common,
        shape=shape,
        input_names=dataset.input_names,
        centre=centre,
        spread=spread,
        scales=scales,
        further=further,
        processes=condition(inputs, values[:, kept], hyperparameters.chosen(kept), kernel=parameters.kernel),
        fields=field_models(bases, places, held, dataset.units),
        scalars=scalar_models(
            dataset, len(kept) - len(dataset.output_names), snapshots.outputs, snapshots.output_scales, held
        ),
        sloped={
            process: condition_sloped(
                inputs, values[:, columns[process]], known, sloped[process], kernel=parameters.kernel
            )
            for process, known in slopes.items()
            if process[0] not in bases or process[1] < bases[process[0]].mode_count
        },
        domain=domain_of(held, features.numpy(), shape.mode_count),
    )
    tell("Done", 1.0)
    return replace(model, card=make_card(dataset, snapshots, model, held, parameters))


def _require_no_gradients(further: FurtherInputs, snapshots: Snapshots) -> None:
    """Gradients do not say how an output answers to further inputs."""
    named = names_with_gradients(snapshots)
    if named and further.kinds:
        raise ParameterError(
            f"{next(iter(further.kinds))}_modes",
            f"the data hold gradients of {named[0]}, which do not say how it answers to these.",
            remedy="Set it to 0.",
        )


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


def standardisation(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column; 1 where a column is constant."""
    spread = raw.std(axis=0)
    return raw.mean(axis=0), np.where(spread > 1e-12 * np.maximum(np.abs(raw).max(axis=0), 1e-300), spread, 1.0)
