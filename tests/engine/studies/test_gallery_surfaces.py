"""The gallery's studies on surfaces do what their cards promise."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.sheet import quality_sheet
from engine.geometry.topology import measure_topology
from engine.optimization.run import Run
from engine.studies.catalogue import gallery
from engine.studies.registry import build_problem
from engine.studies.samples import sample_named


def ended(name: str, **parameters: int) -> tuple[Run, Mesh | Points]:
    """The Run of a gallery study at its end, and what it was run on."""
    study = next(entry for entry in gallery() if entry.name == name).study
    study = study.model_copy(update={"parameters": {**study.parameters, "device": "cpu", **parameters}})
    target = sample_named(study.inputs["target"].removeprefix("sample:")).make()
    problem = build_problem(study, {"target": target})
    run = Run(problem, study.optimizer, problem.iterations)
    while run.step():
        pass
    assert run.status == "finished", run.take_events()
    return run, target


def volume(mesh: Mesh) -> float:
    corner = mesh.vertices[mesh.triangles]
    return float(np.einsum("ij,ij->", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])) / 6.0)


def test_the_shirt_stays_open_where_it_is() -> None:
    run, shirt = ended("shirt", resolution=32, iterations=60)
    mesh = run.problem.result_mesh()
    topology = measure_topology(mesh.triangles)
    assert (topology.boundary_loops, topology.parts, topology.euler_characteristic) == (4, 1, -2)
    assert topology.edge_manifold and topology.vertex_manifold and topology.consistent_winding
    sheet = quality_sheet(mesh, shirt, samples=20_000).to_dict()
    # The bar for open models: 0.3 % of the diagonal.
    for way in ("surface_to_reference", "reference_to_surface"):
        assert sheet[way]["mean_of_diagonal"] < 0.003


def test_the_block_is_streamlined_and_keeps_its_volume() -> None:
    run, block = ended("streamlined", resolution=32, iterations=30)
    assert isinstance(block, Mesh)
    mesh = run.problem.result_mesh()
    drag = run.history.losses("main")[1]["term:drag"]
    assert drag[-1] < 0.6 * drag[0]
    assert volume(mesh) == pytest.approx(volume(block), rel=0.03)
    assert measure_topology(mesh.triangles).watertight


@pytest.mark.slow
def test_the_bracket_has_its_bores() -> None:
    run, bracket = ended("bracket")
    mesh = run.problem.result_mesh()
    topology = measure_topology(mesh.triangles)
    assert topology.watertight and topology.euler_characteristic == 2 - 2 * 3
    assert quality_sheet(mesh, bracket).to_dict()["reference_to_surface"]["mean_of_diagonal"] < 0.001


@pytest.mark.slow
def test_the_frog_is_one_closed_piece() -> None:
    run, scan = ended("frog", iterations=150)
    mesh = run.problem.result_mesh()
    topology = measure_topology(mesh.triangles)
    assert topology.watertight and topology.parts == 1
    assert quality_sheet(mesh, scan).to_dict()["reference_to_surface"]["mean_of_diagonal"] < 0.02
