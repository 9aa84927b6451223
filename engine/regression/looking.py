"""Looking at a data set before anything is learnt: every sample checked and morphed, so that all of it can be shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engine.core.errors import FormwrightError
from engine.regression.data.checking import check_sample, describe, require_same, topology
from engine.regression.data.dataset import Dataset, DatasetError, Sample, Split
from engine.regression.data.reading import read_dataset
from engine.regression.samples_look import SampleRow, SamplesLook
from engine.regression.settings import TrainingParameters

if TYPE_CHECKING:
    from engine.regression.morphing.mapping import PreparedMesh

TELL_SECONDS = 0.3
"""Between two messages on what was morphed."""
RANGE_VALUES = 200_000
"""Values of a field of which its range is taken."""
ENDS = (0.2, 99.8)
"""Percentiles that are taken for the ends of a field's range: single nodes would wash out all others."""


class LookStoppedError(FormwrightError):
    """The user does not want to look any more."""


class Report(Protocol):
    """Told what is being done, how far it is in [0, 1] (None: nobody knows), and what is known by now."""

    def __call__(self, title: str, fraction: float | None, news: Any = None) -> object: ...


def look_at(
    path: Path,
    folder: Path,
    parameters: TrainingParameters,
    report: Report,
    stopping: Callable[[], bool] = lambda: False,
) -> SamplesLook:
    """Read a data set, check every sample and morph those that can be learnt from.

    folder : an empty one, which takes the arrays
    report : its news are a `SamplesLook` as soon as the samples are checked, and then {index: SampleRow} of samples
        that have been morphed since

    Raises `FileError` for what is no data set, and `LookStoppedError`; what is wrong with single samples stands in
    their rows.
    """

    def tell(title: str, fraction: float | None, news: Any = None) -> None:
        if stopping():
            raise LookStoppedError("It is looked at no further.")
        report(title, fraction, news)

    tell("Reading", None)
    dataset = read_dataset(path)
    checked = partial(_tell_part, tell, "Checking the samples", 0.0, 0.1)
    complaints = dict(find_complaints(dataset, checked))
    look = _first_look(path, folder, dataset, complaints)
    tell("Morphing", 0.1, look)
    return _morphed(look, dataset, parameters, tell)


def find_complaints(
    dataset: Dataset, progress: Callable[[float], object] = lambda part: None
) -> Iterator[tuple[int, str]]:
    """Each sample that cannot be learnt from, by its number, with the reason. progress : told which part is checked"""
    kinds: dict[int, tuple[int, int, int]] = {}
    reference: Sample | None = None
    for k, sample in enumerate(dataset):
        try:
            check_sample(sample)
            reference = reference or sample
            require_same(sample, reference)
            kinds[k] = topology(sample)
        except DatasetError as error:
            yield k, str(error)
        progress((k + 1) / len(dataset))
    usual = Counter(kinds.values()).most_common(1)[0][0] if kinds else None
    for k, found in kinds.items():
        if usual is not None and found != usual:
            yield k, f"{dataset.samples[k].name} has {describe(found)}; the others have {describe(usual)}."


def with_split(dataset: Dataset, split: Mapping[str, str]) -> Dataset:
    """The data set with samples moved to "train" or "test", or left out ("out"), by name; the others stay."""
    parts: list[tuple[Sample, Split]] = []
    for sample, part in zip(dataset.samples, dataset.split, strict=True):
        wanted = split.get(sample.name, part)
        if wanted != "out":
            parts.append((sample, "test" if wanted == "test" else "train"))
    if not parts:
        raise DatasetError(f"Every sample of {dataset.name} is left out.", remedy="Take some for training.")
    samples, chosen = zip(*parts, strict=True)
    return replace(dataset, samples=samples, split=chosen)


