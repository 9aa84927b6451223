"""Complete: a shape of those that a Model has learnt descends onto a scan that may lack most of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from engine.core.device import Device, choose_device
from engine.core.errors import GeometryError, ParameterError
from engine.core.leaves import State
from engine.geometry.mesh import Mesh
from engine.geometry.normals import with_normals
from engine.geometry.points import Points
from engine.geometry.sampling import sample_mesh, thin
from engine.objectives.target import ScanTarget
from engine.protocol import edits as edit_kinds
from engine.protocol.edits import Edit
from engine.protocol.study import MODEL, SAMPLE, Study, TermSpec
from engine.studies.complete_parameters import CompleteParameters
from engine.studies.preparing import Tell, prepare_device
from engine.studies.problem import StudyProblem
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.sample_models import sample_model
from engine.surfaces.deepmesh import DeepMesh
from engine.surfaces.shape_space import ShapeSpace, load_shape_space

REACH = 0.1
"""Working lengths: the surface further than this from every point of the scan is left to the Model."""

MOST_SHAPES = 100
"""Shapes that every Snapshot tells of."""

LEAST_INSIDE = 0.5
"""Part of a scan that must lie in the cube that the Model knows."""


class CompleteProblem(ReconstructProblem):
    """The latent of a shape space is the design; its surface is compared with the scan, where there is one.

    shapes : latents of the first shapes that were learnt, by name
    """

    shapes: Mapping[str, list[float]] = MappingProxyType({})

    def apply(self, edit: Edit) -> Edit | None:
        if not isinstance(edit, edit_kinds.SetLatent):
            return super().apply(edit)
        before = self._latent()
        assert isinstance(self.surface, DeepMesh)
        self.surface.set_latent(np.asarray(edit.values, np.float64))
        return edit_kinds.SetLatent(values=before)

    def restore(self, state: State) -> None:
        super().restore(state)
        if "latent" not in self.surface.tensors():
            raise ParameterError("checkpoint", "it holds no shape of a Model.")

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        origin, arrays, info = super().view()
        return origin, arrays, {**info, "latent": self._latent(), "shapes": self.shapes}

    def _latent(self) -> list[float]:
        return [float(value) for value in self.surface.tensors()["latent"].detach().cpu()]


def complete_terms() -> list[TermSpec]:
    """Only the scan speaks, and where it says nothing the Model does. Without a scan the Terms on it rest."""
    return [
        TermSpec(kind="fit", name="fit", weight=10.0, parameters={"surface_share": 0.0}),
        TermSpec(kind="latent-prior", name="latent-prior", weight=1e-3),
    ]


def build_complete(study: Study, inputs: Mapping[str, Any], progress: Tell) -> StudyProblem:
    """The problem of *Complete*: the Model read (one of ours is learnt first), the scan prepared in its frame.

    Raises `ParameterError` without a Model, and `GeometryError` for a scan that is elsewhere than what it has learnt.
    """
    parameters = CompleteParameters.parse(study.parameters, owner=study.study)
    device = choose_device(parameters.device)
    prepare_device(device, progress)
    space = space_of(study, progress)
    progress("Preparing the scan", 0.95)
    given = inputs.get("target")
    problem = CompleteProblem(
        parameters,
        study.terms or complete_terms(),
        geometry=given,
        target=None if given is None else scan_in(space, given, parameters, device),
        frame=space.frame,
        device=device,
        surface=DeepMesh.of_model(space, parameters.resolution, device=device),
    )
    named = list(zip(space.names, space.latents.tolist(), strict=True))
    problem.shapes = dict(named[:MOST_SHAPES])
    return problem


def space_of(study: Study, progress: Tell) -> ShapeSpace:
    """The shape space of the study's Model."""
    path = study.inputs.get(MODEL)
    if not path:
        raise ParameterError(MODEL, "Complete needs a Model.", remedy="Train one on a folder of meshes, or open one.")
    if path.startswith(SAMPLE):
        return load_shape_space(sample_model(path.removeprefix(SAMPLE), progress))
    return load_shape_space(Path(path))


def scan_in(space: ShapeSpace, given: Mesh | Points, parameters: CompleteParameters, device: Device) -> ScanTarget:
    """A scan in the frame of the space; of a mesh only its points speak, for it may lack a part too."""
    if isinstance(given, Mesh):
        positions, normals, _ = sample_mesh(given, parameters.scan_points // 10, parameters.seed)
        points = Points(positions, normals=normals, name=given.name)
    else:
        points = thin(given, parameters.scan_points, parameters.seed)
    points, confidence = with_normals(points)
    working = space.frame.to_working(points.positions)
    inside = float((np.abs(working) <= 1.0).all(axis=1).mean())
    if inside < LEAST_INSIDE:
        raise GeometryError(
            f"Only {inside:.0%} of {given.name} lies where the shapes of the Model are.",
            remedy="Move, turn and scale it to them: all were learnt in one place and size.",
        )
    return ScanTarget(
        points, space.frame, device, sample_count=parameters.samples, confidence=confidence, reach=REACH,
        seed=parameters.seed,
    )  # fmt: skip
