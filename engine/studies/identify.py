"""Identify: numbers of a scene (stiffness, thickness, friction, ...) from a recorded motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.recorded import RecordedMotion
from engine.protocol.scene_names import FRICTION, NUMBER_UNITS
from engine.protocol.study import Study, TermSpec
from engine.simulation.world.world import World
from engine.studies.recorded_motion import recording_of
from engine.studies.simulated import Controls, SimulatedProblem, world_of
from engine.studies.simulated_parameters import IdentifyParameters, listed

POISSON_RANGE = (-0.95, 0.499)
STEP = 1e-3
"""Of central differences of the gradient, in the design's own units."""


@dataclass(frozen=True)
class Found:
    """value ± deviation [unit] of a number: one standard deviation, as the curvature of the loss says."""

    name: str
    value: float
    deviation: float
    unit: str


class IdentifyProblem(SimulatedProblem):
    """The design is ln(value / start) of every number, and for Poisson's ratio a logistic one within its range."""

    parameters: IdentifyParameters

    def __init__(
        self,
        study: Study,
        inputs: Mapping[str, Any],
        parameters: IdentifyParameters,
        world: World,
        terms: list[TermSpec],
        recording: RecordedMotion,
    ) -> None:
        self._names = _checked(parameters, world)
        self._first = {name: _present(world, name) for name in self._names}
        self._residuals = recording.positions.numel()
        super().__init__(study, inputs, parameters, world, terms, recording=recording)

    def _start(self) -> dict[str, Tensor]:
        return {name: torch.zeros((), dtype=torch.float64) for name in self._names}

    def _controls(self) -> Controls:
        return Controls(parameters={name: self._given(name) for name in self._names})

    def _given(self, name: str) -> Tensor:
        """A number as the World takes it: of friction's coefficients the first is the scene's own."""
        value, present = self._value(name, self._tensors[name]), self.world.physical(name)
        return value if not present.ndim else present.index_put((torch.zeros(1, dtype=torch.long),), value)

    def values(self) -> dict[str, float]:
        """The numbers as they are now, by name, in SI units."""
        with torch.no_grad():
            return {name: float(self._value(name, self._tensors[name])) for name in self._names}

    def uncertainties(self) -> list[Found]:
        """Every number with its standard deviation, from the curvature of the loss here; simulates twice for each.

        For a loss that is the mean over n residuals of their squares, the covariance is 2 L H⁻¹ / n with the loss L
        that is left and its Hessian H (residuals that are independent and alike; Nocedal and Wright 2006, section
        10.3). Infinite where the loss does not curve upwards.
        """
        here = {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
        rows = []
        try:
            for name in self._names:
                slopes = []
                for way in (1.0, -1.0):
                    with torch.no_grad():
                        self._tensors[name].copy_(here[name] + way * STEP)
                    slopes.append(self._slope())
                    with torch.no_grad():
                        self._tensors[name].copy_(here[name])
                rows.append((slopes[0] - slopes[1]) / (2.0 * STEP))
            loss = float(self._loss().detach())
        finally:
            self._evaluated = None
        hessian = np.stack(rows)
        deviations = _deviations(2.0 * loss / self._residuals, 0.5 * (hessian + hessian.T))
        found = []
        for name, value, deviation in zip(self._names, self.values().values(), deviations, strict=True):
            leaf = here[name].clone().requires_grad_()
            (slope,) = torch.autograd.grad(self._value(name, leaf), leaf)
            found.append(Found(name, value, abs(float(slope)) * float(deviation), unit_of(name)))
        return found

    def quality_sheet(self) -> dict[str, Any]:
        numbers = {
            found.name: {"value": found.value, "standard_deviation": found.deviation, "unit": found.unit}
            for found in self.uncertainties()
        }
        return {**super().quality_sheet(), "found": numbers}

    def _report(self) -> dict[str, Any]:
        numbers = {name: {"value": value, "unit": unit_of(name)} for name, value in self.values().items()}
        return {"found": numbers}

    def _value(self, name: str, number: Tensor) -> Tensor:
        first = self._first[name]
        if name.rpartition(".")[2] == "poisson":
            low, high = POISSON_RANGE
            share = min(max((first - low) / (high - low), 1e-3), 1.0 - 1e-3)
            return low + (high - low) * torch.sigmoid(number + float(np.log(share / (1.0 - share))))
        return first * torch.exp(number)

    def _loss(self) -> Tensor:
        self.take_progress(self._iteration, self._progress)
        weights = self.weights()
        return torch.stack([weights[name] * value for name, value in self.evaluate().items()]).sum()

    def _slope(self) -> np.ndarray:
        leaves = [self._tensors[name] for name in self._names]
        return np.array([float(part) for part in torch.autograd.grad(self._loss(), leaves)])


def unit_of(name: str) -> str:
    """Of a physical number."""
    return NUMBER_UNITS[name.rpartition(".")[2]]


def identify_terms() -> list[TermSpec]:
    """Where the recording says which vertex is which."""
    return [TermSpec(kind="recorded-vertices", name="recorded-vertices", weight=1.0)]


def build_identify(study: Study, inputs: dict[str, Any], progress: Any) -> IdentifyProblem:
    parameters = IdentifyParameters.parse(study.parameters, owner=study.study)
    progress("Building the scene", 0.2)
    world = world_of(study, inputs)
    progress("Reading the recording", 0.6)
    recording = recording_of(study, inputs, world)
    terms = study.terms or _fitting(recording)
    return IdentifyProblem(study, inputs, parameters, world, terms, recording)


def _fitting(recording: RecordedMotion) -> list[TermSpec]:
    if recording.vertices is not None:
        return identify_terms()
    return [TermSpec(kind="recorded-surface", name="recorded-surface", weight=1.0)]


def _checked(parameters: IdentifyParameters, world: World) -> list[str]:
    """The names of the unknowns; raises `ParameterError` for one that cannot be found."""
    names = listed(parameters.unknowns) or [f"{world.scene.sheets[0].name}.young"]
    known = world.physical_parameters()
    possible = [
        name
        for name in known
        if name == FRICTION or (name.rpartition(".")[2] in NUMBER_UNITS and not world.physical(name).ndim)
    ]
    for name in names:
        if name not in possible:
            raise ParameterError(
                "identify.unknowns", f"{name!r} cannot be found.", remedy=f"These can: {', '.join(sorted(possible))}."
            )
        if name.rpartition(".")[2] != "poisson" and not _present(world, name) > 0.0:
            raise ParameterError(
                "identify.unknowns", f"{name!r} is 0 in the scene.", remedy="Give it a first guess above 0."
            )
    if len(set(names)) != len(names):
        raise ParameterError("identify.unknowns", "a number is named twice.")
    return names


def _present(world: World, name: str) -> float:
    """Its value in the scene; of friction the coefficient where no pair has its own."""
    return float(world.physical(name).reshape(-1)[0])


def _deviations(scale: float, hessian: np.ndarray) -> np.ndarray:
    """Standard deviations of the design's numbers for a covariance of `scale` times the inverse Hessian."""
    values, vectors = np.linalg.eigh(hessian)
    if not values.min() > 1e-12 * max(values.max(), 1e-300):
        return np.full(len(hessian), np.inf)
    return np.sqrt(scale * np.einsum("ij,j,ij->i", vectors, 1.0 / values, vectors))
