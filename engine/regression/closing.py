"""Closing the loop: the true solver at a part that a model led to, the truth beside the prediction, and the data set
with it, to learn from anew."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FormwrightError
from engine.regression.data.checking import check_dataset
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import write_flat
from engine.regression.data.folder import ANCHOR, COLUMN, SCALARS
from engine.regression.data.reading import FLAT_FILE, read_dataset, write_fields
from engine.regression.generation.catalogue import GENERATORS
from engine.regression.generation.generate import ADDED, RECIPE
from engine.regression.learning.scores import relative_error
from engine.regression.model import Prediction, RegressionModel

Solve = Callable[[Sample], Sample]


@dataclass(frozen=True)
class VerifiedField:
    """error : relative, as on the card; inside : part of the nodes whose truth lies in the band"""

    error: float
    inside: float
    unit: str


@dataclass(frozen=True)
class VerifiedScalar:
    """What was predicted, half of the band's width, what is true, and whether that lies in the band."""

    predicted: float
    band: float
    true: float
    unit: str

    @property
    def inside(self) -> bool:
        return abs(self.predicted - self.true) <= self.band


@dataclass(frozen=True)
class Verified:
    """truth : solved, on its own nodes; prediction : on the same nodes"""

    truth: Sample
    prediction: Prediction
    fields: Mapping[str, VerifiedField]
    scalars: Mapping[str, VerifiedScalar]


def find_solver(model: RegressionModel) -> Solve:
    """The solver that made the model's data, with the options that they were made with.

    Raises `FormwrightError` where the data come from elsewhere.
    """
    recipe = model.card.get("recipe") or {}
    generator = GENERATORS.get(str(recipe.get("generator", "")))
    if generator is None or generator.solve is None:
        raise FormwrightError(
            f"The data of this Model ({model.card.get('data', 'unknown')}) come from no solver of ours.",
            remedy="Write the part to a file, solve it with the program that made the data, and add it to them.",
        )
    solve, options = generator.solve, dict(recipe.get("options", {}))
    return lambda sample: solve(sample, **options)


def verify(model: RegressionModel, sample: Sample, *, solve: Solve | None = None) -> Verified:
    """Solve a part and compare.

    sample : its mesh, anchors and inputs, in the unit of the model's data
    solve : the true solver; None: that which made the model's data

    Raises `FormwrightError` where there is none, or where the part cannot be solved; `ParameterError` for an input that
    is missing.
    """
    model.scalar_inputs(sample.inputs)
    truth = (solve or find_solver(model))(sample)
    prediction = model.predict(truth)
    fields, scalars = {}, {}
    for name, field in prediction.fields.items():
        if name in truth.fields:
            true = np.asarray(truth.fields[name])
            inside = float((np.abs(field.mean - true) <= field.band).mean())
            fields[name] = VerifiedField(relative_error(field.mean, true), inside, field.unit)
    for name, scalar in prediction.scalars.items():
        if name in truth.outputs:
            scalars[name] = VerifiedScalar(scalar.mean, scalar.band, float(truth.outputs[name]), scalar.unit)
    return Verified(truth, prediction, fields, scalars)


def add_sample(path: Path, sample: Sample) -> str:
    """Add a solved sample to the training part of a data set on disk; returns the name that it got.

    path : an `.npz`, or a folder as `read_dataset` takes it

    Raises `DatasetError` for a sample that is not as the others, and `FileError`.
    """
    dataset = read_dataset(path)
    names = {each.name for each in dataset}
    number = 1 + sum(name.startswith("verified ") for name in names)
    while f"verified {number}" in names:
        number += 1
    added = replace(sample, name=f"verified {number}")
    larger = dataset.with_samples([_as_the_others(added, dataset)])
    check_dataset(larger)
    if path.is_file():
        write_flat(larger, path)
    elif (path / FLAT_FILE).exists():
        if (path / RECIPE).exists():  # else it would be lost when the data set is made larger
            (path / ADDED).mkdir(exist_ok=True)
            write_flat(Dataset((larger.samples[-1],)), path / ADDED / f"{number:06d}.npz")
        write_flat(larger, path / FLAT_FILE)
    else:
        _add_to_folder(path, larger.samples[-1])
    return added.name


def _as_the_others(sample: Sample, dataset: Dataset) -> Sample:
    """With the fields and scalars that the data set has, in its order; the check names what is missing."""
    return replace(
        sample,
        fields={name: sample.fields[name] for name in dataset.field_names if name in sample.fields},
        inputs={name: sample.inputs[name] for name in dataset.input_names if name in sample.inputs},
        outputs={name: sample.outputs[name] for name in dataset.output_names if name in sample.outputs},
    )


def _add_to_folder(folder: Path, sample: Sample) -> None:
    """A file beside the others, and a row of `scalars.csv`."""
    path = folder / f"{sample.name}.vtu"
    fields = dict(sample.fields)
    if len(sample.anchors):
        fields[ANCHOR] = np.zeros(sample.node_count)
        fields[ANCHOR][sample.anchors] = np.arange(1, len(sample.anchors) + 1)
    write_fields(path, sample, fields)
    table = folder / SCALARS
    if not table.exists():
        return
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    row = [sample.name]
    for title in rows[0][1:]:
        column = COLUMN.match(title.strip())
        if column is None:
            row.append("train")  # the split: the reader knows no other
            continue
        values = sample.inputs if column.group(1) == "in" else sample.outputs
        row.append(repr(float(values[column.group("name")])))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, row])
    with atomic_write(table) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
