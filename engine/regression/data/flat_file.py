"""A data set as one `.npz` of flat arrays over all samples.

Arrays: `nodes_count`, `triangles_count` (sample_count,); `nodes` (sum, 2 or 3); `triangles` (sum, 3), numbered within
each sample; `fields` (sum, field_count); `scalars_in`, `scalars_out` (sample_count, …); `field_names`; `scalar_names`,
those of `scalars_in` before those of `scalars_out`; `split` ("train" or "test" of every sample). May be left out:
`anchors` (sample_count, anchor_count), `names` (sample_count,), `units` and `recipe` (JSON); of volumes, whose
`triangles` are their border, `tetrahedra_count` (sample_count,) and `tetrahedra` (sum, 4); and gradients of outputs:
`gradients_in` (sample_count, output_count, input_count) and `gradients_nodes` (sum of nodes, output_count, 2 or 3), NaN
where a derivative is not known; of fields `fields_gradients_in` (sum of nodes, field_count, input_count).
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
    tetrahedra = arrays.get("tetrahedra", np.zeros((0, 4), np.int32))
    scalars_in, scalars_out = (_table(path, name, arrays[name], count) for name in ("scalars_in", "scalars_out"))
    field_names, scalar_names = ([str(name) for name in arrays[key]] for key in ("field_names", "scalar_names"))
    expected = {
        "triangles_count": (len(triangles_count), count),
        "nodes": (len(arrays["nodes"]), int(nodes_count.sum())),
        "triangles": (len(arrays["triangles"]), int(triangles_count.sum())),
        "tetrahedra_count": (len(tetrahedra_count), count),
        "tetrahedra": (len(tetrahedra), int(tetrahedra_count.sum())),
        "fields": (len(arrays["fields"]), int(nodes_count.sum())),
        "split": (len(arrays["split"]), count),
        "scalar_names": (len(scalar_names), scalars_in.shape[1] + scalars_out.shape[1]),
        "field_names": (len(field_names), arrays["fields"].shape[1] if arrays["fields"].ndim == 2 else -1),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            raise FileError(path, f"the array {name} has {found} rows where {wanted} fit the others.")
    names = [str(name) for name in arrays.get("names", np.array([f"sample {k}" for k in range(count)]))]
    anchors = arrays.get("anchors", np.zeros((count, 0), np.int64))
    if len(names) != count or len(anchors) != count:
        raise FileError(path, "names or anchors speak of another number of samples.")
    split: list[Split] = []
    for part in arrays["split"]:
        if part not in ("train", "test"):
            raise FileError(path, f"the split says {part!r}.", remedy="It is 'train' or 'test' of every sample.")
        split.append("train" if part == "train" else "test")
    first_node, first_triangle, first_tetrahedron = (
        np.concatenate([[0], np.cumsum(each)]) for each in (nodes_count, triangles_count, tetrahedra_count)
    )
    input_names, output_names = scalar_names[: scalars_in.shape[1]], scalar_names[scalars_in.shape[1] :]
    gradients = read_gradients(path, arrays, nodes_count, input_names, output_names)
    field_gradients = read_field_gradients(path, arrays, nodes_count, input_names, field_names)
    samples = []
    for k in range(count):
        rows = slice(first_node[k], first_node[k + 1])
        samples.append(
            Sample(
                name=names[k],
                nodes=arrays["nodes"][rows],
                triangles=arrays["triangles"][first_triangle[k] : first_triangle[k + 1]],
                fields={name: arrays["fields"][rows, j].astype(np.float64) for j, name in enumerate(field_names)},
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
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from None
    except (ValueError, zipfile.BadZipFile, KeyError, EOFError):
        raise FileError(path, "it is no data set: an .npz of plain arrays is wanted.") from None


def _table(path: Path, name: str, values: np.ndarray, count: int) -> np.ndarray:
    if values.ndim != 2 or len(values) != count:
        raise FileError(path, f"the array {name} has shape {values.shape}; ({count}, …) fits the others.")
    return values.astype(np.float64)


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
