"""A data set as one `.npz` of flat arrays over all samples.

Arrays: `nodes_count`, `triangles_count` (sample_count,); `nodes` (sum, 2 or 3); `triangles` (sum, 3), numbered within
each sample (or over all of them); `fields` (sum, field_count); `scalars_in`, `scalars_out` (sample_count, …);
`field_names`; `scalar_names`, those of `scalars_in` before those of `scalars_out`; `split` ("train" or "test" of every
sample). May be left out: `anchors` (sample_count, anchor_count), `names` (sample_count,), `units` and `recipe` (JSON);
of volumes, whose `triangles` are their border, `tetrahedra_count` (sample_count,) and `tetrahedra` (sum, 4); and
gradients of outputs: `gradients_in` (sample_count, output_count, input_count) and `gradients_nodes` (sum of nodes,
output_count, 2 or 3), NaN where a derivative is not known; of fields `fields_gradients_in` (sum of nodes, field_count,
input_count).
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.regression.data.dataset import Dataset, Sample, Split
from engine.regression.data.flat_gradients import (
    field_gradient_array,
    gradient_arrays,
    read_field_gradients,
    read_gradients,
)

REQUIRED = (
    "nodes_count", "triangles_count", "nodes", "triangles", "fields", "scalars_in", "scalars_out", "field_names",
    "scalar_names", "split",
)  # fmt: skip


def write_flat(dataset: Dataset, path: Path) -> None:
    """Write the file whole or not at all; raises `FileError`."""
    samples = dataset.samples
    fields = [np.stack([*sample.fields.values()], axis=1) if sample.fields else _none(sample) for sample in samples]
    arrays = {
        "nodes_count": np.array([sample.node_count for sample in samples], np.int64),
        "triangles_count": np.array([sample.triangle_count for sample in samples], np.int64),
        "nodes": np.concatenate([sample.nodes for sample in samples]),
        "triangles": np.concatenate([sample.triangles for sample in samples]),
        "fields": np.concatenate(fields),
        "scalars_in": dataset.inputs(),
        "scalars_out": dataset.outputs(),
        "field_names": np.array(dataset.field_names, dtype=np.str_),
        "scalar_names": np.array([*dataset.input_names, *dataset.output_names], dtype=np.str_),
        "split": np.array(dataset.split, dtype=np.str_),
        "anchors": np.stack([sample.anchors for sample in samples]),
        "names": np.array([sample.name for sample in samples], dtype=np.str_),
        "units": np.array(json.dumps(dict(dataset.units))),
        "recipe": np.array(json.dumps(dict(dataset.recipe))),
    }
    if any(len(sample.tetrahedra) for sample in samples):
        arrays["tetrahedra_count"] = np.array([len(sample.tetrahedra) for sample in samples], np.int64)
        arrays["tetrahedra"] = np.concatenate([sample.tetrahedra for sample in samples])
    if any(sample.gradients for sample in samples):
        arrays |= gradient_arrays(dataset)
    if any(sample.field_gradients for sample in samples):
        arrays["fields_gradients_in"] = field_gradient_array(dataset)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its stubs take the arrays for its own option


def read_flat(path: Path) -> Dataset:
    """Read the file; raises `FileError` that names the array which is missing or does not fit."""
    arrays = _arrays(path)
    for name in REQUIRED:
        if name not in arrays:
            raise FileError(path, f"the array {name} is missing.", remedy=f"It needs {', '.join(REQUIRED)}.")
    nodes_count, triangles_count = (
        arrays[name].astype(np.int64).ravel() for name in ("nodes_count", "triangles_count")
    )
    count = len(nodes_count)
    tetrahedra_count = arrays.get("tetrahedra_count", np.zeros(count, np.int64)).astype(np.int64).ravel()
    nodes, triangles = _numbers(path, "nodes", arrays), _numbers(path, "triangles", arrays)
    tetrahedra = arrays.get("tetrahedra", np.zeros((0, 4), np.int32))
    scalars_in, scalars_out = (_table(path, name, arrays, count) for name in ("scalars_in", "scalars_out"))
    fields = _numbers(path, "fields", arrays)
    if fields.ndim == 1:
        fields = fields[:, None]
    field_names, scalar_names = (_texts(arrays[key]) for key in ("field_names", "scalar_names"))
    for key, called in (("field_names", field_names), ("scalar_names", scalar_names)):
        if len(set(called)) < len(called):
            twice = next(name for name in called if called.count(name) > 1)
            raise FileError(path, f"the array {key} says {twice!r} twice.", remedy="Give every one a name of its own.")
    expected = {
        "triangles_count": (len(triangles_count), count),
        "nodes": (len(nodes), int(nodes_count.sum())),
        "triangles": (len(triangles), int(triangles_count.sum())),
        "tetrahedra_count": (len(tetrahedra_count), count),
        "tetrahedra": (len(tetrahedra), int(tetrahedra_count.sum())),
        "fields": (len(fields), int(nodes_count.sum())),
        "split": (len(arrays["split"]), count),
        "scalar_names": (len(scalar_names), scalars_in.shape[1] + scalars_out.shape[1]),
        "field_names": (len(field_names), fields.shape[-1]),
    }
    if triangles.shape[1:] != (3,):
        raise FileError(path, f"the array triangles has shape {triangles.shape}; three nodes a triangle are wanted.")
    for name, (found, wanted) in expected.items():
        if found != wanted:
            raise FileError(path, f"the array {name} has {found} rows where {wanted} fit the others.")
    names = _texts(arrays.get("names", np.array([f"sample {k}" for k in range(count)])))
    anchors = arrays.get("anchors", np.zeros((count, 0), np.int64))
    if len(names) != count or len(anchors) != count:
        raise FileError(path, "names or anchors speak of another number of samples.")
    split: list[Split] = []
    for name, part in zip(names, _texts(arrays["split"]), strict=True):
        if part not in ("train", "test"):
            raise FileError(
                path, f"the split of {name} is {part!r}.", remedy="It is 'train' or 'test' of every sample."
            )
        split.append("train" if part == "train" else "test")
    first_node, first_triangle, first_tetrahedron = (
        np.concatenate([[0], np.cumsum(each)]) for each in (nodes_count, triangles_count, tetrahedra_count)
    )
    numbered = _numbered_over_all(triangles, first_triangle, first_node)
    if numbered:
        triangles, tetrahedra, anchors = (
            each - np.repeat(first_node[:-1], np.diff(first_row))[:, None]
            if _numbered_over_all(each, first_row, first_node) else each
            for each, first_row in (
                (triangles, first_triangle), (tetrahedra, first_tetrahedron), (anchors, np.arange(count + 1))
            )
        )  # fmt: skip
    input_names, output_names = scalar_names[: scalars_in.shape[1]], scalar_names[scalars_in.shape[1] :]
    gradients = read_gradients(path, arrays, nodes_count, input_names, output_names)
    field_gradients = read_field_gradients(path, arrays, nodes_count, input_names, field_names)
    samples = []
    for k in range(count):
        rows = slice(first_node[k], first_node[k + 1])
        samples.append(
            Sample(
                name=names[k],
                nodes=nodes[rows],
                triangles=triangles[first_triangle[k] : first_triangle[k + 1]],
                fields={name: fields[rows, j].astype(np.float64) for j, name in enumerate(field_names)},
                inputs=dict(zip(input_names, map(float, scalars_in[k]), strict=True)),
                outputs=dict(zip(output_names, map(float, scalars_out[k]), strict=True)),
                anchors=anchors[k],
                gradients=gradients[k],
                field_gradients=field_gradients[k],
                tetrahedra=tetrahedra[first_tetrahedron[k] : first_tetrahedron[k + 1]],
            )
        )
    return Dataset(
        tuple(samples), tuple(split), _json(path, arrays, "units"), name=path.stem, recipe=_json(path, arrays, "recipe")
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except TypeError:  # an .npy under another name is one array, which cannot be entered
        raise FileError(path, "it holds one array.", remedy="An .npz of several is wanted.") from None
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from None
    except (ValueError, zipfile.BadZipFile, KeyError, EOFError):
        raise FileError(path, "it is no data set: an .npz of plain arrays is wanted.") from None


def _table(path: Path, name: str, arrays: dict[str, np.ndarray], count: int) -> np.ndarray:
    values = _numbers(path, name, arrays)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != count:
        raise FileError(path, f"the array {name} has shape {arrays[name].shape}; ({count}, …) fits the others.")
    return values.astype(np.float64)


def _numbers(path: Path, name: str, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if arrays[name].dtype.kind not in "biuf":
        raise FileError(path, f"the array {name} holds something else than real numbers.")
    return arrays[name]


def _numbered_over_all(indices: np.ndarray, first_row: np.ndarray, first_node: np.ndarray) -> bool:
    """Whether the nodes of each sample go on where those of the one before end; of one sample it makes no difference.

    indices : of nodes, shape (sum, …), those of sample k in the rows from first_row[k] on
    """
    low, high = (np.repeat(ends, np.diff(first_row))[:, None] for ends in (first_node[:-1], first_node[1:]))
    return bool(indices.size and len(first_node) > 2 and ((indices >= low) & (indices < high)).all())


def _texts(array: np.ndarray) -> list[str]:
    """Also of texts that were written as bytes."""
    return [each.decode(errors="replace") if isinstance(each, bytes) else str(each) for each in array]


def _json(path: Path, arrays: dict[str, np.ndarray], name: str) -> dict[str, Any]:
    if name not in arrays:
        return {}
    try:
        values: Any = json.loads(str(arrays[name]))
        return {str(key): value for key, value in values.items()}
    except (ValueError, AttributeError):
        raise FileError(path, f"the array {name} is no JSON object.") from None


def _none(sample: Sample) -> np.ndarray:
    return np.zeros((sample.node_count, 0))
