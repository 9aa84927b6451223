"""One kind of surface takes the place of another while a reconstruction goes on."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from engine.core.device import Device
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.topology import measure_topology
from engine.objectives.verification import cube
from engine.optimization.run import Run
from engine.protocol import edits
from engine.protocol.snapshot import EditRefused, ProblemRaised
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem
from engine.studies.replay import replay
from engine.studies.session import LocalSession
from engine.surfaces.kinds import CLASSES, restored

PARAMETERS = {
    "resolution": 16, "iterations": 40, "samples": 500, "device": "cpu",
    "network_width": 48, "network_layers": 2, "network_fitting": 150,
}  # fmt: skip
PAIRS = list(permutations(CLASSES, 2))
SWITCHED_AT = 3
CELL = 2.0 / 16 * 20.0 / 1.8
"""Of the grid [mm]."""
CLOSE = {"deepmesh": 0.5 * CELL}
"""How close a surface is where it begins; so small a network rounds off the cube's edges."""


@pytest.fixture(scope="module")
def block() -> Mesh:
    return cube(20.0, (100.0, -50.0, 30.0))


def study_of(surface: str) -> Study:
    # Parameters of other surfaces are there too, as in a study whose surface was switched.
    return Study(parameters={**PARAMETERS, "surface": surface})


def problem_of(surface: str, target: Mesh) -> ReconstructProblem:
    built = build_problem(study_of(surface), {"target": target})
    assert isinstance(built, ReconstructProblem)
    return built


def run_of(problem: ReconstructProblem) -> Run:
    return Run(problem, OptimizerSpec(), problem.iterations)


def descend(run: Run, steps: int) -> None:
    for _ in range(steps):
        assert run.step(), run.take_events()


def switch(surface: str) -> edits.SetParameter:
    return edits.SetParameter(owner="study", name="surface", value=surface)


def distance(problem: ReconstructProblem, target: Mesh) -> float:
    index = TriangleIndex(target.vertices, target.triangles, Device("cpu"))
    return float(index.closest(problem.result_mesh().vertices).distances.mean())


@pytest.mark.parametrize(("first", "then"), PAIRS)
def test_the_new_surface_begins_where_the_old_one_is_and_goes_on(first: str, then: str, block: Mesh) -> None:
    problem = problem_of(first, block)
    run = run_of(problem)
    descend(run, SWITCHED_AT)
    leaves = set(problem.tensors())
    run.send(switch(then))
    descend(run, 1)
    assert problem.surface.kind == then and problem.surface.resolution == 16
    assert distance(problem, block) < CLOSE.get(then, 0.2 * CELL)
    descend(run, 8)
    assert run.losses["term:fit"] < 0.05
    result = problem.result_mesh()
    assert measure_topology(result.triangles).watertight
    # A network may have specks at first: they take up next to nothing.
    assert trimesh.Trimesh(result.vertices, result.triangles).volume == pytest.approx(20.0**3, rel=0.05)
    if set(problem.tensors()) != leaves:
        assert set(run.method.state()["moments"]["moments"]) == set(problem.tensors())  # type: ignore[index,call-overload]  # plain data


@pytest.mark.parametrize(("first", "then"), PAIRS)
def test_it_goes_back_across_the_switch_and_on_again_bit_for_bit(first: str, then: str, block: Mesh) -> None:
    problem = problem_of(first, block)
    run = run_of(problem)
    descend(run, SWITCHED_AT)
    before, old = run.state(), problem.result_mesh()
    run.send(switch(then))
    descend(run, 3)
    after = run.state()
    descend(run, 2)
    new = problem.result_mesh()

    run.restore(before)
    assert problem.surface.kind == first and problem.parameters.surface == first
    assert np.array_equal(problem.result_mesh().vertices, old.vertices)
    descend(run, 1)
    other = problem_of(first, block)  # that has never been switched
    again = run_of(other)
    again.restore(after)
    descend(again, 2)
    assert other.surface.kind == then
    assert np.array_equal(other.result_mesh().vertices, new.vertices)
    assert np.array_equal(other.result_mesh().triangles, new.triangles)