def _first_look(path: Path, folder: Path, dataset: Dataset, complaints: Mapping[int, str]) -> SamplesLook:
    """Everything but the morphs; writes the arrays."""
    samples, names = dataset.samples, dataset.field_names
    dimension = max(sample.nodes.shape[1] for sample in samples)
    count = sum(sample.node_count for sample in samples)
    np.save(folder / "nodes.npy", np.concatenate([_wide(sample.nodes, dimension) for sample in samples]))
    np.save(folder / "triangles.npy", np.concatenate([_inside(sample) for sample in samples]))
    fields = np.lib.format.open_memmap(folder / "fields.npy", "w+", np.float32, (len(names), count))
    begin = 0
    for sample in samples:
        end = begin + sample.node_count
        for k, name in enumerate(names):
            values = np.ravel(sample.fields.get(name, np.full(sample.node_count, np.nan)))
            fields[k, begin:end] = values if len(values) == sample.node_count else np.nan
        begin = end
    fields.flush()
    morphed = np.lib.format.open_memmap(folder / "morphed.npy", "w+", np.float32, (count, 3))
    morphed[:] = np.nan
    morphed.flush()
    rows = tuple(
        SampleRow(
            sample.name, part, sample.node_count, sample.triangle_count, dict(sample.inputs), dict(sample.outputs),
            complaint=complaints.get(k, ""),
        )
        for k, (sample, part) in enumerate(zip(samples, dataset.split, strict=True))
    )  # fmt: skip
    return SamplesLook(
        path=str(path),
        name=dataset.name,
        dimension=dimension,
        rows=rows,
        field_names=names,
        input_names=dataset.input_names,
        output_names=dataset.output_names,
        units=dict(dataset.units),
        ranges={name: _range(fields[k]) for k, name in enumerate(names)},
        notes=dataset.notes,
        folder=folder,
    )


def _morphed(look: SamplesLook, dataset: Dataset, parameters: TrainingParameters, tell: Report) -> SamplesLook:
    """Every sample on the common shape, as far as they can be morphed."""
    # Here, and not above: samples are shown before torch, which takes seconds to import, is there.
    import torch

    from engine.regression.morphing.mapping import MorphSettings
    from engine.regression.morphing.morph import common_outline, morph, prepare_mesh, suitable_kind

    rows = list(look.rows)
    prepared: dict[int, PreparedMesh] = {}
    good = [k for k, row in enumerate(rows) if not row.complaint]
    try:
        kind = parameters.morph
        if kind == "automatic" and good:
            kind = suitable_kind([dataset.samples[k] for k in good])
        for done, k in enumerate(good):
            try:
                prepared[k] = prepare_mesh(dataset.samples[k], kind)
            except DatasetError as error:
                rows[k] = replace(rows[k], complaint=str(error))
            _tell_part(tell, "Morphing", 0.1, 0.3, (done + 1) / len(good))
        tell("Morphing", 0.3, dict(enumerate(rows)))
        outline = common_outline(
            [dataset.samples[k] for k in prepared],
            list(prepared.values()),
            MorphSettings(parameters.weights, parameters.turning_share),
        )
    except (DatasetError, IndexError) as error:
        problem = str(error) if isinstance(error, DatasetError) else "No sample of it can be morphed."
        return replace(look, rows=tuple(rows), problem=problem)
    begins = np.cumsum([0, *(row.node_count for row in rows)])
    places = np.lib.format.open_memmap(look.folder / "morphed.npy", "r+")
    news: dict[int, SampleRow] = {}
    told = time.monotonic()
    for done, (k, mesh) in enumerate(prepared.items()):
        sample = dataset.samples[k]
        try:
            with torch.no_grad():
                found = morph(torch.from_numpy(sample.nodes), mesh, outline)
            flat = found.positions.numpy()
            places[begins[k] : begins[k + 1]] = np.pad(flat, ((0, 0), (0, 3 - flat.shape[1])))
            rows[k] = replace(rows[k], worst_angle=found.worst_angle, flipped=found.flipped)
        except DatasetError as error:
            rows[k] = replace(rows[k], complaint=str(error))
        news[k] = rows[k]
        if time.monotonic() - told > TELL_SECONDS:
            places.flush()
            tell("Morphing", 0.3 + 0.7 * (done + 1) / len(prepared), news)
            news, told = {}, time.monotonic()
    places.flush()
    return replace(look, rows=tuple(rows))


def _tell_part(tell: Report, title: str, begin: float, end: float, part: float) -> None:
    tell(title, begin + part * (end - begin))


def _wide(nodes: np.ndarray, dimension: int) -> np.ndarray:
    return np.pad(nodes, ((0, 0), (0, dimension - nodes.shape[1]))).astype(np.float32)


def _inside(sample: Sample) -> np.ndarray:
    """Its triangles; those that refer to no node of it at its first node."""
    known = (sample.triangles >= 0) & (sample.triangles < sample.node_count)
    return np.where(known.all(axis=1, keepdims=True), sample.triangles, 0).astype(np.int32)


def _range(values: np.ndarray) -> tuple[float, float]:
    some = values[:: max(1, len(values) // RANGE_VALUES)]
    some = some[np.isfinite(some)]
    if not len(some):
        return 0.0, 1.0
    low, high = np.percentile(some, ENDS)
    return (float(low), float(high)) if high > low else (float(some.min()), float(some.max()))
