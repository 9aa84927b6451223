"""The studies that there are: what each is called, what it takes, and how its problem is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from engine.core.device import choose_device
from engine.core.errors import GeometryError, ParameterError
from engine.core.parameters import ParameterModel
from engine.geometry.cleaning import weld_vertices
from engine.geometry.frame import Frame
from engine.geometry.holes import openings
from engine.geometry.mesh import Mesh
from engine.geometry.normals import with_normals
from engine.geometry.orienting import facing_out
from engine.geometry.points import Points
from engine.geometry.repaired import counted
from engine.geometry.sampling import thin
from engine.geometry.topology import boundary_edges
from engine.objectives.open_target import OpenMeshTarget, OpenScanTarget, open_mesh, open_scan
from engine.objectives.target import MeshTarget, ScanTarget, Target
from engine.protocol.snapshot import AnotherAdvised
from engine.protocol.study import MODEL, OptimizerSpec, Study, TermSpec
from engine.studies.complete import build_complete, complete_terms
from engine.studies.complete_parameters import CompleteParameters
from engine.studies.flat_pattern import build_flat_pattern, flat_pattern_terms
from engine.studies.fold import build_fold, fold_terms
from engine.studies.hold import build_hold, hold_terms
from engine.studies.identify import build_identify, identify_terms
from engine.studies.predict import MESH, build_predict, predict_terms
from engine.studies.predict_parameters import PredictParameters
from engine.studies.preparing import prepare_device
from engine.studies.problem import StudyProblem
from engine.studies.reconstruct import ReconstructProblem, choose, start_surface
from engine.studies.reconstruct_parameters import ReconstructParameters
from engine.studies.recorded_motion import RECORDING
from engine.studies.simulate_parameters import SimulateParameters
from engine.studies.simulated_parameters import (
    FlatPatternParameters,
    FoldParameters,
    HoldParameters,
    IdentifyParameters,
)
from engine.surfaces.kinds import surface_kind

Geometry = Mesh | Points

FLAT = 1e-4
"""Points are flat when they reach so little across their plane, in parts of their length."""


class Progress(Protocol):
    """Tell how far a preparation is: fraction in [0, 1], None while unknown."""

    def __call__(self, message: str, fraction: float | None) -> None: ...


@dataclass(frozen=True)
class StudyKind:
    """A kind of study.

    name : in files; title and help in the user's words
    inputs : role -> what it is
    parameters : their declaration
    default_terms : what is wished when nothing is said
    build : makes the problem
    descends, scene, makes : see `engine.protocol.catalogue.StudyEntry`
    optional : roles of inputs without which it may do: the problem says when it needs them
    optimizer : what suits it
    """

    name: str
    title: str
    help: str
    inputs: dict[str, str]
    parameters: type[ParameterModel]
    default_terms: Callable[[], list[TermSpec]]
    build: Callable[[Study, dict[str, Any], Progress], StudyProblem]
    workspace: str = "Surface"
    descends: bool = True
    scene: bool = False
    makes: str = ""
    optional: tuple[str, ...] = ()
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)


def build_problem(
    study: Study, inputs: dict[str, Any], progress: Progress = lambda message, fraction: None
) -> StudyProblem:
    """The problem of `study` on `inputs` (role -> Mesh or Points).

    Raises `ParameterError` for an unknown study, a missing input or a wrong parameter, `GeometryError` for an input
    that cannot serve, and `MemoryLimitError` for a grid that does not fit.
    """
    kind = study_kind(study.study)
    if kind.scene and study.scene is None:
        raise ParameterError("scene", f"{kind.title} needs one.", remedy="Make a scene, or open one.")
    for role in kind.inputs:
        if role not in inputs and role not in kind.optional:
            raise ParameterError(role, f"{kind.title} needs it.", remedy="Open a mesh or a scan first.")
    return kind.build(study, inputs, progress)


def study_kind(name: str) -> StudyKind:
    """The kind of study called `name`; raises `ParameterError` when there is none."""
    if name not in STUDIES:
        raise ParameterError(name, "there is no such study.", remedy=f"There are {', '.join(STUDIES)}.")
    return STUDIES[name]


def default_study(inputs: dict[str, str], name: str = "reconstruct") -> Study:
    """A Study with everything at its default, on input files by role."""
    kind = study_kind(name)
    return Study(study=name, inputs=inputs, terms=kind.default_terms(), optimizer=kind.optimizer.model_copy())


def reconstruct_terms() -> list[TermSpec]:
    """The same for meshes and scans and for every surface: the Terms themselves know what a scan needs, and those that
    say nothing about the surface rest."""
    return [
        TermSpec(kind="fit", name="fit", weight=10.0),
        TermSpec(kind="normals", name="normals", weight=1.5),
        TermSpec(kind="border", name="border", weight=2.0),
        TermSpec(kind="field", name="field", weight=1.0),
        TermSpec(kind="even-faces", name="even-faces", weight=0.1),
        TermSpec(kind="sign-changes", name="sign-changes", weight=0.02),
        TermSpec(kind="distances", name="distances", weight=1.0),
        TermSpec(kind="eikonal", name="eikonal", weight=0.05),
        TermSpec(kind="smoothness", name="smoothness", weight=1.0, parameters={"applies_to": "scans"}),
    ]


def build_reconstruct(study: Study, inputs: dict[str, Any], progress: Progress) -> StudyProblem:
    """The problem of *Reconstruct*: the target prepared, the surface started."""
    parameters = ReconstructParameters.parse(study.parameters, owner=study.study)
    geometry, notes = sampled(inputs["target"], parameters)
    device = choose(parameters)
    prepare_device(device, progress)
    progress("Preparing the target", 0.1)
    frame, target = prepare_target(geometry, parameters, device)
    progress("Starting the surface", 0.5)
    require_inside(target, geometry.name, parameters.resolution)
    return ReconstructProblem(
        parameters,
        study.terms or reconstruct_terms(),
        geometry=geometry,
        target=target,
        frame=frame,
        device=device,
        surface=start_surface(parameters, target, device, frame=frame, begin=inputs.get("start")),
        notes=(*notes, *advised(geometry, parameters)),
    )


def build_simulate(study: Study, inputs: dict[str, Any], progress: Progress) -> StudyProblem:
    """The problem of *Simulate*: its scene made runnable."""
    from engine.simulation.world.kernels import kernel_files
    from engine.simulation.world.world import build_world
    from engine.studies.simulate import SimulateProblem

    assert study.scene is not None
    parameters = SimulateParameters.parse(study.parameters, owner=study.study)
    device = choose_device(parameters.device)
    prepare_device(device, progress, share=0.5, files=kernel_files(study.scene))
    progress("Building the scene", 0.5)
    meshes = {role: geometry for role, geometry in inputs.items() if isinstance(geometry, Mesh)}
    for role in study.scene.mesh_inputs():
        if role not in meshes:
            raise ParameterError(role, "a shape of the scene is this mesh.", remedy="Open it first.")
    return SimulateProblem(build_world(study.scene, meshes, device=str(device.torch)), device)


def sampled(geometry: Geometry, parameters: ReconstructParameters) -> tuple[Geometry, tuple[str, ...]]:
    """What the Terms look at of the input, and a note where that is not all of it."""
    if isinstance(geometry, Mesh) or geometry.point_count <= parameters.scan_points:
        return geometry, ()
    kept = thin(geometry, parameters.scan_points, parameters.seed)
    note = (
        f"Terms look at {kept.point_count:,} of {geometry.point_count:,} points, drawn with seed {parameters.seed}. "
        "The parameter Points of a scan says how many."
    )
    return kept, (note,)


def advised(geometry: Geometry, parameters: ReconstructParameters) -> tuple[AnotherAdvised, ...]:
    """The advice to take an open surface for a mesh with openings that a closed one covers. Gaps of a scan tell
    nothing: most scans of closed things have some."""
    if not isinstance(geometry, Mesh) or surface_kind(parameters.surface).can_open:
        return ()
    if not len(boundary_edges(geometry.triangles)):
        return ()
    count = openings(weld_vertices(geometry).mesh, widest_hole(geometry, parameters))
    if not count:
        return ()
    message = f"{geometry.name} is open: {counted(count, 'opening')} will be covered by a closed surface."
    late = f"This run began with the openings of {geometry.name} covered, and its surface stays closed."
    return (AnotherAdvised(message, "Keep it open, with G-Shell", {"surface": "g-shell"}, late),)


def widest_hole(geometry: Geometry, parameters: ReconstructParameters) -> float:
    """Openings that are no wider are holes of the data [mm]."""
    return parameters.widest_hole / 100.0 * float(np.ptp(geometry.bounds, axis=0).max())


def prepare_target(geometry: Geometry, parameters: ReconstructParameters, device: Any) -> tuple[Frame, Target]:
    """The working frame round the input, and the input in it, ready for distances."""
    can_open = surface_kind(parameters.surface).can_open
    widest = widest_hole(geometry, parameters)
    if isinstance(geometry, Mesh):
        frame = Frame.around(geometry.bounds)
        opened = open_mesh(geometry, widest_hole=widest) if can_open else None
        kind = MeshTarget if opened is None else OpenMeshTarget
        target: Target = kind(
            opened or facing_out(geometry), frame, device, sample_count=parameters.samples,
            crease_share=parameters.crease_share, seed=parameters.seed,
        )  # fmt: skip
        return frame, target
    points, confidence = with_normals(geometry)
    believed = points.positions[confidence > 0.0]
    frame = Frame.around(np.stack([believed.min(axis=0), believed.max(axis=0)]) if len(believed) else points.bounds)
    border = open_scan(points, confidence, frame, widest_hole=widest) if can_open else None
    options: dict[str, Any] = {
        "sample_count": parameters.samples, "confidence": confidence, "reach": 3.0 * 2.0 / parameters.resolution,
        "seed": parameters.seed,
    }  # fmt: skip
    if border is not None:
        return frame, OpenScanTarget(points, frame, device, border=border, **options)
    require_extent(believed, points.name)
    return frame, ScanTarget(points, frame, device, **options)


def require_extent(positions: np.ndarray, name: str) -> None:
    """Refuse points on a plane, a line or one place: any closed surface would be a guess; raises `GeometryError`."""
    if not len(positions):
        return
    extents = np.linalg.svd(positions - positions.mean(axis=0), compute_uv=False)
    if len(extents) < 3 or extents[2] <= FLAT * extents[0]:
        raise GeometryError(
            f"The points of {name} lie in one plane: they enclose nothing.", remedy="Scan more than one side."
        )


def require_inside(target: Target, name: str, resolution: int) -> None:
    """Refuse a target that no closed surface on the grid can become; raises `GeometryError`."""
    if not bool((target.distance_field(resolution) < 0.0).any()):
        raise GeometryError(
            f"{name} encloses no node of a grid of {resolution} cells: it is flat, an open sheet, or thinner than a "
            "cell.",
            remedy="Close it, give it a thickness, or raise the resolution.",
        )


SHAPE = "The mesh or scan whose shape the sheet should take at the end."

STUDIES: dict[str, StudyKind] = {
    "reconstruct": StudyKind(
        name="reconstruct",
        title="Reconstruct",
        help="Makes one surface of a scan or a mesh: it descends onto the target while you steer it.",
        inputs={
            "target": "The scan or mesh that the surface should become.",
            "start": "A mesh, a scan or a volume to start from, where the target is.",
        },
        optional=("start",),
        parameters=ReconstructParameters,
        default_terms=reconstruct_terms,
        build=build_reconstruct,
    ),
    "simulate": StudyKind(
        name="simulate",
        title="Simulate",
        help="Lets the bodies of a scene move, while you pull at them and change what they are made of.",
        inputs={},
        parameters=SimulateParameters,
        default_terms=list,
        build=build_simulate,
        workspace="Shell",
        descends=False,
        scene=True,
    ),
    "complete": StudyKind(
        name="complete",
        title="Complete",
        help="Finds, among the shapes that a Model has learnt, the one that fits a scan of a part; or moves through "
        "them by hand.",
        inputs={
            MODEL: "The Model of a shape space, as formwright train-shapes writes it.",
            "target": "A scan or mesh of a part, where the shapes of the Model are.",
        },
        parameters=CompleteParameters,
        default_terms=complete_terms,
        build=build_complete,
        makes="deepmesh",
        optional=(MODEL, "target"),
        optimizer=OptimizerSpec(learning_rate=0.05),
    ),
    "predict": StudyKind(
        name="predict",
        title="Predict",
        help="Shows what a Model predicts of a part while you drag it, and changes its shape so that what is predicted "
        "comes nearer to what you wish.",
        inputs={
            MODEL: "A regression Model, as formwright train writes it.",
            MESH: "A mesh of the kind that the Model has learnt, with its anchors.",
        },
        parameters=PredictParameters,
        default_terms=predict_terms,
        build=build_predict,
        workspace="Regression",
        optional=(MODEL,),
        optimizer=OptimizerSpec(learning_rate=0.05),
    ),
    "identify": StudyKind(
        name="identify",
        title="Identify",
        help="Finds numbers of a scene, as stiffness, thickness or friction, from a recorded motion, and says how "
        "certain they are.",
        inputs={
            RECORDING: "A recorded motion: the folder of a trajectory, a CSV table of points (time [s], x, y, z [mm] "
            "and, where it is known, vertex), or a mesh or scan of how it ends."
        },
        parameters=IdentifyParameters,
        default_terms=identify_terms,
        build=build_identify,
        workspace="Shell",
        scene=True,
        optional=(RECORDING,),
        optimizer=OptimizerSpec(kind="l-bfgs", learning_rate=0.5, decay=0.0),
    ),
    "hold": StudyKind(
        name="hold",
        title="Hold it so",
        help="Finds the way of grippers or pins that brings a sheet to a target.",
        inputs={"target": SHAPE},
        parameters=HoldParameters,
        default_terms=hold_terms,
        build=build_hold,
        workspace="Shell",
        scene=True,
        optional=("target",),
        optimizer=OptimizerSpec(kind="l-bfgs", learning_rate=1.0, decay=0.0),
    ),
    "flat-pattern": StudyKind(
        name="flat-pattern",
        title="Flat pattern",
        help="Finds how a sheet has to be cut so that it drapes to a target.",
        inputs={"target": SHAPE},
        parameters=FlatPatternParameters,
        default_terms=flat_pattern_terms,
        build=build_flat_pattern,
        workspace="Shell",
        scene=True,
        optional=("target",),
        optimizer=OptimizerSpec(kind="l-bfgs", learning_rate=0.5, decay=0.0),
    ),
    "fold": StudyKind(
        name="fold",
        title="Fold",
        help="Finds the angles of creases that fold a sheet to a target.",
        inputs={"target": SHAPE},
        parameters=FoldParameters,
        default_terms=fold_terms,
        build=build_fold,
        workspace="Shell",
        scene=True,
        optional=("target",),
        optimizer=OptimizerSpec(kind="l-bfgs", learning_rate=0.5, decay=0.0),
    ),
}