def test_a_recorded_switch_does_the_same_again(block: Mesh) -> None:
    session = LocalSession(thumbnails=False)
    session.start(study_of("flexicubes"), {"target": block})
    for step in range(12):
        assert session.advance()
        if step == 4:
            session.send(switch("deepmesh"))
        if step == 8:
            session.send(switch("flexicubes"))
    assert session.run is not None
    session.run.pause()
    recording, mesh = session.run.recording(), session.run.problem.result_mesh()
    session.close()
    repeated = replay(study_of("flexicubes"), {"target": block}, recording)
    assert np.array_equal(repeated.vertices, mesh.vertices)


def test_undoing_the_switch_brings_the_old_kind_back(block: Mesh) -> None:
    problem = problem_of("flexicubes", block)
    run = run_of(problem)
    descend(run, 2)
    inverse = problem.apply(switch("deepmesh"))
    descend(run, 1)
    assert inverse == switch("flexicubes")
    problem.apply(inverse)
    descend(run, 1)
    assert problem.surface.kind == "flexicubes" and distance(problem, block) < 0.2 * CELL


def test_what_is_frozen_is_no_ground_to_lose_it(block: Mesh) -> None:
    problem = problem_of("flexicubes", block)
    run = run_of(problem)
    descend(run, 1)
    run.send(edits.PaintFreeze(centres=[(100.0, -50.0, 40.0)], radius=4.0))
    run.send(switch("deepmesh"))
    descend(run, 1)
    assert problem.surface.kind == "flexicubes"
    refused = [event for event in run.take_events() if isinstance(event, (ProblemRaised, EditRefused))]
    assert any("Thaw it first" in str(event) for event in refused)


def test_terms_that_say_nothing_about_a_surface_rest_and_come_back(block: Mesh) -> None:
    problem = problem_of("flexicubes", block)
    run = run_of(problem)
    names: list[Any] = []
    for surface in ("flexicubes", "deepmesh", "flexicubes"):
        run.send(switch(surface))
        descend(run, 1)
        names.append({name.removeprefix("term:") for name in run.losses if name != "loss"})
    assert "even-faces" in names[0] and "eikonal" not in names[0]
    assert "even-faces" not in names[1] and "eikonal" in names[1]
    assert names[2] == names[0]


def test_a_state_says_of_which_surface_it_is(block: Mesh) -> None:
    problem = problem_of("flexicubes", block)
    state = problem.surface.state()
    assert type(restored(state, Device("cpu"))) is type(problem.surface)
    with pytest.raises(Exception, match="there is no surface 'clay'"):
        restored({**state, "kind": "clay"}, Device("cpu"))


def test_a_saved_run_is_taken_up_with_the_surface_that_it_had(block: Mesh, tmp_path: Path) -> None:
    session = LocalSession(thumbnails=False, folder=tmp_path)
    number = session.start(study_of("flexicubes"), {"target": block})
    for step in range(8):
        assert session.advance()
        if step == 3:
            session.send(switch("g-shell"))
    session.save()
    assert session.run is not None
    expected, saved = session.run.problem.result_mesh(), session.run_folder(number)
    session.close()
    other = LocalSession(thumbnails=False)
    other.start(study_of("flexicubes"), {"target": block}, resume=saved, paused=True)
    assert other.advance() and other.run is not None
    assert other.run.problem.surface.kind == "g-shell"
    assert np.array_equal(other.run.problem.result_mesh().vertices, expected.vertices)
    before = next(info for info in other.run.history.infos() if "surface" in info.label)
    other.run.rewind(before.id)
    assert other.run.problem.surface.kind == "flexicubes"
    other.run.go_on()
    assert other.run.step(), other.run.take_events()
    other.close()
