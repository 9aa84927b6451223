"""A trained model: from a mesh and scalars to fields and scalars, with bands, differentiable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.regression.checking import check_sample
from engine.regression.dataset import DatasetError, Sample
from engine.regression.domain import Domain, Novelty
from engine.regression.features import CommonMesh, Correspondence, coordinates, correspond
from engine.regression.gaussian_process import Processes
from engine.regression.morph import PreparedMesh, prepare_mesh
from engine.regression.reduction import Basis
from engine.regression.transfer import Located


@dataclass(frozen=True)
class FieldModel:
    """One field.

    basis : of its modes on the common mesh
    columns : of the processes that give its coefficients
    truncation : mean square of what the modes leave out, at the common nodes, of samples that were held out
    factor : on the standard deviation, for the band
    """

    name: str
    unit: str
    basis: Basis
    columns: slice
    truncation: np.ndarray
    factor: float


@dataclass(frozen=True)
class ScalarModel:
    """One scalar: its process, and the factor on its standard deviation."""

    name: str
    unit: str
    column: int
    factor: float


@dataclass(frozen=True)
class PredictedField:
    """At the nodes of a sample: mean and half of the band's width, shape (node_count,)."""

    mean: np.ndarray
    band: np.ndarray
    unit: str


@dataclass(frozen=True)
class PredictedScalar:
    mean: float
    band: float
    unit: str


@dataclass(frozen=True)
class Prediction:
    """fields, scalars : by name; novelty : how far the sample is from what was learnt, and why."""

    fields: Mapping[str, PredictedField]
    scalars: Mapping[str, PredictedScalar]
    novelty: Novelty


@dataclass(frozen=True)
class MorphedMesh:
    """A mesh whose morph is done: its fields follow at once when scalars change, or when its nodes move with the
    correspondence held."""

    mesh: PreparedMesh
    nodes: np.ndarray
    correspondence: Correspondence


