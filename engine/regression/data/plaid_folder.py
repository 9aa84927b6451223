"""A data set as a PLAID folder: CGNS files, one folder a sample.

Two layouts are known: `data/SPLIT/sample_*` with the scalars in the files and `problem_definitions/*.yaml`, as pyplaid
1 writes it, and `dataset/samples/sample_*` with a `scalars.csv` each and `problem_definition/`, as its versions before
did. VTK reads meshes and fields; what it does not show (scalars, conditions at single nodes, which are anchors) h5py
reads. The extra `formwright[plaid]` brings h5py and PyYAML.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError, FormwrightError
from engine.regression.data.dataset import Dataset, Sample, Split
from engine.regression.data.folder import as_sample, in_the_plane

SCALARS = "scalars.csv"
GLOBAL = "Global"
INDEX = len("sample_")


@dataclass(frozen=True)
class _Problem:
    """What is known and what is to predict; `fields` and `split` are empty where nothing is said.

    split : of samples by number, in the older layout; in the newer one the folders say it
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fields: frozenset[str]
    split: Mapping[int, Split] = field(default_factory=dict)


def find_plaid(folder: Path) -> Path | None:
    """A CGNS file in the folder, None when there is none."""
    return next(folder.rglob("*.cgns"), None)


def read_plaid(folder: Path) -> Dataset:
    """Read the folder; raises `FileError` that names the file, and `FormwrightError` without the extra."""
    folders = sorted({path.parent.parent for path in folder.rglob("sample_*/meshes/*.cgns")})
    if not folders:
        raise FileError(folder, "its CGNS files do not lie as PLAID lays them out: sample_*/meshes/mesh_*.cgns.")
    problem = _problem(folder)
    samples, split, notes = [], [], []
    for place in folders:
        sample, later = _read_sample(place, problem)
        samples.append(sample)
        split.append(_split(place, problem))
        if later:
            notes.append(f"{sample.name} has {later + 1} times; the first one is read.")
    return Dataset(in_the_plane(samples), tuple(split), {}, name=folder.resolve().name, notes=tuple(notes))


def _read_sample(place: Path, problem: _Problem) -> tuple[Sample, int]:
    """A sample, and how many further times it has."""
    files = sorted((place / "meshes").glob("*.cgns"))
    own = place / SCALARS
    anchors, scalars = _hidden(files[0])
    if own.exists():
        scalars |= _row(own)
    # Names of newer samples begin anew in every part of the split.
    newer = place.parent.parent.name == "data"
    sample = as_sample(files[0], _grid(files[0]), name=f"{place.parent.name} {place.name}" if newer else place.name)
    fields = {name: values for name, values in sample.fields.items() if not problem.fields or name in problem.fields}
    return (
        replace(
            sample,
            fields=fields,
            inputs=_chosen(scalars, problem.inputs, place),
            outputs=_chosen(scalars, problem.outputs, place),
            anchors=anchors,
        ),
        len(files) - 1,
    )


def _grid(path: Path) -> Any:
    """The one mesh of a CGNS file."""
    import pyvista

    reader = pyvista.CGNSReader(path)
    reader.load_boundary_patch = False
    grids = [block for block in reader.read().recursive_iterator() if block is not None and block.n_cells]
    if len(grids) != 1:
        raise FileError(path, f"it holds {len(grids)} meshes; a sample has one.")
    return grids[0]


def _hidden(path: Path) -> tuple[np.ndarray, dict[str, float]]:
    """Nodes with a condition of their own, by the names of the conditions, and the scalars of the base "Global"."""
    h5py = _require("h5py")
    anchors: dict[str, int] = {}
    scalars: dict[str, float] = {}
    try:
        with h5py.File(path) as file:
            for name, node in file.get(GLOBAL, {}).items():
                values = node.get(" data") if hasattr(node, "get") else None
                if values is not None and values.size == 1 and values.dtype.kind in "iuf":
                    scalars[name] = float(values[()].reshape(-1)[0])

            def look(name: str, node: Any) -> None:
                if "/ZoneBC/" in name and name.endswith("PointList/ data") and node.size == 1:
                    anchors[name.split("/")[-3]] = int(node[()].reshape(-1)[0]) - 1

            file.visititems(look)
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error}).") from None
    return np.array([anchors[name] for name in sorted(anchors)], np.int64), scalars


def _row(path: Path) -> dict[str, float]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, values = list(csv.reader(file))[:2]
        return {name.strip(): float(value) for name, value in zip(header, values, strict=True)}
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise FileError(path, f"it is no header with a line of numbers ({error}).") from None


def _chosen(scalars: Mapping[str, float], names: Iterable[str], place: Path) -> dict[str, float]:
    for name in names:
        if name not in scalars:
            raise FileError(place, f"it has no scalar {name}.")
    return {name: scalars[name] for name in names}


def _problem(folder: Path) -> _Problem:
    """What the folder says of known and wanted things; raises `FileError` where it says nothing."""
    newer = sorted((folder / "problem_definitions").glob("*.yaml"))
    if newer:
        said = _yaml(newer[0])
        asked = [str(name) for name in said.get("output_features", ())]
        return _Problem(
            _globals(said.get("input_features", ())),
            _globals(asked),
            frozenset(name.rsplit("/", 1)[1] for name in asked if name.count("/") >= 3),
        )
    older = folder / "problem_definition"
    for path in (older / "problem_infos.yaml", older / "problem_infos.yml"):
        if path.exists():
            said = _yaml(path)
            return _Problem(
                tuple(said.get("input_scalars") or ()),
                tuple(said.get("output_scalars") or ()),
                frozenset(said.get("output_fields") or ()),
                _numbers(older / "split.json"),
            )
    raise FileError(
        folder, "it does not say what is known and what is to predict.",
        remedy="A PLAID folder has problem_definitions/NAME.yaml, or problem_definition/problem_infos.yaml.",
    )  # fmt: skip


def _globals(features: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.split("/", 1)[1] for name in map(str, features) if name.startswith(f"{GLOBAL}/"))


def _numbers(path: Path) -> dict[int, Split]:
    """The split by the number of the sample: what is in a part called train… is for training, other parts are not."""
    if not path.exists():
        return {}
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
        train = {int(number) for name, numbers in parts.items() if name.startswith("train") for number in numbers}
        known = {int(number) for numbers in parts.values() for number in numbers}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise FileError(path, f"it is no table of numbers by part ({error}).") from None
    return {number: "train" if number in train else "test" for number in known}


def _split(place: Path, problem: _Problem) -> Split:
    if place.parent.parent.name == "data":
        return "train" if place.parent.name.startswith("train") else "test"
    try:
        return problem.split.get(int(place.name[INDEX:]), "train")
    except ValueError:
        return "train"


def _yaml(path: Path) -> dict[str, Any]:
    yaml = _require("yaml")
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FileError(path, f"it cannot be read ({error}).") from None
    if not isinstance(said, dict):
        raise FileError(path, "it is no table of names.")
    return said


def _require(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise FormwrightError(
            f"Reading PLAID folders needs {module}, which is not installed.",
            remedy="Install it with: pip install 'formwright[plaid]'.",
        ) from None
