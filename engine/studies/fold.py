"""Fold: the angles of creases that bring a sheet to a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import ParameterError
from engine.objectives.target_shape import TargetShape
from engine.protocol.study import Study, TermSpec
from engine.simulation.world.world import World
from engine.studies.simulated import Controls, SimulatedProblem, target_of, world_of
from engine.studies.simulated_parameters import FoldParameters, listed

MOST = 0.98 * np.pi
"""[rad]: a crease that is closed altogether has no side any more."""


class FoldProblem(SimulatedProblem):
    """The design is the rest angle of each crease [rad], as it is actuated."""

    parameters: FoldParameters

    def __init__(
        self,
        study: Study,
        inputs: Mapping[str, Any],
        parameters: FoldParameters,
        world: World,
        terms: list[TermSpec],
        shape: TargetShape | None,
    ) -> None:
        self._lines = _lines(parameters, world)
        super().__init__(study, inputs, parameters, world, terms, shape=shape)

    def _start(self) -> dict[str, Tensor]:
        return {name: torch.tensor(line.item.angle, dtype=torch.float64) for name, line in self._lines.items()}

    def _controls(self) -> Controls:
        values: dict[str, Tensor] = {}
        for name, line in self._lines.items():
            full = f"{name.partition('/')[0]}.rest_angles"
            angles = values.get(full, self.world.physical(full))
            edges = torch.as_tensor(line.edges)
            values[full] = angles.index_put((edges,), self._tensors[name].expand(len(edges)))
        return Controls(parameters=values, fold_angles=torch.stack([self._tensors[name] for name in self._lines]))

    def after_step(self) -> None:
        with torch.no_grad():
            for angle in self._tensors.values():
                angle.clamp_(-MOST, MOST)

    def angles(self) -> dict[str, float]:
        """Rest angle of each crease now [rad]."""
        return {name: float(self._tensors[name].detach()) for name in self._lines}

    def _report(self) -> dict[str, Any]:
        return {"found": {name: {"value": angle, "unit": "rad"} for name, angle in self.angles().items()}}


def fold_terms() -> list[TermSpec]:
    return [
        TermSpec(kind="end-shape", name="end-shape", weight=1.0),
        TermSpec(kind="gentle-folds", name="gentle-folds", weight=1e-3),
    ]


def build_fold(study: Study, inputs: dict[str, Any], progress: Any) -> FoldProblem:
    parameters = FoldParameters.parse(study.parameters, owner=study.study)
    progress("Building the scene", 0.2)
    world = world_of(study, inputs)
    terms = study.terms or fold_terms()
    shape = target_of(study, inputs, wanted=any(spec.kind == "end-shape" for spec in terms))
    return FoldProblem(study, inputs, parameters, world, terms, shape)


def _lines(parameters: FoldParameters, world: World) -> dict[str, Any]:
    names = listed(parameters.creases) or list(world.creases)
    for name in names:
        if name not in world.creases:
            known = ", ".join(world.creases) or "none"
            raise ParameterError("fold.creases", f"there is no crease {name!r}.", remedy=f"There are {known}.")
    if not names:
        raise ParameterError("fold.creases", "the scene has no crease.", remedy="Draw one on the sheet.")
    return {name: world.creases[name] for name in names}
