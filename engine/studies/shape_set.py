"""Meshes as a set of shapes for learning: each reconstructed as G-Shell on the same grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.geometry.mesh import Mesh
from engine.optimization.run import Run
from engine.protocol.study import Study
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem, default_study
from engine.studies.shape_parameters import save_shapes
from engine.surfaces.gshell import GShell


class CancelledShapesError(Exception):
    """It was stopped; nothing was written."""


def export_shapes(
    meshes: Sequence[Mesh],
    path: Path,
    *,
    resolution: int = 32,
    iterations: int = 100,
    template: str = "flexicubes",
    seed: int = 0,
    progress: Callable[[str, float], None] = lambda title, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[int]:
    """Reconstruct every mesh, open or closed, and write the parameters of all (see `save_shapes`).

    iterations : of each descent; 0 takes the start as it is

    Returns the number of triangles of each shape. Raises `CancelledShapesError`.
    """
    surfaces, scales, origins, counts = [], [], [], []
    for number, mesh in enumerate(meshes):
        study = _study(resolution=resolution, iterations=max(iterations, 1), template=template, seed=seed)
        problem = build_problem(study, {"target": mesh})
        assert isinstance(problem, ReconstructProblem) and isinstance(problem.surface, GShell)
        run = Run(problem, study.optimizer, iterations)
        while run.iteration < iterations and run.status == "running":
            if cancelled():
                raise CancelledShapesError
            progress(mesh.name, (number + run.iteration / iterations) / len(meshes))
            run.step()
        surfaces.append(problem.surface)
        scales.append(problem.frame.scale)
        origins.append(problem.frame.origin)
        counts.append(len(problem.surface.present_output()[1]))
    save_shapes(surfaces, path, names=[mesh.name for mesh in meshes], scales=scales, origins=origins)
    return counts


def _study(**parameters: int | str) -> Study:
    study = default_study({"target": "mesh"})
    return study.model_copy(update={"parameters": {"surface": "g-shell", **parameters}})
