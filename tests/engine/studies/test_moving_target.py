"""The target of a study on a simulation is moved while its Run goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.objectives.target_shape import TargetShape
from engine.optimization.run import Run
from engine.protocol.edits import EDIT, PlaceInput
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.examples import end_of, example_scene
from engine.studies.registry import build_problem

UP = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 20.0), (0.0, 0.0, 0.0, 1.0))
STILL = np.eye(4).tolist()


def hold() -> Any:
    """Three steps of a cloth of nine squares; the target is how they end where nothing is moved."""
    scene = example_scene("hold")
    shape = scene.sheets[0].shape.model_copy(update={"columns": 3, "rows": 3})
    time = scene.time.model_copy(update={"duration": 3 * scene.time.step})
    scene = scene.model_copy(update={"time": time, "sheets": [scene.sheets[0].model_copy(update={"shape": shape})]})
    return build_problem(Study(study="hold", scene=scene, parameters={"knots": 1}), {"target": end_of(scene)})


def test_the_next_iteration_is_about_where_it_stands_and_the_inverse_leads_back() -> None:
    run = Run(hold(), OptimizerSpec(kind="adam", learning_rate=1e-9), 4)
    run.step()
    near = run.losses["term:end-shape"]
    assert near < 1e-6, "the target is how the scene ends"
    run.send(PlaceInput(matrix=UP))
    run.step()
    assert run.losses["term:end-shape"] == pytest.approx(400.0, rel=0.6), "it is 20 mm away, or nearer at an edge"
    applied = next(event for event in run.take_events() if type(event).__name__ == "EditApplied")
    assert applied.inverse == {"edit": "place-input", "role": "target", "matrix": STILL}
    run.send(EDIT.validate_python(applied.inverse))
    run.step()
    assert run.losses["term:end-shape"] == pytest.approx(near, abs=1e-6)


def test_a_state_remembers_where_it_stood() -> None:
    problem = hold()
    problem.apply(PlaceInput(matrix=UP))
    state = problem.state()
    other = hold()
    other.restore(state)
    assert other.state()["target"] == state["target"] == [list(row) for row in UP]
    np.testing.assert_array_equal(other.shape.vertices, problem.shape.vertices)
    assert other.shape.geometry.vertices[:, 2] == pytest.approx(hold().shape.geometry.vertices[:, 2] + 20.0)


@pytest.mark.parametrize("role", ["recording", "sheet"])
def test_what_is_no_target_stays(role: str) -> None:
    with pytest.raises(ParameterError, match="can be moved"):
        hold().apply(PlaceInput(role=role, matrix=UP))


@pytest.mark.parametrize(
    "geometry",
    [
        Mesh(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]), np.array([[0, 1, 2]], np.int32), name="sheet"),
        Points(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]), name="scan"),
    ],
    ids=["mesh", "scan"],
)
def test_distances_are_to_where_it_stands(geometry: Any) -> None:
    shape = TargetShape(geometry, Device("cpu"))
    shape.place(np.array(UP))
    found = shape.closest(shape.vertices + torch.tensor([0.0, 0.0, 5e-3]))
    np.testing.assert_allclose(found, shape.vertices, atol=1e-7)
    np.testing.assert_allclose(shape.vertices[:, 2], 0.02)
