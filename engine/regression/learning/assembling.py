"""A model of what was learnt, and of what was measured on samples that were held out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from engine.regression.data.dataset import Dataset
from engine.regression.domain import Domain
from engine.regression.learning.folds import HeldOut
from engine.regression.learning.reduction import Basis
from engine.regression.learning.scaling import Scale
from engine.regression.model import FieldModel, ScalarModel


def kept_columns(bases: Mapping[str, Basis], held: HeldOut, scalar_count: int) -> tuple[torch.Tensor, dict[str, slice]]:
    """Columns of all processes that stay, and where each field's are among them; `bases` have the modes that stay."""
    kept: list[int] = []
    columns: dict[str, slice] = {}
    for name, basis in bases.items():
        begin = held.fields[name].first_column
        columns[name] = slice(len(kept), len(kept) + basis.mode_count)
        kept.extend(range(begin, begin + basis.mode_count))
    kept.extend(range(held.column_count - scalar_count, held.column_count))
    return torch.tensor(kept), columns


def field_models(
    bases: Mapping[str, Basis], columns: Mapping[str, slice], held: HeldOut, units: Mapping[str, str]
) -> dict[str, FieldModel]:
    """By name; `columns` : of each field's processes among those that stay"""
    return {
        name: FieldModel(
            name, units.get(name, ""), basis, columns[name], held.fields[name].truncation, held.fields[name].factor
        )
        for name, basis in bases.items()
    }


def scalar_models(
    dataset: Dataset, first_column: int, outputs: np.ndarray, scales: tuple[Scale, ...], held: HeldOut
) -> dict[str, ScalarModel]:
    """By name; outputs : of the samples, shape (sample_count, output_count), their processes from `first_column` on"""
    return {
        name: ScalarModel(
            name, dataset.units.get(name, ""), first_column + k, held.scalars[name].factor, scales[k],
            float(outputs[:, k].std()),
        )
        for k, name in enumerate(dataset.output_names)
    }  # fmt: skip


def domain_of(held: HeldOut, features: np.ndarray, shape_count: int) -> Domain:
    """features : standardised, coefficients of the shape first, shape (sample_count, feature_count)"""
    scalars = features[:, shape_count:]
    return Domain(
        residual=held.residual_limit,
        distance=held.distance_limit,
        worst_angle=held.angle_limit,
        low=scalars.min(axis=0) if scalars.size else np.zeros(0),
        high=scalars.max(axis=0) if scalars.size else np.zeros(0),
        shape_count=shape_count,
    )