@dataclass(frozen=True)
class RegressionModel:
    """What was learnt.

    common : the mesh on which samples meet
    shape : basis of the coordinates on it
    input_names : scalars that must be given
    centre, spread : of [coefficients of the shape, scalars], for standardising
    processes : of all coefficients and scalars
    domain : of what was learnt
    card : how good it is, as plain values
    """

    common: CommonMesh
    shape: Basis
    input_names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    processes: Processes
    fields: Mapping[str, FieldModel]
    scalars: Mapping[str, ScalarModel]
    domain: Domain
    card: Mapping[str, Any] = field(default_factory=dict)

    # -- looking at a mesh ----------------------------------------------------------------------------------------

    def prepare(self, sample: Sample) -> MorphedMesh:
        """Morph a mesh; raises `DatasetError` for one that is of another kind than those that were learnt from."""
        check_sample(sample)
        if sample.nodes.shape[1] != self.common.dimension:
            raise DatasetError(
                f"{sample.name} has {sample.nodes.shape[1]} coordinates a node; the model has {self.common.dimension}."
            )
        mesh = prepare_mesh(sample)
        with torch.no_grad():
            return MorphedMesh(mesh, sample.nodes, correspond(torch.from_numpy(sample.nodes), mesh, self.common))

    def predict(self, sample: Sample) -> Prediction:
        """Of a mesh and its scalars (those of `input_names`)."""
        return self.predict_morphed(self.prepare(sample), sample.inputs)

    def predict_morphed(
        self, morphed: MorphedMesh, inputs: Mapping[str, float], *, nodes: np.ndarray | None = None
    ) -> Prediction:
        """The same where the morph is known; `nodes` are new places of the mesh's nodes, which keep what they mean."""
        places = torch.from_numpy(morphed.nodes if nodes is None else np.ascontiguousarray(nodes, np.float64))
        with torch.no_grad():
            seen = coordinates(places, morphed.correspondence)
            features = self.features(seen, self.scalar_inputs(inputs))
            mean, variance = (each[0].numpy() for each in self.processes.predict(features[None]))
        back = morphed.correspondence.from_common
        fields = {name: self._field(one, mean, variance, back) for name, one in self.fields.items()}
        scalars = {
            name: PredictedScalar(float(mean[one.column]), one.factor * float(np.sqrt(variance[one.column])), one.unit)
            for name, one in self.scalars.items()
        }
        coefficients = self._shape_coefficients(seen).numpy()
        residual = (seen.numpy() - self.shape.decode(coefficients)).reshape(self.common.dimension, -1)
        novelty = self.domain.look(
            residual=residual, features=features.numpy(), worst_angle=morphed.correspondence.morph.worst_angle,
            flipped=morphed.correspondence.morph.flipped,
        )  # fmt: skip
        return Prediction(fields, scalars, novelty)

    def scalar_inputs(self, inputs: Mapping[str, float]) -> Tensor:
        """In the model's order; raises `ParameterError` for one that is missing or no number."""
        values = []
        for name in self.input_names:
            if name not in inputs:
                raise ParameterError(
                    name, "the model needs this scalar.", remedy=f"Give {', '.join(self.input_names)}."
                )
            if not np.isfinite(inputs[name]):
                raise ParameterError(name, f"it is {inputs[name]}, which is no number.")
            values.append(float(inputs[name]))
        return torch.tensor(values, dtype=torch.float64)

    # -- differentiable -------------------------------------------------------------------------------------------

    def features(self, seen: Tensor, scalars: Tensor) -> Tensor:
        """Standardised inputs of the processes, shape (feature_count,), with the graph of both.

        seen : coordinates on the common mesh, shape (dimension · node_count,)
        """
        raw = torch.cat([self._shape_coefficients(seen), scalars])
        return (raw - torch.from_numpy(self.centre)) / torch.from_numpy(self.spread)

    def scalar(self, name: str, nodes: Tensor, mesh: PreparedMesh, inputs: Mapping[str, float]) -> Tensor:
        """A predicted scalar with its graph to the nodes, through the morph too."""
        if name not in self.scalars:
            raise ParameterError(
                name, "the model predicts no such scalar.", remedy=f"It has {', '.join(self.scalars)}."
            )
        return self._means(nodes, mesh, inputs)[0][self.scalars[name].column]

    def field(self, name: str, nodes: Tensor, mesh: PreparedMesh, inputs: Mapping[str, float]) -> Tensor:
        """A predicted field at the nodes, shape (node_count,), with its graph to them."""
        if name not in self.fields:
            raise ParameterError(name, "the model predicts no such field.", remedy=f"It has {', '.join(self.fields)}.")
        means, link = self._means(nodes, mesh, inputs)
        one = self.fields[name]
        common = torch.from_numpy(one.basis.mean) + means[one.columns] @ torch.from_numpy(one.basis.modes)
        return link.from_common.interpolate(common)

    def _means(self, nodes: Tensor, mesh: PreparedMesh, inputs: Mapping[str, float]) -> tuple[Tensor, Correspondence]:
        link = correspond(nodes, mesh, self.common)
        features = self.features(coordinates(nodes, link), self.scalar_inputs(inputs))
        return self.processes.predict_mean(features[None])[0], link

    def _shape_coefficients(self, seen: Tensor) -> Tensor:
        return torch.from_numpy(self._shape_rows()) @ (seen - torch.from_numpy(self.shape.mean))

    def _shape_rows(self) -> np.ndarray:
        """Modes of the shape times the mass matrix, made once."""
        rows = self.__dict__.get("_rows")
        if rows is None:
            mass = self.common.mass()
            parts = np.split(self.shape.modes, self.common.dimension, axis=1)
            rows = np.concatenate([np.asarray((mass @ part.T).T) for part in parts], axis=1)
            self.__dict__["_rows"] = rows
        return rows

    def _field(self, one: FieldModel, mean: np.ndarray, variance: np.ndarray, back: Located) -> PredictedField:
        common = one.basis.decode(mean[one.columns])
        spread = field_spread(one.basis, variance[one.columns], one.truncation)
        both = back.interpolate(torch.from_numpy(np.stack([common, one.factor * spread], axis=1))).numpy()
        return PredictedField(both[:, 0], both[:, 1], one.unit)


def field_spread(basis: Basis, variance: np.ndarray, truncation: np.ndarray) -> np.ndarray:
    """Standard deviation at the common nodes in closed form, √(diag(Bᵀ S B) + truncation), shape (node_count,)."""
    return np.sqrt(variance @ basis.modes**2 + truncation)
