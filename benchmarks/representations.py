"""How near each surface comes in how much time: FlexiCubes, G-Shell and DeepMesh on closed and on open shapes.

python benchmarks/representations.py [--only PART …] [--models FOLDER] [--json FILE]

PART : closed (every surface on the same grid, at a few numbers of iterations), open (G-Shell on shapes that are cut
    by a plane and by a ball when this runs). With it no result is kept for the report.
FOLDER : meshes of your own, instead of the shapes that the program generates; or the variable FORMWRIGHT_MODELS.

Every line is a Run of its own, for its schedules follow the number of iterations. Processor seconds count the building
of the problem and all iterations, on one thread, with kernels that are loaded. Distances are exact, point to surface
both ways, in parts of the diagonal of what should come out; F1 counts samples within 0.003 where its longest side is
1.8.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from _judgement import Judgement, judge, mesh_of, welded
from measurement import Measurement, tell, write

from engine.core.kernels import initialise_warp
from engine.geometry.mesh import Mesh
from engine.io.registry import extensions
from engine.optimization.run import Run
from engine.protocol.study import Study
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem
from engine.studies.samples import kept_part, sample_named
from engine.surfaces.gshell import TEMPLATES
from engine.surfaces.kinds import CLASSES

VARIABLE = "FORMWRIGHT_MODELS"
RESOLUTION = 32
ITERATIONS = (30, 100, 300)
OPEN_ITERATIONS = 300
SLANT = np.array([0.94, 0.28, 0.19])
"""Normal of the plane that cuts through the middle, along no axis of the grid."""
BALL = 0.2
"""Radius of the ball round the highest place that is cut out, in parts of the diagonal."""


def main() -> int:
    parts: dict[str, Callable[[list[Mesh]], list[Measurement]]] = {"closed": closed, "open": opened}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(parts), help="measure these alone")
    parser.add_argument("--models", type=Path, default=os.environ.get(VARIABLE), help="a folder of meshes")
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    initialise_warp()
    models = models_of(Path(options.models)) if options.models else [_sample(name) for name in ("bracket", "knot")]
    measurements = [found for name in options.only or parts for found in parts[name](models)]
    tell(measurements, options.json)
    if not options.only:
        write("representations", measurements, title="FlexiCubes, G-Shell and DeepMesh")
    return 0 if all(found.holds is not False for found in measurements) else 1


def models_of(folder: Path) -> list[Mesh]:
    """The meshes of a folder."""
    known = {suffix for suffixes in extensions("read", "mesh").values() for suffix in suffixes}
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in known]
    return [welded(replace(mesh_of(path), name=path.stem)) for path in paths]


def closed(models: list[Mesh]) -> list[Measurement]:
    """Every surface on every shape, after few and after many iterations."""
    found = []
    for kind in CLASSES:
        reconstruct(models[0], surface=kind, resolution=16, iterations=2)
        for model in models:
            for iterations in ITERATIONS:
                result, spent = reconstruct(model, surface=kind, resolution=RESOLUTION, iterations=iterations)
                judged = judge(result, model)
                creases = "" if judged.crease_f1 is None else f", creases {judged.crease_f1:.3f}"
                wrong = "" if judged.closed_as_it_should else ", topology wrong"
                note = f"F1 {judged.f1:.4f}{creases}, {judged.describe_topology()}{wrong}, {spent:.1f} CPU s"
                name = f"{model.name}, {kind}, {RESOLUTION}³, {iterations} iterations: mean distance"
                found.append(Measurement(name, percentage(judged.mean, judged), "%", note=note))
    return found


def opened(models: list[Mesh]) -> list[Measurement]:
    """G-Shell with both of its templates on shapes with borders."""
    shapes = [cut for model in models for cut in (cut_by_plane(model), cut_by_ball(model))]
    found = []
    for template in TEMPLATES:
        options: dict[str, Any] = {"surface": "g-shell", "template": template}
        reconstruct(shapes[0], **options, resolution=16, iterations=2)
        for shape in shapes:
            result, spent = reconstruct(shape, **options, resolution=RESOLUTION, iterations=OPEN_ITERATIONS)
            judged = judge(result, shape)
            name = f"{shape.name}, G-Shell on {template}, {RESOLUTION}³, {OPEN_ITERATIONS} iterations"
            right = float(judged.open_as_it_should)
            found.append(
                Measurement(f"{name}: mean distance", percentage(judged.mean, judged), "%", note=f"{spent:.1f} CPU s")
            )
            if judged.border is not None:
                found.append(Measurement(f"{name}: border to border", percentage(judged.border, judged), "%"))
            found.append(
                Measurement(
                    f"{name}: borders, parts and handles right", right, "", bar=1.0, more_is_better=True,
                    note=judged.describe_topology(),
                )
            )  # fmt: skip
    return found


def reconstruct(target: Mesh, **parameters: Any) -> tuple[Mesh, float]:
    """The result of the default Terms with these parameters, and the processor seconds that it took."""
    began = time.process_time()
    study = Study(parameters={**parameters, "device": "cpu"})
    problem = build_problem(study, {"target": target})
    assert isinstance(problem, ReconstructProblem)
    run = Run(problem, study.optimizer, problem.iterations)
    while run.step():
        pass
    assert run.status == "finished", run.take_events()
    result = problem.result_mesh()
    return result, time.process_time() - began


def cut_by_plane(mesh: Mesh) -> Mesh:
    """The part on one side of a slanted plane through the middle."""
    level = (mesh.vertices - mesh.bounds.mean(axis=0)) @ SLANT
    return replace(kept_part(mesh, level), name=f"{mesh.name} cut by a plane")


def cut_by_ball(mesh: Mesh) -> Mesh:
    """What is outside of a ball round the highest vertex."""
    top = mesh.vertices[mesh.vertices[:, 2].argmax()]
    level = np.linalg.norm(mesh.vertices - top, axis=1) - BALL * mesh.diagonal
    return replace(kept_part(mesh, level), name=f"{mesh.name} cut by a ball")


def percentage(length: float, judged: Judgement) -> float:
    """A length in the judge's frame in percent of the reference's diagonal."""
    return 100.0 * length / judged.diagonal


def _sample(name: str) -> Mesh:
    made = sample_named(name).make()
    assert isinstance(made, Mesh)
    return made


if __name__ == "__main__":
    sys.exit(main())
