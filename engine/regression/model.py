"""A trained model: from a mesh and scalars to fields and scalars, with bands, differentiable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.regression.data.checking import check_sample
from engine.regression.data.dataset import DatasetError, Sample
from engine.regression.domain import Domain, Novelty
from engine.regression.learning.features import CommonMesh, Correspondence, coordinates, correspond
from engine.regression.learning.further_inputs import FurtherInputs
from engine.regression.learning.gaussian_process import Processes
from engine.regression.learning.reduction import Basis
from engine.regression.learning.scaling import InputScales, Scale
from engine.regression.learning.slope_tables import Process
from engine.regression.learning.sloped_process import SlopedProcess
from engine.regression.morphing.mapping import PreparedMesh
from engine.regression.morphing.morph import prepare_mesh


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
    """One scalar.

    column : of its process
    factor : on the standard deviation, for the band
    scale : in which it was learnt
    spread : standard deviation over the samples that were learnt from
    """

    name: str
    unit: str
    column: int
    factor: float
    scale: Scale = "linear"
    spread: float = 1.0


Known = TypeVar("Known", FieldModel, ScalarModel)


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
class Outcome:
    """What is predicted, with its graph to nodes and scalars: through means and variances of the processes, modes,
    interpolation and the morph.

    fields : by name: mean and half of the band's width at the nodes, each (node_count,)
    scalars : by name: mean and half of the band's width
    features : standardised inputs of the processes, coefficients of the shape first, shape (feature_count,)
    residual : the shape minus what its modes make of it at the nodes of the common mesh, shape (dimension, node_count)
    correspondence : with the common mesh
    """

    fields: Mapping[str, tuple[Tensor, Tensor]]
    scalars: Mapping[str, tuple[Tensor, Tensor]]
    features: Tensor
    residual: Tensor
    correspondence: Correspondence


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
    scales : from standardised features to the inputs of the processes
    further : inputs of the processes beside these
    processes : of all coefficients and scalars
    sloped : those that have learnt derivatives too, by what they are of: they are asked in place of the others
    domain : of what was learnt
    card : how good it is, as plain values
    """

    common: CommonMesh
    shape: Basis
    input_names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    scales: InputScales
    further: FurtherInputs
    processes: Processes
    fields: Mapping[str, FieldModel]
    scalars: Mapping[str, ScalarModel]
    domain: Domain
    card: Mapping[str, Any] = field(default_factory=dict)
    sloped: Mapping[Process, SlopedProcess] = field(default_factory=dict)

    # -- looking at a mesh ----------------------------------------------------------------------------------------

    def prepare(self, sample: Sample) -> MorphedMesh:
        """Morph a mesh; raises `DatasetError` for one that is of another kind than those that were learnt from."""
        check_sample(sample)
        if sample.nodes.shape[1] != self.common.dimension:
            raise DatasetError(
                f"{sample.name} has {sample.nodes.shape[1]} coordinates a node; the model has {self.common.dimension}."
            )
        mesh = prepare_mesh(sample, self.common.outline.kind)
        with torch.no_grad():
            return MorphedMesh(mesh, sample.nodes, correspond(torch.from_numpy(sample.nodes), mesh, self.common))

    def predict(self, sample: Sample, *, fields: Iterable[str] | None = None) -> Prediction:
        """Of a mesh and its scalars (those of `input_names`); `fields` that are asked for, None: all."""
        return self.predict_morphed(self.prepare(sample), sample.inputs, fields=fields)

    def predict_morphed(
        self,
        morphed: MorphedMesh,
        inputs: Mapping[str, float],
        *,
        nodes: np.ndarray | None = None,
        fields: Iterable[str] | None = None,
    ) -> Prediction:
        """The same where the morph is known; `nodes` are new places of the mesh's nodes, which keep what they mean."""
        places = torch.from_numpy(morphed.nodes if nodes is None else np.ascontiguousarray(nodes, np.float64))
        with torch.no_grad():
            found = self.outcome(places, morphed.mesh, inputs, fields=fields, correspondence=morphed.correspondence)
        mapped = morphed.correspondence.morph
        return Prediction(
            {
                name: PredictedField(mean.numpy(), band.numpy(), self.fields[name].unit)
                for name, (mean, band) in found.fields.items()
            },
            {
                name: PredictedScalar(float(mean), float(band), self.scalars[name].unit)
                for name, (mean, band) in found.scalars.items()
            },
            self.domain.look(
                residual=found.residual.numpy(), features=found.features.numpy(), worst_angle=mapped.worst_angle,
                flipped=mapped.flipped,
            ),
        )  # fmt: skip

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

    def outcome(
        self,
        nodes: Tensor,
        mesh: PreparedMesh,
        inputs: Mapping[str, float] | Tensor,
        *,
        fields: Iterable[str] | None = None,
        scalars: Iterable[str] | None = None,
        bands: bool = True,
        correspondence: Correspondence | None = None,
    ) -> Outcome:
        """Fields and scalars of a mesh with its nodes at `nodes`, differentiable in these and in the scalars.

        inputs : by name, or a tensor in the order of `input_names`
        fields, scalars : those that are asked for; None: all
        bands : without them no variance is found, and bands are zero: several times cheaper
        correspondence : the mesh's, held as it is; None: the mesh is morphed, with the graph of its nodes

        Raises `ParameterError` for a name that the model does not know.
        """
        asked_fields = [self._known(name, self.fields, "field") for name in (self.fields if fields is None else fields)]
        asked_scalars = [
            self._known(name, self.scalars, "scalar") for name in (self.scalars if scalars is None else scalars)
        ]
        link = correspond(nodes, mesh, self.common) if correspondence is None else correspondence
        seen = coordinates(nodes, link)
        coefficients = self._shape_coefficients(seen)
        features = self._standardised(
            coefficients, inputs if isinstance(inputs, Tensor) else self.scalar_inputs(inputs)
        )
        known = self.scales(features)[None]
        if self.further.kinds:
            known = torch.cat([known, self.further(nodes, mesh, link)[None]], dim=1)
        found_fields = {}
        for one in asked_fields:
            mean, variance = self._asked(one.name, one.columns, known, bands)
            modes = torch.from_numpy(one.basis.modes)
            common = torch.from_numpy(one.basis.mean) + mean @ modes
            if bands:
                square = variance @ self._squared_modes(one) + torch.from_numpy(one.truncation)
                # Where a field is always the same there is no band, and none to differentiate.
                spread = one.factor * square.clamp_min(1e-300).sqrt()
            else:
                spread = torch.zeros_like(common)
            both = link.from_common.interpolate(torch.stack([common, spread], dim=1))
            found_fields[one.name] = (both[:, 0], both[:, 1])
        found_scalars = {}
        for scalar in asked_scalars:
            column = slice(scalar.column, scalar.column + 1)
            mean, variance = (each[0] for each in self._asked(scalar.name, column, known, bands))
            band = scalar.factor * variance.sqrt()
            if scalar.scale == "logarithm":
                mean = mean.exp()
                band = mean * band
            found_scalars[scalar.name] = (mean, band)
        shape = torch.from_numpy(self.shape.mean) + coefficients @ torch.from_numpy(self.shape.modes)
        return Outcome(found_fields, found_scalars, features, (seen - shape).reshape(self.common.dimension, -1), link)

    def features(self, seen: Tensor, scalars: Tensor) -> Tensor:
        """Standardised inputs of the processes, shape (feature_count,), with the graph of both.

        seen : coordinates on the common mesh, shape (dimension · node_count,)
        """
        return self._standardised(self._shape_coefficients(seen), scalars)

    def scalar(self, name: str, nodes: Tensor, mesh: PreparedMesh, inputs: Mapping[str, float]) -> Tensor:
        """A predicted scalar with its graph to the nodes, through the morph too."""
        return self.outcome(nodes, mesh, inputs, fields=(), scalars=(name,), bands=False).scalars[name][0]

    def field(self, name: str, nodes: Tensor, mesh: PreparedMesh, inputs: Mapping[str, float]) -> Tensor:
        """A predicted field at the nodes, shape (node_count,), with its graph to them."""
        return self.outcome(nodes, mesh, inputs, fields=(name,), scalars=(), bands=False).fields[name][0]

    def _asked(self, name: str, columns: slice, known: Tensor, bands: bool) -> tuple[Tensor, Tensor]:
        """Mean and variance of the processes of a field or a scalar at one point, each (process_count,)."""
        predict = self.processes.predict if bands else self.processes.predict_mean_alone
        mean, variance = (each[0] for each in predict(known, columns))
        sloped = [self.sloped.get((name, mode)) for mode in range(len(mean))]
        if not any(sloped):
            return mean, variance
        both = [
            torch.stack([mean[mode], variance[mode]]) if each is None else torch.cat(each.predict(known, bands=bands))
            for mode, each in enumerate(sloped)
        ]
        mean, variance = torch.stack(both, dim=1)
        return mean, variance

    def _standardised(self, coefficients: Tensor, scalars: Tensor) -> Tensor:
        raw = torch.cat([coefficients, scalars])
        return (raw - torch.from_numpy(self.centre)) / torch.from_numpy(self.spread)

    def _known(self, name: str, there: Mapping[str, Known], kind: str) -> Known:
        if name not in there:
            raise ParameterError(
                name, f"the model predicts no such {kind}.", remedy=f"It has {', '.join(there) or 'none'}."
            )
        return there[name]

    def _shape_coefficients(self, seen: Tensor) -> Tensor:
        return torch.from_numpy(self._shape_rows()) @ (seen - torch.from_numpy(self.shape.mean))

    def _squared_modes(self, one: FieldModel) -> Tensor:
        """Squares of a field's modes, made once."""
        kept: dict[str, Tensor] = self.__dict__.setdefault("_squares", {})
        if one.name not in kept:
            kept[one.name] = torch.from_numpy(one.basis.modes**2)
        return kept[one.name]

    def _shape_rows(self) -> np.ndarray:
        """Modes of the shape times the mass matrix, made once."""
        rows = self.__dict__.get("_rows")
        if rows is None:
            mass = self.common.mass()
            parts = np.split(self.shape.modes, self.common.dimension, axis=1)
            rows = np.concatenate([np.asarray((mass @ part.T).T) for part in parts], axis=1)
            self.__dict__["_rows"] = rows
        return rows
