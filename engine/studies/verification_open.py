"""Open things whose shape is known, reconstructed from meshes and from noisy scans."""

from __future__ import annotations

import numpy as np
import torch

from engine.core.checks import CheckResult, Count, Positive, check
from engine.core.device import Device
from engine.geometry.cleaning import drop_unreferenced_vertices
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.primitives import ball_surface, box_surface
from engine.geometry.sampling import sample_mesh
from engine.geometry.segments import SegmentIndex
from engine.geometry.topology import boundary_edges, measure_topology
from engine.objectives.target import Border
from engine.optimization.run import Run
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem, reconstruct_terms

BAR = 0.3
"""Percent of the diagonal: the mean distance, and that of the borders."""

SIZE = (40.0, 30.0, 20.0)
"""[mm] of the box that crate and bracket are sides of."""

CPU = Device("cpu")


def open_models() -> list[Mesh]:
    """[mm] A crate without a lid, a bracket of two plates seen from inside, and a bowl."""
    vertices, triangles = box_surface(SIZE, 12)
    middle = vertices[triangles].mean(axis=1) / SIZE
    floor, wall, lid = middle[:, 2] < -0.499, middle[:, 0] < -0.499, middle[:, 2] > 0.499
    ball, faces = ball_surface(20.0, 16)
    low = (ball[faces][..., 2] < 8.0).all(axis=1)
    made = [
        ("crate", vertices, triangles[~lid]),
        ("bracket", vertices, triangles[floor | wall][:, ::-1]),
        ("bowl", ball, faces[low]),
    ]
    return [
        drop_unreferenced_vertices(Mesh(points, np.ascontiguousarray(chosen, np.int32), name=name)).mesh
        for name, points, chosen in made
    ]


def scan_of(mesh: Mesh, count: int, noise: float, seed: int) -> Points:
    """Points spread over it by area, with its normals. noise : standard deviation, percent of the diagonal"""
    positions, normals, _ = sample_mesh(mesh, count, seed)
    spread = noise / 100.0 * _diagonal(mesh)
    return Points(positions + spread * np.random.default_rng(seed).normal(size=positions.shape), normals=normals)


def reconstructed(target: Mesh | Points, *, resolution: int, iterations: int) -> Mesh:
    """What G-Shell makes of it, with everything else at its default."""
    values = {"surface": "g-shell", "resolution": resolution, "iterations": iterations, "device": "cpu"}
    problem = build_problem(Study(parameters=values, terms=reconstruct_terms()), {"target": target})
    assert isinstance(problem, ReconstructProblem)
    run = Run(problem, OptimizerSpec(), iterations)
    while run.iteration < iterations and run.step():
        pass
    return problem.result_mesh()


def open_errors(found: Mesh, wanted: Mesh) -> dict[str, float]:
    """Two-way mean distances of the surfaces and of their borders, percent of the diagonal, and how many border loops
    and parts there are too many or too few."""
    one, other = measure_topology(found.triangles), measure_topology(wanted.triangles)
    off = 50.0 / _diagonal(wanted)
    return {
        "distance": off * (_surface_distance(found, wanted) + _surface_distance(wanted, found)),
        "border": off * (_border_distance(found, wanted) + _border_distance(wanted, found)),
        "loops": abs(one.boundary_loops - other.boundary_loops),
        "parts": abs(one.parts - other.parts),
    }


@check(
    "surfaces.open-models",
    title="Open meshes come out with their shape, their border and their topology",
    source="models made here: crate, bracket, bowl",
    slow=True,
)
def open_meshes(*, resolution: Count = 24, iterations: Count = 60) -> CheckResult:
    """The larger of mean distance and border distance, percent of the diagonal, over three models."""
    return _judged(
        "surfaces.open-models",
        {each.name: open_errors(reconstructed(each, resolution=resolution, iterations=iterations), each)
         for each in open_models()},
    )  # fmt: skip


@check(
    "surfaces.open-scans",
    title="Noisy scans of open models come out with their shape, their border and their topology",
    source="models made here: crate, bracket, bowl",
    slow=True,
)
def open_scans(
    *, resolution: Count = 24, iterations: Count = 60, points: int = 20_000, noise: Positive = 0.1, seed: int = 0
) -> CheckResult:
    """The same of `points` points with normals. noise : standard deviation, percent of the diagonal"""
    return _judged(
        "surfaces.open-scans",
        {each.name: open_errors(
            reconstructed(scan_of(each, points, noise, seed), resolution=resolution, iterations=iterations), each)
         for each in open_models()},
    )  # fmt: skip


def _judged(case: str, errors: dict[str, dict[str, float]]) -> CheckResult:
    worst = max(max(each["distance"], each["border"]) for each in errors.values())
    as_wanted = all(each["loops"] == each["parts"] == 0 for each in errors.values())
    return CheckResult(case, worst, 0.0, BAR, worst <= BAR and as_wanted, unit="% of the diagonal", detail=errors)


def _diagonal(mesh: Mesh) -> float:
    return float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))


def _surface_distance(mesh: Mesh, other: Mesh, count: int = 10_000) -> float:
    places = torch.from_numpy(sample_mesh(mesh, count, 0)[0])
    index = TriangleIndex(torch.from_numpy(other.vertices), torch.from_numpy(other.triangles), CPU)
    return float(index.closest(places).distances.mean())


def _border_distance(mesh: Mesh, other: Mesh, count: int = 5000) -> float:
    """Infinite where either is closed."""
    ends, wanted = (torch.from_numpy(each.vertices[boundary_edges(each.triangles)]) for each in (mesh, other))
    if not len(ends) or not len(wanted):
        return float("inf")
    places = Border(ends, CPU).sample(count, torch.Generator().manual_seed(0))
    return float(SegmentIndex(wanted, CPU).distance(places).mean())
