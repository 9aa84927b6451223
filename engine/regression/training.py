"""Training: from a data set to a model, with errors and bands measured on samples that were held out of everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse import block_diag, csr_matrix
from torch import Tensor

from engine.core.errors import FormwrightError
from engine.regression.card import make_card
from engine.regression.checking import check_dataset
from engine.regression.dataset import Dataset, DatasetError, Sample
from engine.regression.domain import Domain
from engine.regression.features import CommonMesh, Correspondence, choose_common, coordinates
from engine.regression.folds import HeldOut, hold_out
from engine.regression.gaussian_process import MOST_REFINED, Hyperparameters, condition, find_hyperparameters
from engine.regression.mapping import MorphSettings
from engine.regression.model import FieldModel, RegressionModel, ScalarModel
from engine.regression.morph import common_outline, prepare_meshes
from engine.regression.reduction import Basis, find_basis, gram_matrix
from engine.regression.report import TrainingReport
from engine.regression.settings import TrainingParameters

LEAST_SAMPLES = 20


class TrainingStoppedError(FormwrightError):
    """The user does not want it any more."""


@dataclass(frozen=True)
class Snapshots:
    """The training samples on the common mesh.

    shapes : coordinates, shape (sample_count, dimension · node_count)
    fields : by name, shape (sample_count, node_count)
    inputs, outputs : scalars, shapes (sample_count, …)
    mass, shape_mass : of fields and of coordinates
    shape_gram, grams : inner products of all snapshots, so that folds need not find them again
    """

    samples: tuple[Sample, ...]
    common: CommonMesh
    links: tuple[Correspondence, ...]
    shapes: np.ndarray
    fields: dict[str, np.ndarray]
    inputs: np.ndarray
    outputs: np.ndarray
    mass: csr_matrix
    shape_mass: csr_matrix
    shape_gram: np.ndarray
    grams: dict[str, np.ndarray]


Progress = Callable[[str, float], None]


def train(
    dataset: Dataset,
    parameters: TrainingParameters,
    *,
    progress: Progress = lambda message, fraction: None,
    stop: Callable[[], bool] = lambda: False,
    told: Callable[[TrainingReport], None] = lambda report: None,
) -> RegressionModel:
    """Learn from the training part of a data set.

    progress : told what is being done, and how far it is in [0, 1]
    stop : asked between steps; raises `TrainingStoppedError` where it says so
    told : hears the errors on samples that were held out, again and again as more of them are

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
    snapshots = take_snapshots(samples, parameters, tell)
    tell("Finding modes", 0.3)
    shape = find_basis(
        snapshots.shapes, snapshots.shape_mass, most=parameters.shape_modes, energy=parameters.energy,
        gram=snapshots.shape_gram,
    )  # fmt: skip
    raw = np.concatenate([shape.coefficients(snapshots.shapes, snapshots.shape_mass), snapshots.inputs], axis=1)
    centre, spread = standardisation(raw)
    inputs = torch.from_numpy((raw - centre) / spread)
    bases = {
        name: find_basis(
            values, snapshots.mass, most=parameters.field_modes, energy=parameters.energy, gram=snapshots.grams[name]
        )
        for name, values in snapshots.fields.items()
    }
    coefficients = [basis.coefficients(snapshots.fields[name], snapshots.mass) for name, basis in bases.items()]
    values = torch.from_numpy(np.concatenate([*coefficients, snapshots.outputs], axis=1))
    tell("Finding length scales", 0.4)
    hyperparameters = _sought(inputs, values, len(dataset.output_names), parameters)
    tell("Holding out", 0.65)
    held = hold_out(snapshots, shape.mode_count, bases, hyperparameters, parameters, tell, told)
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
        processes=processes,
        fields={
            name: FieldModel(
                name, units.get(name, ""), basis, columns[name], held.fields[name].truncation, held.fields[name].factor
            )
            for name, basis in bases.items()
        },
        scalars={
            name: ScalarModel(
                name, units.get(name, ""), len(kept) - len(dataset.output_names) + k, held.scalars[name].factor
            )
            for k, name in enumerate(dataset.output_names)
        },
        domain=_domain(held, inputs.numpy(), shape.mode_count),
    )
    tell("Done", 1.0)
    return replace(model, card=make_card(dataset, snapshots, model, held, parameters))


def _sought(inputs: Tensor, values: Tensor, scalars: int, parameters: TrainingParameters) -> Hyperparameters:
    """Hyperparameters of all modes, and of the scalars behind them: these are few, and sought on many samples."""
    modes = values.shape[1] - scalars
    kernel, seed = parameters.kernel, parameters.seed
    found = []
    if modes:
        found.append(
            find_hyperparameters(
                inputs, values[:, :modes], kernel=kernel, subset=parameters.subset, starts=1, steps=40, seed=seed,
                refining=12,
            )
        )  # fmt: skip
    if scalars:
        found.append(
            find_hyperparameters(
                inputs, values[:, modes:], kernel=kernel, subset=MOST_REFINED, starts=2, steps=60, seed=seed
            )
        )
    return Hyperparameters.from_flat(torch.cat([each.flat() for each in found]))


def take_snapshots(samples: tuple[Sample, ...], parameters: TrainingParameters, tell: Progress) -> Snapshots:
    """Morph all samples and bring their fields to the common mesh."""
    with torch.no_grad():
        prepared = prepare_meshes(samples, parameters.morph)
        settings = MorphSettings(parameters.weights, parameters.turning_share)
        outline = common_outline(samples, prepared, settings)
        common, links = choose_common(list(samples), prepared, outline)
        tell("Bringing fields together", 0.2)
        shapes = np.stack(
            [coordinates(torch.from_numpy(s.nodes), link).numpy() for s, link in zip(samples, links, strict=True)]
        )
        fields = {
            name: np.stack(
                [
                    link.to_common.interpolate(torch.from_numpy(np.asarray(s.fields[name], np.float64))).numpy()
                    for s, link in zip(samples, links, strict=True)
                ]
            )
            for name in samples[0].fields
        }
    mass = common.mass()
    shape_mass = csr_matrix(block_diag([mass] * common.dimension))
    part = Dataset(samples)
    return Snapshots(
        samples=samples,
        common=common,
        links=tuple(links),
        shapes=shapes,
        fields=fields,
        inputs=part.inputs(),
        outputs=part.outputs(),
        mass=mass,
        shape_mass=shape_mass,
        shape_gram=gram_matrix(shapes, shape_mass),
        grams={name: gram_matrix(values, mass) for name, values in fields.items()},
    )


def standardisation(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every column; 1 where a column is constant."""
    spread = raw.std(axis=0)
    return raw.mean(axis=0), np.where(spread > 1e-12 * np.maximum(np.abs(raw).max(axis=0), 1e-300), spread, 1.0)


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
