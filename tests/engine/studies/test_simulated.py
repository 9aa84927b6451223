"""Studies that optimise through a simulation: what a Session, a History and a person ask of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.errors import FileError, NonFiniteError, ParameterError
from engine.geometry.mesh import Mesh
from engine.objectives.recorded import RecordedMotion
from engine.optimization.run import Run
from engine.protocol import edits
from engine.protocol.scene import Scene
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.protocol.trajectory import Trajectory
from engine.studies.examples import YOUNG, end_of, example_scene, example_study, folded, motion_of, with_material
from engine.studies.hold import spline_matrix
from engine.studies.identify import IdentifyProblem
from engine.studies.inputs import load_inputs
from engine.studies.recorded_motion import read_recorded
from engine.studies.registry import build_problem
from engine.studies.session import LocalSession


def short(name: str, steps: int = 3, *, cells: int = 3) -> Scene:
    """The scene of an example with few steps and cells."""
    scene = example_scene(name)
    sheet = scene.sheets[0]
    shape = sheet.shape.model_copy(update={"columns": cells, "rows": cells})
    time = scene.time.model_copy(update={"duration": steps * scene.time.step})
    return scene.model_copy(update={"time": time, "sheets": [sheet.model_copy(update={"shape": shape})]})


def identify(scene: Scene | None = None, *, unknowns: str = "cloth.young", **optimizer: Any) -> IdentifyProblem:
    scene = scene or short("identify")
    study = Study(
        study="identify", parameters={"unknowns": unknowns}, scene=scene, optimizer=OptimizerSpec(**optimizer)
    )
    seen = end_of(with_material(scene, young=YOUNG))
    problem = build_problem(study, {"recording": seen})
    assert isinstance(problem, IdentifyProblem)
    return problem


def run_of(problem: Any, iterations: int, **spec: Any) -> Run:
    return Run(problem, OptimizerSpec(**{"decay": 0.0, **spec}), iterations)


def finish(run: Run) -> Run:
    while run.step():
        pass
    return run


def flat(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value.tobytes()]
    if isinstance(value, dict):
        return [item for key in sorted(value) for item in [key, *flat(value[key])]]
    if isinstance(value, (list, tuple)):
        return [item for entry in value for item in flat(entry)]
    return [value]


@pytest.mark.slow
def test_identify_comes_to_what_made_the_recording() -> None:
    problem = identify()
    finish(run_of(problem, 8, kind="l-bfgs", learning_rate=0.5))
    assert problem.values()["cloth.young"] == pytest.approx(YOUNG, rel=1e-3)
    found = problem.view()[2]["found"]["cloth.young"]
    assert found == {"value": problem.values()["cloth.young"], "unit": "Pa"}


def test_what_the_curvature_says_grows_with_the_noise() -> None:
    """The residuals are noise alone, so the deviation is proportional to it."""
    scene = short("identify")
    _, frames = motion_of(with_material(scene, young=YOUNG))
    noise = np.random.default_rng(0).standard_normal(frames[-1].shape)
    count = len(noise)

    def deviation(size: float) -> float:
        seen = RecordedMotion(
            torch.full((count,), scene.time.steps * scene.time.step, dtype=torch.float64),
            torch.from_numpy(frames[-1] + size * noise),
            torch.arange(count),
        )
        study = Study(study="identify", scene=with_material(scene, young=YOUNG))
        problem = build_problem(study, {"recording": seen})
        assert isinstance(problem, IdentifyProblem)
        problem.prepare(0, 1)
        (found,) = problem.uncertainties()
        assert found.unit == "Pa" and found.value == pytest.approx(YOUNG)
        return found.deviation

    small, large = deviation(1e-5), deviation(3e-5)
    assert large == pytest.approx(3.0 * small, rel=0.1)
    assert 0.0 < small < 0.5 * YOUNG


@pytest.mark.parametrize("kind", ["l-bfgs", "cma-es", "hybrid"])
def test_a_run_goes_on_bit_for_bit_from_a_state(kind: str) -> None:
    spec = {"kind": kind, "learning_rate": 0.5, "search_population": 4, "search_generations": 2}
    whole, first, second = (run_of(identify(), 4, **spec) for _ in range(3))
    finish(whole)
    for _ in range(2):
        first.step()
    second.resume(first.state(), first.position(), first.journal)
    finish(second)
    assert flat(second.state()) == flat(whole.state())


def test_simulations_are_counted() -> None:
    problem = identify()
    finish(run_of(problem, 2, kind="cma-es", search_population=5))
    assert problem.simulations == 1 + 2 * 5
    assert problem.view()[2]["scalars"] == {"simulations": 11.0}
    problem.result_mesh()
    assert problem.simulations == 11, "what only looks counts nothing"


@pytest.mark.slow
def test_another_process_finds_the_same() -> None:
    here, there = (
        finish(run_of(identify(), 2, kind="cma-es", search_population=4, search_workers=workers)) for workers in (1, 2)
    )
    assert here.losses == there.losses
    assert flat(here.problem.state()) == flat(there.problem.state())


def test_what_is_seen_is_a_frame_of_a_trajectory() -> None:
    problem = identify()
    finish(run_of(problem, 1))
    _, arrays, info = problem.view()
    trajectory = Trajectory.open(info["trajectory"])
    assert len(trajectory) == info["frames"] == 4 and info["time"] == pytest.approx(0.03)
    assert np.allclose(1e3 * trajectory[3].positions, arrays["vertices"], atol=1e-3)
    assert [body.name for body in trajectory.bodies] == info["bodies"] == ["cloth"]
    assert np.abs(arrays["sensitivity"]).max() > 0.0
    inverse = problem.apply(edits.SetParameter(owner="study", name="frame", value=0))
    _, first, info = problem.view()
    assert np.allclose(first["vertices"], 1e3 * problem.world.positions.numpy(), atol=1e-3) and info["time"] == 0.0
    assert inverse == edits.SetParameter(owner="study", name="frame", value=-1)
    assert problem.thumbnail(32).shape == (32, 32, 3)
    assert problem.topology() == (1, 1)


def test_looking_changes_nothing() -> None:
    looked, alone = run_of(identify(), 3), run_of(identify(), 3)
    for _ in range(3):
        looked.step()
        looked.problem.view()
        looked.problem.result_mesh()
        alone.step()
    assert flat(looked.state()) == flat(alone.state())


def test_a_target_can_be_dragged_while_it_runs() -> None:
    scene = short("hold")
    point = TermSpec(
        kind="end-point", name="corner", weight=1.0, parameters={"vertex": 15, "target": (100.0, 100.0, 0.0)}
    )
    problem = build_problem(Study(study="hold", scene=scene, terms=[point], parameters={"knots": 1}), {})
    run = run_of(problem, 3, kind="adam", learning_rate=0.1)
    run.step()
    before = run.losses["loss"]
    run.send(edits.SetParameter(owner="corner", name="target", value=(300.0, 100.0, 0.0)))
    run.step()
    assert run.losses["loss"] > before + 1e4
    run.send(edits.AddTerm(spec=TermSpec(kind="even-pattern", name="even", weight=1.0)))
    run.step()
    assert any(type(event).__name__ == "EditRefused" for event in run.take_events())


def test_the_way_of_a_gripper_starts_where_it_stands_and_is_smooth() -> None:
    matrix = spline_matrix(3, 31)
    way = matrix @ torch.tensor([[1.0], [3.0], [2.0]], dtype=torch.float64)
    assert way[[0, 10, 20, 30], 0].tolist() == pytest.approx([0.0, 1.0, 3.0, 2.0], abs=1e-12)
    steps = (way[1:] - way[:-1])[:, 0]
    assert abs(float(steps[0])) < 0.1 * float(steps.abs().max()), "at rest where it begins"


@pytest.mark.slow
def test_fold_finds_the_angle_of_a_crease() -> None:
    scene = example_scene("fold")
    sheet = scene.sheets[0]
    shape = sheet.shape.model_copy(update={"columns": 6, "rows": 1})
    single = sheet.model_copy(update={"shape": shape, "creases": sheet.creases[:1]})
    pin = single.pins[0].region.model_copy(update={"high": (-0.06, 0.1, 0.1)})
    single = single.model_copy(update={"pins": [single.pins[0].model_copy(update={"region": pin})]})
    scene = scene.model_copy(update={"sheets": [single]})
    terms = [TermSpec(kind="end-shape", name="end-shape", weight=1.0, parameters={"pairing": "vertices"})]
    problem: Any = build_problem(Study(study="fold", scene=scene, terms=terms), {"target": end_of(folded(scene, 0.8))})
    finish(run_of(problem, 8, kind="l-bfgs", learning_rate=0.5))
    assert problem.angles()["card/first"] == pytest.approx(0.8, abs=1e-3)


def test_a_pattern_that_would_turn_over_is_refused() -> None:
    scene = short("flat-pattern")
    problem: Any = build_problem(Study(study="flat-pattern", scene=scene), {"target": end_of(scene)})
    problem.prepare(0, 1)
    with torch.no_grad():
        problem.tensors()["pattern"][0, 0] = 30.0
    with pytest.raises(NonFiniteError, match="turn over"):
        problem.evaluate()
    with torch.no_grad():
        problem.tensors()["pattern"].zero_()
    pattern = problem.result_mesh()
    assert np.allclose(pattern.vertices[:, 2], 0.0)
    assert np.allclose(pattern.bounds, [[-100.0, -100.0, 0.0], [100.0, 100.0, 0.0]], atol=1e-9)


def test_a_session_runs_an_example_from_its_file() -> None:
    study = example_study("identify")
    study = study.model_copy(update={"scene": short("identify"), "inputs": {}, "parameters": {"iterations": 2}})
    session = LocalSession(thumbnails=False)
    try:
        session.start(study, {"recording": end_of(with_material(short("identify"), young=YOUNG))})
        session.run_to_end()
        snapshot = session.snapshot()
        assert snapshot is not None and session.run is not None and session.run.status == "finished"
        assert snapshot.scalars["simulations"] >= 2.0 and "trajectory" in snapshot.info
    finally:
        session.close()


def test_a_table_of_points_is_a_recording(tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("time, x, y, z, vertex\n0.02, 1, 2, 3, 5\n0.01, 4, 5, 6, 0\n")
    motion = read_recorded(table)
    assert motion.times.tolist() == [0.01, 0.02] and motion.vertices is not None
    assert motion.vertices.tolist() == [0, 5]
    assert motion.positions[0].tolist() == pytest.approx([0.004, 0.005, 0.006])
    study = Study(study="identify", scene=short("identify"), inputs={"recording": str(table)})
    assert isinstance(load_inputs(study)["recording"], RecordedMotion)
    table.write_text("time, x, y\n0.02, 1, 2\n")
    with pytest.raises(FileError, match="no column 'z'"):
        read_recorded(table)
    table.write_text("time, x, y, z\n0.02, 1, 2, here\n")
    with pytest.raises(FileError, match="row 1"):
        read_recorded(table)


def test_a_trajectory_is_a_recording(tmp_path: Path) -> None:
    problem = identify()
    finish(run_of(problem, 1))
    motion = read_recorded(Path(problem.view()[2]["trajectory"]))
    count = len(problem.world.positions)
    assert len(motion.times) == 3 * count and motion.vertices is not None
    assert float(motion.times[-1]) == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("study", "parameters", "said"),
    [
        ("identify", {"unknowns": "cloth.colour"}, "cannot be found"),
        ("identify", {"unknowns": "cloth.young, cloth.young"}, "named twice"),
        ("hold", {"movers": "hand"}, "'hand' does not move anything"),
        ("flat-pattern", {"sheet": "sail"}, "no sheet 'sail'"),
        ("fold", {}, "no crease"),
    ],
)
def test_what_is_not_in_the_scene_is_said(study: str, parameters: dict[str, Any], said: str) -> None:
    scene = short("identify")
    target = Mesh(np.zeros((3, 3)) + np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(ParameterError, match=said):
        build_problem(
            Study(study=study, scene=scene, parameters=parameters), {"target": target, "recording": end_of(scene)}
        )


@pytest.mark.parametrize(("study", "said"), [("identify", "Identify needs it"), ("fold", "Shape at the end needs it")])
def test_what_is_missing_is_said(study: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        build_problem(Study(study=study, scene=short("identify")), {})
