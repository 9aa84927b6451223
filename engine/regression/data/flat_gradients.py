"""Gradients of outputs and fields as flat arrays beside the samples (`engine.regression.data.flat_file`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.regression.data.dataset import Dataset, OutputGradient


def gradient_arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    """`gradients_in` and `gradients_nodes`, NaN where a derivative is not known."""
    by_inputs = np.full((len(dataset), len(dataset.output_names), len(dataset.input_names)), np.nan)
    by_nodes = []
    for k, sample in enumerate(dataset):
        rows = np.full((sample.node_count, len(dataset.output_names), dataset.dimension), np.nan)
        for j, output in enumerate(dataset.output_names):
            gradient = sample.gradients.get(output, OutputGradient())
            by_inputs[k, j] = [gradient.inputs.get(name, np.nan) for name in dataset.input_names]
            if gradient.nodes is not None:
                rows[:, j] = gradient.nodes
        by_nodes.append(rows)
    return {"gradients_in": by_inputs, "gradients_nodes": np.concatenate(by_nodes)}


def field_gradient_array(dataset: Dataset) -> np.ndarray:
    """`fields_gradients_in`, NaN where a derivative is not known."""
    parts = []
    for sample in dataset:
        part = np.full((sample.node_count, len(dataset.field_names), len(dataset.input_names)), np.nan)
        for j, field in enumerate(dataset.field_names):
            for k, scalar in enumerate(dataset.input_names):
                part[:, j, k] = sample.field_gradients.get(field, {}).get(scalar, np.nan)
        parts.append(part)
    return np.concatenate(parts)


def read_field_gradients(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    nodes_count: np.ndarray,
    input_names: Sequence[str],
    field_names: Sequence[str],
) -> list[dict[str, dict[str, np.ndarray]]]:
    """Of every sample, by names of field and scalar; raises `FileError` for an array that does not fit the others."""
    array = arrays.get("fields_gradients_in")
    if array is None:
        return [{} for _ in nodes_count]
    wanted = (int(nodes_count.sum()), len(field_names), len(input_names))
    if array.shape != wanted:
        raise FileError(path, f"the array fields_gradients_in has shape {array.shape}; {wanted} fits the others.")
    found = []
    for part in np.split(array.astype(np.float64), np.cumsum(nodes_count)[:-1]):
        mine: dict[str, dict[str, np.ndarray]] = {}
        for j, field in enumerate(field_names):
            known = {name: part[:, j, k] for k, name in enumerate(input_names) if np.isfinite(part[:, j, k]).all()}
            if known:
                mine[field] = known
        found.append(mine)
    return found


def read_gradients(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    nodes_count: np.ndarray,
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> list[dict[str, OutputGradient]]:
    """Of every sample, by name of the output; raises `FileError` for an array that does not fit the others."""
    count, outputs = len(nodes_count), len(output_names)
    by_inputs = arrays.get("gradients_in", np.full((count, outputs, len(input_names)), np.nan))
    by_nodes = arrays.get("gradients_nodes")
    wanted = {"gradients_in": (by_inputs, (count, outputs, len(input_names)))}
    if by_nodes is not None:
        wanted["gradients_nodes"] = (by_nodes, (int(nodes_count.sum()), outputs, arrays["nodes"].shape[1]))
    for name, (array, shape) in wanted.items():
        if array.shape != shape:
            raise FileError(path, f"the array {name} has shape {array.shape}; {shape} fits the others.")
    first = np.concatenate([[0], np.cumsum(nodes_count)])
    found = []
    for k in range(count):
        mine: dict[str, OutputGradient] = {}
        for j, output in enumerate(output_names):
            inputs = {
                name: float(value) for name, value in zip(input_names, by_inputs[k, j], strict=True) if value == value
            }
            rows = None if by_nodes is None else by_nodes[first[k] : first[k + 1], j].astype(np.float64)
            nodes = None if rows is None or not np.isfinite(rows).all() else rows
            if inputs or nodes is not None:
                mine[output] = OutputGradient(nodes, inputs)
        found.append(mine)
    return found
