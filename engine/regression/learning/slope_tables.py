"""Gradients of outputs and fields in what their processes know: coefficients of the shape, and scalars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.regression.learning.reduction import Basis
from engine.regression.learning.scaling import Scale
from engine.regression.learning.sloped_process import Slopes

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots

Process = tuple[str, int]
"""Name of an output and 0, or of a field and its mode."""


def names_with_gradients(snapshots: Snapshots) -> list[str]:
    """Outputs and fields of which any sample knows a gradient."""
    first = snapshots.samples[0]
    return [
        *(name for name in first.fields if any(name in each.field_gradients for each in snapshots.samples)),
        *(name for name in first.outputs if any(name in each.gradients for each in snapshots.samples)),
    ]


def known_slopes(
    snapshots: Snapshots,
    rows: np.ndarray,
    shape: Basis,
    units: np.ndarray,
    bases: Mapping[str, Basis],
    leading: Mapping[str, int],
) -> dict[Process, Slopes]:
    """Of the processes of which some derivative is known, by the samples `rows`, numbered as these are.

    shape, units : see `slope_table`
    bases : of the fields; leading : so many of the first modes of each learn from gradients
    """
    named = names_with_gradients(snapshots)
    tables: dict[Process, np.ndarray] = {}
    for name, basis in bases.items():
        if name in named:
            modes = basis.truncated(leading[name])
            for mode, table in enumerate(mode_slope_tables(snapshots, rows, modes, units, name)):
                tables[name, mode] = table
    for k, name in enumerate(snapshots.samples[0].outputs):
        if name in named:
            tables[name, 0] = slope_table(snapshots, rows, shape, units, name, snapshots.output_scales[k])
    found = {process: Slopes.of(table) for process, table in tables.items()}
    return {process: each for process, each in found.items() if each.count}


def slope_table(
    snapshots: Snapshots, rows: np.ndarray, shape: Basis, units: np.ndarray, name: str, scale: Scale
) -> np.ndarray:
    """Derivatives of one output by the inputs of its process, shape (row_count, input_count), NaN where a sample does
    not know them.

    A coefficient moves the nodes along its mode, the correspondence with the common mesh held: what a gradient says
    beyond the modes is left out.

    shape : modes of the shape
    units : of one step of every input, in coefficients and in scalars as they are learnt, shape (input_count,); there
        may be more coefficients than modes
    scale : of the output
    """
    count, dimension = shape.mode_count, snapshots.common.dimension
    first = len(units) - snapshots.inputs.shape[1]
    modes = torch.from_numpy(shape.modes).reshape(count, dimension, -1).permute(2, 1, 0)
    table = np.full((len(rows), len(units)), np.nan)
    for place, row in enumerate(rows):
        sample = snapshots.samples[row]
        known = sample.gradients.get(name)
        if known is None:
            continue
        if known.nodes is not None:
            ways = snapshots.links[row].from_common.interpolate(modes).numpy()
            table[place, :count] = np.einsum("nd,ndm->m", known.nodes, ways)
        for k, each in enumerate(sample.inputs):
            if each in known.inputs:
                table[place, first + k] = known.inputs[each] * _stretch(snapshots, row, k)
        if scale == "logarithm":
            table[place] /= sample.outputs[name]
    return table * units


def mode_slope_tables(snapshots: Snapshots, rows: np.ndarray, basis: Basis, units: np.ndarray, name: str) -> np.ndarray:
    """The same of the coefficients of a field's modes by the known scalars, shape (mode_count, row_count, input_count).

    basis : of the field; units : see `slope_table`
    """
    first = len(units) - snapshots.inputs.shape[1]
    table = np.full((basis.mode_count, len(rows), len(units)), np.nan)
    weighted = np.asarray((snapshots.mass @ basis.modes.T).T)
    for place, row in enumerate(rows):
        sample = snapshots.samples[row]
        known = sample.field_gradients.get(name, {})
        for k, each in enumerate(sample.inputs):
            if each in known:
                there = snapshots.links[row].to_common.interpolate(torch.from_numpy(np.asarray(known[each])))
                table[:, place, first + k] = weighted @ there.numpy() * _stretch(snapshots, row, k)
    return table * units


def _stretch(snapshots: Snapshots, row: int, scalar: int) -> float:
    """How fast a known scalar moves with what is learnt of it."""
    return float(snapshots.inputs[row, scalar]) if snapshots.input_scales[scalar] == "logarithm" else 1.0
