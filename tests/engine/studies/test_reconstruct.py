"""The study Reconstruct: it descends, it can be steered, it comes back bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.core.device import Device
from engine.core.errors import MemoryLimitError, ParameterError
from engine.geometry.distance import TriangleIndex
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.topology import measure_topology
from engine.objectives.verification import cube, sphere
from engine.optimization.run import Run
from engine.protocol.edits import AddTerm, PaintFreeze, RemoveTerm, SetParameter, SetWeight
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.studies.reconstruct import ReconstructProblem
from engine.studies.registry import build_problem

SIDE = 20.0
CENTRE = (100.0, -50.0, 30.0)
TOP = np.array([100.0, -50.0, 40.0])
DENT = np.array([0.0, 0.0, -2.0])


def problem(target: Mesh | Points, **parameters: Any) -> ReconstructProblem:
    values = {"resolution": 16, "iterations": 60, "samples": 1000, "device": "cpu", **parameters}
    built = build_problem(Study(parameters=values), {"target": target})
    assert isinstance(built, ReconstructProblem)
    return built


def run_of(built: ReconstructProblem, **options: Any) -> Run:
    return Run(built, OptimizerSpec(**options), built.iterations)


def descend(run: Run, steps: int) -> None:
    for _ in range(steps):
        assert run.step(), run.take_events()


def distance_to(mesh: Mesh, points: np.ndarray) -> np.ndarray:
    return TriangleIndex(mesh.vertices, mesh.triangles, Device("cpu")).closest(points).distances.numpy()


def tube(radius: float = 10.0, thickness: float = 3.0, count: int = 32) -> Mesh:
    """A torus round the z axis."""
    u, v = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    a, b = 2 * np.pi * u / count, 2 * np.pi * v / count
    ring = radius + thickness * np.cos(b)
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), thickness * np.sin(b)], axis=-1).reshape(-1, 3)
    i, j = u.reshape(-1), v.reshape(-1)
    p, q = i * count + j, (i + 1) % count * count + j
    r, s = (i + 1) % count * count + (j + 1) % count, i * count + (j + 1) % count
    return Mesh(vertices, np.concatenate([np.stack([p, q, r], 1), np.stack([p, r, s], 1)]).astype(np.int32))


@pytest.fixture(scope="module")
def block() -> Mesh:
    return cube(SIDE, CENTRE)


def test_it_descends_onto_a_cube_with_its_edges(block: Mesh) -> None:
    built = problem(block)
    run = run_of(built)
    descend(run, 1)
    first = run.losses["loss"]
    descend(run, 59)
    assert run.losses["loss"] < 0.2 * first
    result = built.result_mesh()
    topology = measure_topology(result.triangles)
    assert topology.watertight and topology.euler_characteristic == 2 and topology.parts == 1
    # The cube's corners and edge midpoints, which a grid of 2.7 mm rounds off at the start.
    corners = block.vertices
    middles = (corners[[0, 0, 0, 7, 7, 7]] + corners[[1, 2, 4, 6, 5, 3]]) / 2
    assert distance_to(result, middles).max() < 0.15
    assert distance_to(result, corners).max() < 0.3
    assert distance_to(block, result.vertices).mean() < 0.02


def test_the_same_seed_gives_the_same_bits(block: Mesh) -> None:
    meshes = []
    for _ in range(2):
        built = problem(block, seed=3)
        descend(run_of(built), 5)
        meshes.append(built.result_mesh().vertices)
    assert np.array_equal(*meshes)


@pytest.mark.parametrize("start", ["sdf", "sphere"])
def test_it_continues_from_a_state_bit_for_bit(block: Mesh, start: str) -> None:
    built = problem(block, start=start)
    run = run_of(built)
    descend(run, 4)
    run.send(AddTerm(spec=handle_on(built)))
    descend(run, 3)
    state = run.state()
    descend(run, 6)
    expected = built.result_mesh()

    again = problem(block, start=start)
    other = run_of(again)
    descend(other, 2)
    other.restore(state)
    descend(other, 6)
    assert np.array_equal(again.result_mesh().vertices, expected.vertices)
    assert np.array_equal(again.result_mesh().triangles, expected.triangles)
    assert other.losses == run.losses


def handle_on(built: ReconstructProblem, name: str = "handle 1") -> TermSpec:
    return TermSpec(
        kind="handle", name=name, weight=20.0,
        parameters={"anchor": tuple(TOP), "target": tuple(TOP + DENT), "radius": 5.0},
    )  # fmt: skip


def test_a_handle_pulls_the_surface_to_its_target(block: Mesh) -> None:
    built = problem(block)
    run = run_of(built)
    descend(run, 5)
    spec = handle_on(built)
    run.send(AddTerm(spec=spec))
    descend(run, 50)
    result = built.result_mesh()
    assert distance_to(result, (TOP + DENT)[None])[0] < 0.5
    # The other end of the cube stays.
    assert distance_to(result, np.array([[100.0, -50.0, 20.0]]))[0] < 0.1
    shown = next(term for term in built.terms() if term.name == spec.name)
    assert shown.parameters["anchor"][2] < TOP[2] - 1.0, "the anchor follows the surface"


def test_frozen_parts_stay_exactly(block: Mesh) -> None:
    built = problem(block)
    run = run_of(built)
    descend(run, 3)
    corner = np.array(CENTRE) + SIDE / 2
    run.send(PaintFreeze(centres=[tuple(corner)], radius=6.0))
    descend(run, 1)
    before = built.result_mesh().vertices
    descend(run, 10)
    after = built.result_mesh().vertices
    near = np.linalg.norm(before - corner, axis=1) < 4.0
    assert near.sum() > 5
    gaps = np.linalg.norm(after[:, None] - before[near][None], axis=2).min(axis=0)
    assert gaps.max() == 0.0
    far = np.linalg.norm(before - corner, axis=1) > 12.0
    assert np.linalg.norm(after[:, None] - before[far][None], axis=2).min(axis=0).max() > 0.0


def test_the_resolution_changes_while_the_descent_goes_on(block: Mesh) -> None:
    built = problem(block)
    run = run_of(built)
    descend(run, 30)
    before = built.result_mesh()
    run.send(SetParameter(owner="study", name="resolution", value=24))
    descend(run, 1)
    assert built.surface.resolution == 24
    cell = SIDE / 0.9 / 24
    assert distance_to(before, built.result_mesh().vertices).mean() < 0.15 * cell, "the surface stays where it was"
    # The new grid has no sharp creases yet (its weights are neutral); they come back.
    loss = run.losses["loss"]
    descend(run, 25)
    assert run.losses["loss"] < 0.85 * loss
    assert measure_topology(built.result_mesh().triangles).watertight


def test_every_edit_has_its_inverse(block: Mesh) -> None:
    built = problem(block)
    before = [spec.model_dump() for spec in built.terms()]
    edits = [
        SetWeight(term="fit", weight=3.0),
        SetParameter(owner="fit", name="softness", value=1.0),
        SetParameter(owner="normals", name="enabled", value=False),
        SetParameter(owner="study", name="hold_sides", value=False),
        RemoveTerm(term="smoothness"),
        AddTerm(spec=TermSpec(kind="volume", name="volume", weight=1.0)),
    ]
    inverses = [built.apply(edit) for edit in edits]
    assert [spec.model_dump() for spec in built.terms()] != before
    for inverse in reversed(inverses):
        assert inverse is not None
        built.apply(inverse)
    assert sorted(spec.name for spec in built.terms()) == sorted(spec["name"] for spec in before)
    assert {spec.name: spec.weight for spec in built.terms()} == {spec["name"]: spec["weight"] for spec in before}
    assert built.parameters.hold_sides


@pytest.mark.parametrize(
    "edit",
    [
        SetWeight(term="nothing", weight=1.0),
        SetParameter(owner="study", name="start", value="sphere"),
        SetParameter(owner="study", name="resolution", value=4),
        SetParameter(owner="study", name="colour", value=1),
        SetParameter(owner="fit", name="softness", value=-1.0),
        AddTerm(spec=TermSpec(kind="fit", name="fit", weight=1.0)),
        AddTerm(spec=TermSpec(kind="wish", name="wish", weight=1.0)),
    ],
)
def test_an_edit_that_makes_no_sense_changes_nothing(block: Mesh, edit: Any) -> None:
    built = problem(block)
    before = ([spec.model_dump() for spec in built.terms()], built.parameters.model_dump())
    with pytest.raises(ParameterError):
        built.apply(edit)
    assert ([spec.model_dump() for spec in built.terms()], built.parameters.model_dump()) == before


def test_a_scan_with_a_hole_is_closed_without_a_dent() -> None:
    ball = sphere(10.0, 40)
    seen = ball.vertices[ball.vertices[:, 2] < 8.0]
    noise = np.random.default_rng(0).normal(scale=0.05, size=seen.shape)
    built = problem(Points(seen + noise, seen / 10.0), resolution=24, iterations=60)
    descend(run_of(built), 60)
    result = built.result_mesh()
    topology = measure_topology(result.triangles)
    assert topology.watertight and topology.euler_characteristic == 2 and topology.parts == 1
    radius = np.linalg.norm(result.vertices, axis=1)
    assert abs(radius[result.vertices[:, 2] < 7.0] - 10.0).mean() < 0.05
    # Over the missing cap, 2 mm high, a flat lid would be at 8 and a dent below.
    assert radius[result.vertices[:, 2] > 7.5].min() > 8.7


def test_view_shows_the_last_evaluation_in_millimetres(block: Mesh) -> None:
    built = problem(block)
    descend(run_of(built), 2)
    origin, arrays, info = built.view()
    assert arrays["vertices"].dtype == np.float32 and arrays["triangles"].dtype == np.int32
    assert len(arrays["sensitivity"]) == len(arrays["vertices"]) == info["vertex_count"]
    world = arrays["vertices"] + np.array(origin)
    np.testing.assert_allclose(world, built.frame.to_world(built.surface.output()[0]), atol=1e-4)
    assert built.thumbnail(48).shape == (48, 48, 3)
    assert built.quality_sheet()["watertight"] is True


def test_sensitivity_points_back_to_the_target(block: Mesh) -> None:
    """Where a volume is all that is wished, the loss changes alike everywhere: 2 (V/V₀ − 1) A/V₀ a millimetre."""
    built = problem(block)
    for name in [spec.name for spec in built.terms()]:
        built.apply(RemoveTerm(term=name))
    wanted = 0.5 * SIDE**3
    built.apply(AddTerm(spec=TermSpec(kind="volume", name="volume", weight=3.0, parameters={"volume": wanted})))
    built.prepare(0, 10)
    loss = 3.0 * built.evaluate()["volume"]
    loss.backward()
    sheet = built.quality_sheet()
    expected = 3.0 * 2.0 * (sheet["volume"] / wanted - 1.0) * sheet["area"] / wanted
    values = built.view()[1]["sensitivity"]
    # On flat faces exactly; on creases the mean normal is shorter than the normals it stands for.
    assert np.median(values) == pytest.approx(expected, rel=0.02)
    assert (values > 0.0).all()


def test_too_large_a_grid_is_refused_with_what_would_fit(block: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Device, "free_memory", lambda self: 200 * 2**20)
    with pytest.raises(MemoryLimitError, match=r"Take a resolution of \d+ or less"):
        problem(block, resolution=256, start="random")


def test_a_missing_target_is_named() -> None:
    with pytest.raises(ParameterError, match="target"):
        build_problem(Study(), {})
    with pytest.raises(ParameterError, match="there is no such study"):
        build_problem(Study(study="cook"), {})


@pytest.mark.slow
@pytest.mark.parametrize("start", ["sphere", "random"])
def test_starts_that_know_nothing_find_the_topology(start: str) -> None:
    built = problem(tube(), start=start, iterations=300, resolution=24, samples=2000)
    descend(run_of(built), 300)
    result = built.result_mesh()
    topology = measure_topology(result.triangles)
    assert topology.watertight and topology.euler_characteristic == 0 and topology.parts == 1
    cell = 26.0 / 0.9 / 24
    assert distance_to(tube(), result.vertices).mean() < 0.03 * cell


def test_gradients_reach_every_design_tensor(block: Mesh) -> None:
    built = problem(block)
    built.prepare(0, 10)
    values, weights = built.evaluate(), built.weights()
    assert set(values) == set(weights)
    torch.stack([weights[name] * value for name, value in values.items()]).sum().backward()
    for name, tensor in built.tensors().items():
        assert tensor.grad is not None and bool(tensor.grad.any()), name


def test_a_finer_grid_early_in_the_run_halts_no_term(block: Mesh) -> None:
    """The field Term rests where the start's signs are right, and must not take the lead because of a resampling."""
    run = run_of(problem(block, iterations=200))
    descend(run, 4)
    run.send(SetParameter(owner="study", name="resolution", value=24))
    descend(run, 2)
    assert {"term:fit", "term:normals"} <= set(run.losses)
    assert "term:field" not in run.losses


def test_what_is_seen_on_the_way_from_a_sphere_stays_inside_the_grid(block: Mesh) -> None:
    """While only the field is told what to be, signs change in every step: no vertex may fly off a stale edge."""
    built = problem(block, start="sphere")
    run = run_of(built)
    for _ in range(12):
        descend(run, 1)
        vertices, triangles = built.surface.output()
        assert np.abs(vertices).max() <= 1.0
        assert measure_topology(triangles).watertight
