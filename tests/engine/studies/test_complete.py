"""A shape that a Model knows is found from a part of it, moved by hand, and pulled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FormwrightError, GeometryError, ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sheet import quality_sheet
from engine.geometry.topology import measure_topology
from engine.optimization.run import Run
from engine.protocol.edits import AddTerm, SetLatent
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.complete import CompleteProblem
from engine.studies.registry import build_problem
from engine.studies.sample_models import sample_model, vase_scan
from engine.studies.shape_family import vases


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_model("vases", lambda title, part: None, tmp_path_factory.mktemp("models"))


def problem(model: Path, target: Mesh | Points | None = None, **parameters: object) -> CompleteProblem:
    study = Study(
        study="complete", inputs={"model": str(model)}, parameters={"resolution": 32, "device": "cpu", **parameters}
    )
    built = build_problem(study, {"target": target} if target is not None else {})
    assert isinstance(built, CompleteProblem)
    return built


def run_of(built: CompleteProblem) -> Run:
    return Run(built, OptimizerSpec(learning_rate=0.05), built.iterations)


def test_one_side_of_a_vase_is_enough(model: Path) -> None:
    truth = vases(6, seed=7)[2]
    built = problem(model, vase_scan(), iterations=100, samples=1000)
    run = run_of(built)
    before = quality_sheet(built.result_mesh(), truth).to_dict()["reference_to_surface"]["mean"]
    while run.step():
        pass
    mesh = built.result_mesh()
    after = quality_sheet(mesh, truth).to_dict()["reference_to_surface"]["mean"]
    # The scanner saw a third of it; its noise is 0.1 mm and a cell 3.9 mm.
    assert after < min(0.4 * before, 1.0)
    assert measure_topology(mesh.triangles).watertight


def test_sliders_move_the_shape_and_undo_brings_it_back(model: Path) -> None:
    built = problem(model)
    mean = built.result_mesh().vertices
    size = len(built.view()[2]["latent"])
    inverse = built.apply(SetLatent(values=[2.0] + [0.0] * (size - 1)))
    assert built.view()[2]["latent"][0] == 2.0
    seen = built.view()[1]["vertices"]
    moved = built.result_mesh().vertices
    assert len(seen) == len(moved) and (len(moved) != len(mean) or np.abs(moved - mean).max() > 1.0)
    assert inverse == SetLatent(values=[0.0] * size)
    built.apply(inverse)
    assert np.array_equal(built.result_mesh().vertices, mean)
    with pytest.raises(ParameterError, match=f"{size} finite numbers"):
        built.apply(SetLatent(values=[1.0] * (size + 1)))


def test_a_handle_is_followed_within_the_shape_space(model: Path) -> None:
    built = problem(model, iterations=60)
    run = run_of(built)
    vertices = built.result_mesh().vertices
    top = vertices[vertices[:, 2].argmax()]
    wanted = top + np.array([0.0, 0.0, 8.0])
    spec = TermSpec(
        kind="handle", name="pull", weight=50.0,
        parameters={"anchor": top.tolist(), "target": wanted.tolist(), "radius": 6.0},
    )  # fmt: skip
    run.send(AddTerm(spec=spec))
    for _ in range(40):
        assert run.step(), run.take_events()
    assert built.result_mesh().vertices[:, 2].max() > top[2] + 4.0
    assert "fit" not in {name.removeprefix("term:") for name in run.losses}  # there is no target: it rests


def test_it_continues_from_a_state_bit_for_bit(model: Path) -> None:
    runs = []
    for _ in range(2):
        built = problem(model, vase_scan(), iterations=20, samples=500)
        runs.append((built, run_of(built)))
    (one, first), (other, second) = runs
    for _ in range(4):
        first.step()
    second.restore(first.state())
    for run in (first, second):
        for _ in range(3):
            run.step()
    assert np.array_equal(one.result_mesh().vertices, other.result_mesh().vertices)


def test_what_it_cannot_take_is_said(model: Path, tmp_path: Path) -> None:
    scan = vase_scan()
    far = Points(scan.positions + 500.0, normals=scan.normals, name="far away")
    with pytest.raises(GeometryError, match="0% of far away lies where"):
        problem(model, far)
    with pytest.raises(ParameterError, match="needs a Model"):
        build_problem(Study(study="complete"), {"target": scan})
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no model")
    with pytest.raises(FormwrightError, match="broken"):
        problem(broken)
    with pytest.raises(FormwrightError, match="no sample model 'cups'"):
        build_problem(Study(study="complete", inputs={"model": "sample:cups"}), {})
