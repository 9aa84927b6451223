"""Gradients of outputs in what their processes know: coefficients of the shape, and scalars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.regression.learning.reduction import Basis
from engine.regression.learning.scaling import Scale

if TYPE_CHECKING:
    from engine.regression.learning.snapshots import Snapshots


def has_gradients(snapshots: Snapshots, name: str) -> bool:
    """Whether any sample knows a gradient of this output."""
    return any(name in sample.gradients for sample in snapshots.samples)


def slope_table(snapshots: Snapshots, shape: Basis, units: np.ndarray, name: str, scale: Scale) -> np.ndarray:
    """Derivatives of one output by the inputs of its process, shape (sample_count, input_count), NaN where a sample
    does not know them.

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
    table = np.full((len(snapshots.samples), len(units)), np.nan)
    names = list(snapshots.samples[0].inputs)
    for row, (sample, link) in enumerate(zip(snapshots.samples, snapshots.links, strict=True)):
        known = sample.gradients.get(name)
        if known is None:
            continue
        if known.nodes is not None:
            ways = link.from_common.interpolate(modes).numpy()
            table[row, :count] = np.einsum("nd,ndm->m", known.nodes, ways)
        for k, each in enumerate(names):
            if each in known.inputs:
                stretch = snapshots.inputs[row, k] if snapshots.input_scales[k] == "logarithm" else 1.0
                table[row, first + k] = known.inputs[each] * stretch
        if scale == "logarithm":
            table[row] /= sample.outputs[name]
    return table * units
