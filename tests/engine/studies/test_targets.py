"""Targets that are not what a reconstruction hopes for: it does something sensible, or says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.core.device import Device
from engine.core.errors import GeometryError
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import measure_topology
from engine.objectives.verification import cube, sphere
from engine.optimization.run import Run
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.problem import StudyProblem
from engine.studies.registry import build_problem

SIDE = 20.0
CUBE = cube(SIDE, (100.0, -50.0, 30.0))


def build(target: Mesh | Points, **parameters: Any) -> StudyProblem:
    values = {"resolution": 16, "iterations": 15, "samples": 500, "device": "cpu", **parameters}
    return build_problem(Study(parameters=values), {"target": target})


def reconstructed(target: Mesh | Points, **parameters: Any) -> Mesh:
    """The result of a short Run that went through without a word."""
    built = build(target, **parameters)
    run = Run(built, OptimizerSpec(), built.iterations)
    while run.step():
        pass
    assert run.status == "finished", run.take_events()
    result = built.result_mesh()
    topology = measure_topology(result.triangles)
    assert topology.watertight and topology.consistent_winding
    assert (topology.parts, topology.euler_characteristic) == (1, 2)
    return result


def mean_distance(result: Mesh, target: Mesh) -> float:
    index = TriangleIndex(target.vertices, target.triangles, Device("cpu"))
    return float(index.closest(result.vertices).distances.mean())


def with_every_third_flipped(mesh: Mesh) -> Mesh:
    triangles = mesh.triangles.copy()
    triangles[::3] = triangles[::3, ::-1]
    return replace(mesh, triangles=triangles)


def with_degenerate_triangles(mesh: Mesh) -> Mesh:
    needle = [[0, 0, 1], [2, 2, 2], [0, mesh.vertex_count, 1]]
    return Mesh(np.concatenate([mesh.vertices, mesh.vertices[:1]]), np.concatenate([mesh.triangles, needle]))


@pytest.mark.parametrize(
    "spoiled",
    [
        replace(CUBE, triangles=CUBE.triangles[:, ::-1]),
        with_every_third_flipped(CUBE),
        with_degenerate_triangles(CUBE),
        replace(CUBE, triangles=np.concatenate([CUBE.triangles, CUBE.triangles])),
        replace(CUBE, triangles=np.delete(CUBE.triangles, 3, axis=0)),
    ],
    ids=["inside out", "a third flipped", "degenerate triangles", "every face twice", "one face missing"],
)
def test_a_spoiled_mesh_becomes_what_was_meant(spoiled: Mesh) -> None:
    assert mean_distance(reconstructed(spoiled), CUBE) < 0.02 * SIDE


@pytest.mark.parametrize(
    "target",
    [
        replace(CUBE, vertices=(CUBE.vertices - CUBE.vertices.mean(axis=0)) * 5e-8),
        replace(CUBE, vertices=(CUBE.vertices - CUBE.vertices.mean(axis=0)) * 5e5),
        replace(CUBE, vertices=CUBE.vertices + 1e6),
    ],
    ids=["a nanometre", "ten kilometres", "a kilometre away"],
)
def test_size_and_place_do_not_matter(target: Mesh) -> None:
    extent = float(np.ptp(target.vertices, axis=0).max())
    assert mean_distance(reconstructed(target), target) < 0.02 * extent


@pytest.mark.parametrize("start", ["sdf", "sphere", "random"])
@pytest.mark.parametrize(
    "sheet",
    [
        Mesh(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]), np.array([[0, 1, 2]])),
        replace(CUBE, vertices=CUBE.vertices * [1.0, 1.0, 0.0]),
        replace(CUBE, vertices=CUBE.vertices * [1.0, 1.0, 1e-6] + [0.0, 0.0, 0.1]),
    ],
    ids=["one triangle", "no thickness", "a film"],
)
def test_what_encloses_nothing_is_refused_by_name(sheet: Mesh, start: str) -> None:
    with pytest.raises(GeometryError, match=r"leaf.* encloses no node") as caught:
        build(replace(sheet, name="leaf"), start=start, resolution=15)
    assert "thickness" in caught.value.remedy


@pytest.mark.parametrize(
    "target",
    [
        Mesh(np.array([[0.0, 0, 0], [10, 0, 0], [20, 0, 0]]), np.array([[0, 1, 2]])),
        Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])),
        Points(np.zeros((100, 3))),
        Points(np.eye(3)),
    ],
    ids=["a line", "a point", "one place", "three points"],
)
def test_what_has_no_extent_is_refused(target: Mesh | Points) -> None:
    with pytest.raises(GeometryError):
        build(target)


@pytest.mark.parametrize("axes", [[1.0, 1.0, 0.0], [1.0, 1.0, 1e-5], [1.0, 0.0, 0.0]], ids=["flat", "nearly", "a line"])
def test_a_scan_of_a_plane_is_refused_by_name(axes: list[float]) -> None:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    positions = np.random.default_rng(0).uniform(-10.0, 10.0, (500, 3)) * axes @ turn + 300.0
    with pytest.raises(GeometryError, match=r"wall lie in one plane"):
        build(Points(positions, name="wall"))


def test_half_a_ball_is_closed_over_its_opening() -> None:
    ball = sphere(10.0, 12)
    upper = ball.vertices[ball.triangles].mean(axis=1)[:, 2] > 0
    result = reconstructed(replace(ball, triangles=ball.triangles[upper]), resolution=24)
    assert result.vertices[:, 2].max() > 9.5 and result.vertices[:, 2].min() > -3.0
