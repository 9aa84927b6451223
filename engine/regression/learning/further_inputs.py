"""Further inputs of the processes, made of the geometry: modes of the metric of the morph, and of the curvatures of a
surface, beside those of the coordinates.

After the geometric features of arXiv 2401.09452 (metric of a morph, curvatures of a surface as inputs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.sparse import block_diag, csr_matrix
from torch import Tensor

from engine.core.errors import ParameterError
from engine.geometry.curvature import principal_curvatures
from engine.regression.data.dataset import Sample
from engine.regression.learning.features import CommonMesh, Correspondence, coordinates
from engine.regression.learning.metric import metric_mass, metric_values
from engine.regression.learning.reduction import Basis, find_basis
from engine.regression.morphing.mapping import PreparedMesh
from engine.regression.settings import TrainingParameters

METRIC, CURVATURE = "metric", "curvature"
KINDS = (METRIC, CURVATURE)

FLAT = 1e-6
"""Largest curvature times the size of a part that is flat."""


@dataclass(frozen=True)
class ModalInputs:
    """Coefficients of one kind of values, standardised.

    basis : modes of the values, in the inner product of `mass`
    centre, spread : of the coefficients over the samples that were learnt from, shape (mode_count,)
    """

    basis: Basis
    mass: csr_matrix
    centre: np.ndarray
    spread: np.ndarray

    @staticmethod
    def of(values: np.ndarray, mass: csr_matrix, mode_count: int) -> ModalInputs:
        """The modes that hold most of `values`, shape (sample_count, value_count)."""
        basis = find_basis(values, mass, most=mode_count)
        coefficients = basis.coefficients(values, mass)
        spread = coefficients.std(axis=0)
        return ModalInputs(basis, mass, coefficients.mean(axis=0), np.where(spread > 0.0, spread, 1.0))

    def table(self, values: np.ndarray) -> np.ndarray:
        """Of samples, shape (sample_count, mode_count)."""
        return np.asarray((self.basis.coefficients(values, self.mass) - self.centre) / self.spread)

    def __call__(self, values: Tensor) -> Tensor:
        """Of one sample's values (value_count,), with their graph; shape (mode_count,)."""
        coefficients = torch.from_numpy(self._rows()) @ (values - torch.from_numpy(self.basis.mean))
        return (coefficients - torch.from_numpy(self.centre)) / torch.from_numpy(self.spread)

    def _rows(self) -> np.ndarray:
        """Modes times the mass matrix, made once."""
        if "rows" not in self.__dict__:
            self.__dict__["rows"] = np.asarray((self.mass @ self.basis.modes.T).T)
        rows: np.ndarray = self.__dict__["rows"]
        return rows


@dataclass(frozen=True)
class FurtherInputs:
    """All kinds that a model knows; none unless wanted.

    kinds : by name, in the order of `KINDS`
    """

    common: CommonMesh
    kinds: Mapping[str, ModalInputs] = field(default_factory=dict)

    @staticmethod
    def of(values: Mapping[str, np.ndarray], common: CommonMesh, mode_counts: Mapping[str, int]) -> FurtherInputs:
        """The modes that hold most; values : of samples by kind, shape (sample_count, value_count)"""
        return FurtherInputs(
            common,
            {kind: ModalInputs.of(each, mass_of(kind, common), mode_counts[kind]) for kind, each in values.items()},
        )

    @property
    def mode_counts(self) -> dict[str, int]:
        return {kind: each.basis.mode_count for kind, each in self.kinds.items()}

    def table(self, values: Mapping[str, np.ndarray], mode_counts: Mapping[str, int]) -> np.ndarray:
        """Of samples, shape (sample_count, sum of `mode_counts`): modes that are missing say nothing."""
        parts = [each.table(values[kind]) for kind, each in self.kinds.items()]
        wide = [
            np.pad(part, ((0, 0), (0, mode_counts[kind] - part.shape[1])))
            for kind, part in zip(self.kinds, parts, strict=True)
        ]
        return np.concatenate(wide, axis=1)

    def __call__(self, nodes: Tensor, mesh: PreparedMesh, link: Correspondence) -> Tensor:
        """Of one sample with its nodes there, with their graph; shape (sum of mode counts,)."""
        return torch.cat([each(values_of(kind, nodes, mesh, link, self.common)) for kind, each in self.kinds.items()])


def mass_of(kind: str, common: CommonMesh) -> csr_matrix:
    """Of what `values_of` gives."""
    return metric_mass(common) if kind == METRIC else csr_matrix(block_diag([common.mass()] * 2))


def values_of(kind: str, nodes: Tensor, mesh: PreparedMesh, link: Correspondence, common: CommonMesh) -> Tensor:
    """What modes are made of, of one sample with its nodes there, with their graph; shape (value_count,).

    Curvatures are found on the sample's own mesh, whose nodes lie on its surface, and then brought to the common mesh:
    all larger ones before all smaller ones.
    """
    if kind == METRIC:
        return metric_values(coordinates(nodes, link)[None], common)[0]
    bends = principal_curvatures(nodes, mesh.cells, mesh.surroundings)
    return link.to_common.interpolate(bends).T.reshape(-1)


def wanted(parameters: TrainingParameters) -> dict[str, int]:
    """Kinds that the parameters want, with how many modes."""
    counts = {METRIC: parameters.metric_modes, CURVATURE: parameters.curvature_modes}
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def require_curved(samples: Sequence[Sample]) -> None:
    """Raise `ParameterError` where these parts have no curvature that could be an input."""
    first = samples[0]
    kind = "volumes have no curvature" if len(first.tetrahedra) else "parts in the plane have no curvature"
    if len(first.tetrahedra) or first.nodes.shape[1] == 2:
        raise ParameterError("curvature_modes", f"{kind}; only surfaces in space do.", remedy="Set it to 0.")


def further_values(
    samples: Sequence[Sample],
    prepared: Sequence[PreparedMesh],
    links: Sequence[Correspondence],
    common: CommonMesh,
    parameters: TrainingParameters,
) -> dict[str, np.ndarray]:
    """Of all samples, by kind, shape (sample_count, value_count).

    Raises `ParameterError` where curvatures are wanted of parts that are flat.
    """
    found = {}
    for kind in wanted(parameters):
        rows = []
        for sample, mesh, link in zip(samples, prepared, links, strict=True):
            rows.append(values_of(kind, torch.from_numpy(sample.nodes), mesh, link, common).numpy())
            mesh.forget()
        found[kind] = np.stack(rows)
    size = float(np.linalg.norm(np.ptp(common.mean_nodes, axis=0)))
    if CURVATURE in found and float(np.abs(found[CURVATURE]).max()) * size < FLAT:
        raise ParameterError("curvature_modes", "all samples are flat.", remedy="Set it to 0.")
    return found
