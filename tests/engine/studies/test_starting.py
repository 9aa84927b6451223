"""Starts of a reconstruction: a mesh, a scan, a volume, a formula; and the number of parts that is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import GeometryError, ParameterError, QuestionError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import euler_and_parts
from engine.objectives.verification import sphere
from engine.optimization.run import Run
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.inputs import load_inputs
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem

TARGET = sphere(10.0)


def started(begin: Any = None, **parameters: Any) -> np.ndarray:
    """Vertices of the surface with which a reconstruction of a ball of radius 10 mm begins."""
    values = {"resolution": 24, "samples": 500, "device": "cpu", **parameters}
    inputs = {"target": TARGET} if begin is None else {"target": TARGET, "start": begin}
    built = build_problem(Study(parameters=values), inputs)
    assert isinstance(built, ReconstructProblem)
    return built.result_mesh().vertices


def test_from_another_mesh_or_scan() -> None:
    small = sphere(6.0)
    for begin in (small, Points(small.vertices)):
        radii = np.linalg.norm(started(begin, start="file"), axis=1)
        assert np.abs(radii - 6.0).max() < 0.25


@pytest.mark.parametrize("sign", ["auto", "negative"])
def test_from_a_formula(sign: str) -> None:
    vertices = started(start="formula", formula="length(x, y, z) - 0.5", sign=sign)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.5 / 0.9 * 10.0).max() < 0.1
    steep = started(start="formula", formula="1000*(x^2 + y^2 + z^2 - 0.25)", sign=sign)
    assert np.abs(np.linalg.norm(steep, axis=1) - 0.5 / 0.9 * 10.0).max() < 0.1


def test_a_formula_that_is_negative_outside_is_asked_about() -> None:
    with pytest.raises(QuestionError) as asked:
        started(start="formula", formula="0.5 - length(x, y, z)")
    assert asked.value.parameter == "sign" and set(asked.value.readings) == {"positive", "negative"}
    vertices = started(start="formula", formula="0.5 - length(x, y, z)", sign="positive")
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.5 / 0.9 * 10.0).max() < 0.1


@pytest.mark.parametrize(
    ("formula", "words"), [("x^2 + 1", "same sign"), ("log(x)", "no value at"), ("y +", "cannot be read")]
)
def test_a_formula_without_a_surface_is_refused(formula: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        started(start="formula", formula=formula)


def test_a_start_that_is_missing_or_elsewhere_is_refused() -> None:
    with pytest.raises(ParameterError, match="nothing to start from"):
        started(start="file")
    with pytest.raises(GeometryError, match="none of the grid"):
        started(Mesh(TARGET.vertices + 100.0, TARGET.triangles), start="file")


def test_the_answer_about_axes_reaches_the_file(tmp_path: Path) -> None:
    steps = np.arange(20.0) - 9.5
    x, y, z = np.meshgrid(steps, steps, steps, indexing="ij")
    np.save(tmp_path / "a.npy", np.sqrt((x / 2) ** 2 + y**2 + z**2) - 4.0)
    study = Study(inputs={"target": str(tmp_path / "a.npy")})
    with pytest.raises(QuestionError, match="which of its axes is x"):
        load_inputs(study)
    found = {
        axes: load_inputs(study.model_copy(update={"parameters": {"axes": axes, "sign": "negative"}}))["target"].bounds
        for axes in ("xyz", "zyx")
    }
    assert np.ptp(found["xyz"], axis=0)[0] > 14 > 9 > np.ptp(found["xyz"], axis=0)[2]
    np.testing.assert_allclose(found["xyz"][:, ::-1], found["zyx"], atol=1e-9)


def test_a_run_keeps_the_wanted_number_of_parts() -> None:
    ball = sphere(3.0)
    three = [ball.vertices + offset for offset in ([0.0, 0, 0], [10, 0, 0], [0, 12, 0])]
    triangles = np.concatenate([ball.triangles + k * len(ball.vertices) for k in range(3)])
    target = Mesh(np.concatenate(three), triangles)
    values = {"resolution": 24, "samples": 500, "iterations": 12, "device": "cpu", "hold_sides": False}
    for parts in (0, 2):
        study = Study(
            parameters={**values, "parts": parts}, terms=[TermSpec(kind="sign-changes", name="s", weight=1e-9)]
        )
        built = build_problem(study, {"target": target})
        run = Run(built, OptimizerSpec(), built.iterations)
        while run.iteration < 12:
            run.step()
        assert euler_and_parts(built.result_mesh().triangles)[1] == (parts or 3)


def test_a_cavity_is_no_part_and_goes_where_no_target_is() -> None:
    hole = sphere(5.0)
    triangles = np.concatenate([TARGET.triangles, hole.triangles[:, ::-1] + len(TARGET.vertices)])
    hollow = Mesh(np.concatenate([TARGET.vertices, hole.vertices]), triangles)
    values = {"resolution": 24, "samples": 500, "iterations": 12, "device": "cpu", "hold_sides": False}
    study = Study(
        parameters={**values, "parts": 2, "start": "file"},
        terms=[TermSpec(kind="sign-changes", name="s", weight=1e-9)],
    )
    built = build_problem(study, {"target": TARGET, "start": hollow})
    assert euler_and_parts(built.result_mesh().triangles)[1] == 2
    run = Run(built, OptimizerSpec(), built.iterations)
    while run.iteration < 12:
        run.step()
    assert euler_and_parts(built.result_mesh().triangles) == (2, 1)
