"""Data sets made sample by sample, in parallel; what was made stays, so that a run that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError, StoppedError
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import read_flat, write_flat
from engine.regression.data.reading import FLAT_FILE

FILE = FLAT_FILE
RECIPE = "recipe.json"
PARTS = "samples"
ADDED = "added"
"""Folder of samples that were solved later, for shapes that nobody drew; all are for training."""


@dataclass(frozen=True)
class Generator:
    """A way to make samples.

    name : in files and on the command line; title, help in the user's words
    make : (index, seed=…, **options) -> Sample; importable, for it runs in other processes
    options : what else it takes, with the values that each may have, the first being the default
    units : of its lengths, fields and scalars
    solve : a sample's nodes, mesh, anchors and inputs, and the options, to the same with fields and outputs: the true
        solver, for a shape that nobody drew; None where there is none
    """

    name: str
    title: str
    help: str
    make: Callable[..., Sample]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    solve: Callable[..., Sample] | None = None


@dataclass(frozen=True)
class Made:
    """The data set, and the samples that could not be made with the reasons."""

    dataset: Dataset
    failures: tuple[str, ...]


def generate(
    generator: Generator,
    folder: Path,
    *,
    samples: int,
    seed: int = 0,
    test_share: float = 0.25,
    options: Mapping[str, str] | None = None,
    executor: Executor,
    at_once: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the samples that the folder does not have yet, and write them all into its `dataset.npz`.

    at_once : samples that wait at the executor
    progress : called with the number of samples that are there, and that are wanted
    stop : asked now and then; what is made until then stays, and `StoppedError` is raised

    A sample that cannot be solved is left out and reported. Raises `FileError` when the folder holds another recipe.
    """
    chosen = chosen_options(generator, options or {})
    recipe = {"generator": generator.name, "seed": seed, "options": chosen}
    parts = _claimed(folder, recipe)
    present = {int(path.stem): path for path in parts.glob("*.npz") if path.stem.isdigit()}
    missing = [index for index in range(samples) if index not in present or not zipfile.is_zipfile(present[index])]
    failures: list[str] = []
    done = samples - len(missing)
    progress(done, samples)
    running: dict[Future[None], int] = {}
    queue = iter(missing)
    try:
        while True:
            while len(running) < at_once and (index := next(queue, None)) is not None:
                path = parts / f"{index:06d}.npz"
                running[executor.submit(_make_one, generator.make, index, seed, chosen, path)] = index
            if not running:
                break
            finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                index = running.pop(future)
                try:
                    future.result()
                except FormwrightError as error:
                    failures.append(f"Sample {index}: {error.message}")
                done += 1
                progress(done, samples)
            if stop():
                raise StoppedError("The data set is not finished.", remedy="Start again: it goes on where it stopped.")
    finally:
        for future in running:
            future.cancel()
    dataset = replace(_collected(generator, parts, samples, seed, test_share), recipe=recipe)
    write_flat(dataset, folder / FILE)
    return Made(dataset, tuple(failures))


def chosen_options(generator: Generator, given: Mapping[str, str]) -> dict[str, str]:
    """Every option's value; raises `FormwrightError` for one that the generator does not have."""
    for name, value in given.items():
        if value not in generator.options.get(name, ()):
            known = "; ".join(f"{each}: {', '.join(values)}" for each, values in generator.options.items())
            raise FormwrightError(
                f"{generator.title} has no option {name}={value}.", remedy=f"It has {known or 'none'}."
            )
    return {name: given.get(name, values[0]) for name, values in generator.options.items()}


def _make_one(make: Callable[..., Sample], index: int, seed: int, options: Mapping[str, Any], path: Path) -> None:
    write_flat(Dataset((make(index, seed=seed, **options),)), path)


def _claimed(folder: Path, recipe: dict[str, Any]) -> Path:
    """The folder of the samples; raises `FileError` when they are made by another recipe, or when other files are
    there, which might be a data set of the user's own."""
    parts, path = folder / PARTS, folder / RECIPE
    if folder.is_dir() and not path.exists():
        foreign = sorted(each.name for each in folder.iterdir() if each.name != PARTS and not each.name.startswith("."))
        if foreign:
            raise FileError(
                folder, f"this folder holds other files, as {foreign[0]}.", remedy="Choose another folder, or empty it."
            )
    try:
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(folder, f"the folder cannot be made ({error.strerror or error}).") from None
    if path.exists():
        try:
            here = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise FileError(path, "it cannot be understood.", remedy="Choose another folder, or empty it.") from None
        if here != recipe:
            raise FileError(
                folder, "this folder holds a data set of another recipe.", remedy="Choose another folder, or empty it."
            )
        return parts
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(recipe, indent=2), encoding="utf-8")
    return parts


def _collected(generator: Generator, parts: Path, samples: int, seed: int, test_share: float) -> Dataset:
    found = [read_flat(path).samples[0] for path in sorted(parts.glob("*.npz"))[:samples]]
    if not found:
        raise FormwrightError("No sample could be made.")
    dataset = Dataset(tuple(found), units=generator.units, name=generator.title)
    if test_share > 0.0 and len(found) > 1:
        dataset = dataset.resplit(test_share=test_share, seed=seed)
    return dataset.with_samples([read_flat(path).samples[0] for path in sorted((parts.parent / ADDED).glob("*.npz"))])


def content_key(dataset: Dataset) -> str:
    """A name for what a data set holds: equal data, equal name."""
    digest = hashlib.sha256()
    for sample in dataset:
        for array in (sample.nodes, sample.triangles, *sample.fields.values()):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(json.dumps([dict(sample.inputs), dict(sample.outputs)]).encode())
    return digest.hexdigest()[:16]
