"""Open things reconstructed, opened and closed by painting, and the same bits after a Checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.segments import SegmentIndex
from engine.geometry.topology import boundary_edges, measure_topology
from engine.objectives.open_target import OpenMeshTarget
from engine.objectives.verification import sphere
from engine.optimization.run import Run
from engine.protocol.edits import AddTerm, SetMask
from engine.protocol.snapshot import AnotherAdvised
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem, reconstruct_terms
from engine.studies.shape_parameters import load_shapes
from engine.studies.shape_set import export_shapes
from engine.studies.verification_open import BAR, open_errors, open_models, reconstructed, scan_of

CPU = Device("cpu")


def bowl(radius: float = 50.0, height: float = 12.0) -> Mesh:
    """A fine sphere [mm] without what is above `height`: its border is the polygon of one ring of vertices."""
    ball = sphere(radius, rings=30)
    low = ball.vertices[:, 2] < height
    return Mesh(ball.vertices, ball.triangles[low[ball.triangles].all(axis=1)], name="bowl")


def problem(target: Mesh | Points, **parameters: Any) -> ReconstructProblem:
    values = {"surface": "g-shell", "resolution": 20, "iterations": 60, "samples": 1500, "device": "cpu", **parameters}
    terms = values.pop("terms", reconstruct_terms())
    built = build_problem(Study(parameters=values, terms=terms), {"target": target})
    assert isinstance(built, ReconstructProblem)
    return built


def descended(built: ReconstructProblem, steps: int) -> Run:
    run = Run(built, OptimizerSpec(), built.iterations)
    for _ in range(steps):
        assert run.step(), run.take_events()
    return run


def test_a_closed_surface_of_an_open_mesh_is_advised_against() -> None:
    """Once, when it begins: not for what is closed, nor for holes so narrow that G-Shell closes them too."""
    open_one, ball = bowl(), sphere(50.0, rings=30)
    for surface in ("flexicubes", "deepmesh"):
        (advice,) = problem(open_one, surface=surface, network_fitting=1).notes
        assert isinstance(advice, AnotherAdvised) and advice.parameters == {"surface": "g-shell"}
        assert "bowl is open: 1 opening" in advice.message
    assert problem(open_one, surface="g-shell").notes == ()
    assert problem(ball, surface="flexicubes").notes == ()
    assert problem(Mesh(ball.vertices, ball.triangles[1:]), surface="flexicubes", widest_hole=20.0).notes == ()


@pytest.mark.parametrize("template", ["flexicubes", "tetrahedra"])
def test_a_bowl_comes_out_open(template: str) -> None:
    """Surface and border within 0.3 % of the diagonal on average, one loop, one part."""
    wanted = bowl()
    built = problem(wanted, template=template)
    assert isinstance(built.target, OpenMeshTarget)
    descended(built, 60)
    found = built.result_mesh()
    shape = measure_topology(found.triangles)
    assert (shape.boundary_loops, shape.parts, shape.euler_characteristic) == (1, 1, 1)
    assert shape.edge_manifold and shape.vertex_manifold
    used = np.unique(wanted.triangles)
    diagonal = np.linalg.norm(np.ptp(wanted.vertices[used], axis=0))
    assert np.abs(np.linalg.norm(found.vertices, axis=1) - 50.0).mean() < 0.003 * diagonal
    border = SegmentIndex(torch.from_numpy(wanted.vertices[boundary_edges(wanted.triangles)]), CPU)
    off = border.distance(torch.from_numpy(found.vertices[np.unique(boundary_edges(found.triangles))]))
    assert float(off.mean()) < 0.003 * diagonal


def test_what_is_closed_comes_out_closed() -> None:
    built = problem(sphere(50.0, rings=20), iterations=10)
    descended(built, 10)
    assert measure_topology(built.result_mesh().triangles).watertight


@pytest.mark.parametrize(("kind", "target", "loops"), [("open-here", "ball", (0, 1)), ("closed-here", "bowl", (1, 0))])
def test_painting_opens_and_closes(kind: str, target: str, loops: tuple[int, int]) -> None:
    """A ball opens where its top is painted; a bowl closes over a hole that its template spans, where nothing
    else asks for it."""
    wanted = sphere(50.0, rings=20) if target == "ball" else bowl(height=49.0)
    built = problem(wanted, iterations=100, widest_hole=0.0, terms=[TermSpec(kind="even-faces", name="even-faces")])
    before = measure_topology(built.result_mesh().triangles).boundary_loops
    run = Run(built, OptimizerSpec(), 100)
    axis = np.linspace(-30.0, 30.0, 13)
    x, y = np.meshgrid(axis, axis)
    top = np.stack([x.ravel(), y.ravel(), np.sqrt(2500.0 - x.ravel() ** 2 - y.ravel() ** 2)], axis=1)
    run.send(SetMask(name="top", points=top, values=np.ones(len(top)), reach=8.0))
    run.send(AddTerm(spec=TermSpec(kind=kind, name=kind, weight=50.0, mask="top")))
    for _ in range(60):
        assert run.step(), run.take_events()
    assert (before, measure_topology(built.result_mesh().triangles).boundary_loops) == loops


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_scan_with_an_edge_to_its_border_comes_out_in_one_part(noise: float) -> None:
    """Off an edge is not beyond the border, and chance gaps beside the border are no part of it."""
    bracket = next(each for each in open_models() if each.name == "bracket")
    found = open_errors(reconstructed(scan_of(bracket, 20_000, noise, seed=0), resolution=24, iterations=20), bracket)
    assert (found["loops"], found["parts"]) == (0, 0)
    assert found["distance"] < BAR and found["border"] < BAR


def test_a_checkpoint_goes_on_with_the_same_bits() -> None:
    one, other = problem(bowl()), problem(bowl())
    run, again = descended(one, 12), Run(other, OptimizerSpec(), 60)
    saved = run.state()
    again.restore(saved)
    for _ in range(8):
        assert run.step() and again.step()
    assert all(np.array_equal(a, b) for a, b in zip(one.surface.output(), other.surface.output(), strict=True))


def test_a_set_of_meshes_becomes_a_set_of_shapes(tmp_path: Path) -> None:
    counts = export_shapes([bowl(), sphere(20.0)], tmp_path / "set.npz", resolution=12, iterations=3)
    shapes = load_shapes(tmp_path / "set.npz")
    loops = [measure_topology(shape.present_output()[1]).boundary_loops for shape in shapes]
    assert loops == [1, 0] and [len(shape.present_output()[1]) for shape in shapes] == counts
