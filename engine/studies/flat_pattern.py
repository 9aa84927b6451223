"""Flat pattern: how a sheet has to be cut so that it drapes to a target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.errors import NonFiniteError, ParameterError
from engine.geometry.mesh import Mesh
from engine.objectives.moving import Pattern
from engine.objectives.pattern import turned_over
from engine.objectives.target_shape import MILLIMETRE, TargetShape
from engine.protocol.study import Study, TermSpec
from engine.simulation.rigid.poses import orientation
from engine.simulation.world.bodies import Body
from engine.simulation.world.world import World
from engine.studies.simulated import Controls, SimulatedProblem, target_of, world_of
from engine.studies.simulated_parameters import FlatPatternParameters

UNIT = 0.01
"""[m] that 1 in the design is."""

FLAT = 1e-6
"""A pattern is flat when it leaves its plane by less than this part of its length."""


class FlatPatternProblem(SimulatedProblem):
    """The design is how far each vertex of the pattern is from where it began, in the sheet's plane.

    The sheet starts as it is cut, so that it is free of stress: what is not held moves with the pattern.
    Where a triangle would turn over, the design is refused: `NonFiniteError`, from which a line search goes back.
    """

    parameters: FlatPatternParameters

    def __init__(
        self,
        study: Study,
        inputs: Mapping[str, Any],
        parameters: FlatPatternParameters,
        world: World,
        terms: list[TermSpec],
        shape: TargetShape | None,
    ) -> None:
        self._sheet = _sheet(parameters, world)
        rest = world.physical(f"{self._sheet.name}.rest_positions")[self._sheet.vertices]
        self._origin, self._axes = _plane(self._sheet.name, rest)
        self._flat = (rest - self._origin) @ self._axes
        turn = orientation(next(sheet.pose for sheet in world.scene.sheets if sheet.name == self._sheet.name))
        self._into_world = torch.as_tensor(turn) @ self._axes
        held = torch.zeros(len(world.positions), dtype=torch.bool)
        held[world.system.held // 3] = True
        self._free = (~held[self._sheet.vertices]).to(torch.float64)[:, None]
        super().__init__(study, inputs, parameters, world, terms, shape=shape)

    def _start(self) -> dict[str, Tensor]:
        return {"pattern": torch.zeros_like(self._flat)}

    def _controls(self) -> Controls:
        present = self._flat + UNIT * self._tensors["pattern"]
        pattern = Pattern(self._flat, present, torch.as_tensor(self._sheet.own_triangles))
        over = turned_over(Pattern(self._flat, present.detach(), pattern.triangles))
        if over:
            raise NonFiniteError("the pattern", self._iteration, f"{over} triangles of the pattern turn over.")
        name = f"{self._sheet.name}.rest_positions"
        rest = self.world.physical(name).clone()
        rest[self._sheet.vertices] = self._origin + present @ self._axes.T
        start = self.world.positions.clone()
        start[self._sheet.vertices] += self._free * (UNIT * self._tensors["pattern"] @ self._into_world.T)
        return Controls(parameters={name: rest}, positions=start, pattern=pattern)

    def pattern(self) -> np.ndarray:
        """The pattern as it is now, in its plane [mm], shape (vertex_count, 2)."""
        return ((self._flat + UNIT * self._tensors["pattern"]).detach().numpy()) / MILLIMETRE

    def result_mesh(self) -> Mesh:
        """The pattern, flat: what is cut."""
        flat = self.pattern()
        vertices = np.column_stack([flat, np.zeros(len(flat))])
        return Mesh(vertices, self._sheet.own_triangles.astype(np.int32), name=f"{self._sheet.name} pattern")

    def quality_sheet(self) -> dict[str, Any]:
        """Of the drape, which is what the target is compared with."""
        from engine.geometry.sheet import quality_sheet

        reference = self.shape.geometry if self.shape is not None else None
        return quality_sheet(self._mesh_of(self.motion()[-1]), reference, device=self._device).to_dict()


def flat_pattern_terms() -> list[TermSpec]:
    return [
        TermSpec(kind="end-shape", name="end-shape", weight=1.0),
        TermSpec(kind="even-pattern", name="even-pattern", weight=1.0),
    ]


def build_flat_pattern(study: Study, inputs: dict[str, Any], progress: Any) -> FlatPatternProblem:
    parameters = FlatPatternParameters.parse(study.parameters, owner=study.study)
    progress("Building the scene", 0.2)
    world = world_of(study, inputs)
    terms = study.terms or flat_pattern_terms()
    shape = target_of(study, inputs, wanted=any(spec.kind == "end-shape" for spec in terms))
    return FlatPatternProblem(study, inputs, parameters, world, terms, shape)


def _sheet(parameters: FlatPatternParameters, world: World) -> Body:
    name = parameters.sheet or world.scene.sheets[0].name
    if name not in {sheet.name for sheet in world.scene.sheets}:
        known = ", ".join(sheet.name for sheet in world.scene.sheets)
        raise ParameterError("flat-pattern.sheet", f"there is no sheet {name!r}.", remedy=f"There are {known}.")
    return world.bodies[name]


def _plane(name: str, rest: Tensor) -> tuple[Tensor, Tensor]:
    """A point of the plane of a flat sheet, and two axes in it, shape (3, 2); raises `ParameterError` for no plane."""
    origin = rest.mean(dim=0)
    _, extents, axes = torch.linalg.svd(rest - origin, full_matrices=False)
    if not float(extents[2]) <= FLAT * float(extents[0]):
        raise ParameterError(
            "flat-pattern.sheet", f"{name!r} is not flat where it is free of stress.",
            remedy="Draw the sheet flat, or lay the mesh out first.",
        )  # fmt: skip
    if abs(float(axes[2, 2])) > 1.0 - FLAT:
        # It lies in the plane of x and y: a pattern that is exported stands as it was drawn.
        upright = torch.eye(3, dtype=rest.dtype)
        return origin * upright[2], upright[:, :2]
    return origin, axes[:2].T.contiguous()
