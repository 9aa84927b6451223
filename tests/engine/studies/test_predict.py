"""A part that a Model predicts: looked at, dragged, steered by what is predicted, and taken up again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.errors import FileError, GeometryError, ParameterError
from engine.geometry.mesh import Mesh
from engine.io.model_file import read_model, write_model
from engine.objectives.predicted import scalar_spread
from engine.objectives.term import term_kinds
from engine.optimization.run import Run
from engine.protocol import edits
from engine.protocol.layers import BAND, DESCENT, FIELD, RESIDUAL
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.generation.known_plates import known_plate
from engine.regression.learning.training import train
from engine.regression.saved_model import save_regression
from engine.regression.settings import TrainingParameters
from engine.studies.part_design import harmonic_extension
from engine.studies.part_mesh import border_edges, part_sample
from engine.studies.predict import PredictProblem
from engine.studies.registry import build_problem
from engine.studies.sample_part import part_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "plates.safetensors"
    samples = tuple(known_plate(index) for index in range(60))
    dataset = Dataset(samples, units={"stress": "MPa", "length": "mm"}, name="plates")
    save_regression(train(dataset, TrainingParameters(shape_modes=14, field_modes=10, folds=5)), path)
    return path


@pytest.fixture(scope="module")
def part() -> Mesh:
    """None of those that were learnt; shaken, for where a node lies on one of the common mesh interpolation has a
    kink."""
    sample = known_plate(200)
    shaken = sample.nodes + 0.02 * np.random.default_rng(3).normal(size=sample.nodes.shape)
    return part_of(replace(sample, nodes=shaken))


def problem(model: Path, part: Mesh, terms: list[TermSpec] | None = None, **parameters: Any) -> PredictProblem:
    study = Study(
        study="predict", inputs={"model": str(model)}, terms=terms or [],
        parameters={"inputs": {"load": 1.5}, **parameters},
    )  # fmt: skip
    built = build_problem(study, {"mesh": part})
    assert isinstance(built, PredictProblem)
    return built


def run_of(built: PredictProblem, iterations: int = 40) -> Run:
    return Run(built, OptimizerSpec(learning_rate=0.05), iterations)


def term(kind: str, name: str = "", weight: float = 1.0, **parameters: Any) -> TermSpec:
    return TermSpec(kind=kind, name=name or kind, weight=weight, parameters=parameters)


RAISE = term("predicted-scalar", scalar="strength", aim="raise")


# -- looking ----------------------------------------------------------------------------------------------------------


def test_it_shows_what_the_model_predicts(model: Path, part: Mesh) -> None:
    built = problem(model, part)
    origin, arrays, info = built.view()
    truth = built.model.predict(built.result_sample())
    assert origin == (0.0, 0.0, 0.0)
    assert np.array_equal(arrays["vertices"], part.vertices.astype(np.float32))
    assert np.allclose(arrays[FIELD + "stress"], truth.fields["stress"].mean, rtol=1e-5)
    assert np.allclose(arrays[BAND + "stress"], truth.fields["stress"].band, rtol=1e-4)
    assert FIELD + "shift" not in arrays
    assert info["predicted"]["strength"][0] == pytest.approx(truth.scalars["strength"].mean)
    assert info["fields"] == {"stress": "MPa", "shift": ""}
    assert info["flag"]["is_new"] is False
    assert info["inputs"]["load"]["value"] == pytest.approx(1.5)
    assert info["inputs"]["load"]["low"] < 1.5 < info["inputs"]["load"]["high"]
    assert not arrays[DESCENT].any()
    assert arrays[RESIDUAL].max() < 1.0


def test_another_field_and_another_scalar_show_at_once(model: Path, part: Mesh) -> None:
    built = problem(model, part)
    before = built.view()[1][FIELD + "stress"]
    inverse = built.apply(edits.SetParameter(owner="study", name="inputs", value={"load": 1.8}))
    assert inverse == edits.SetParameter(owner="study", name="inputs", value={"load": 1.5})
    after = built.view()[1][FIELD + "stress"]
    assert np.median(after / before) == pytest.approx(1.8 / 1.5, rel=0.02)
    built.apply(edits.SetParameter(owner="study", name="shown", value="shift"))
    assert FIELD + "shift" in built.view()[1]


def test_lengths_are_those_of_the_data(model: Path, part: Mesh, tmp_path: Path) -> None:
    """Data in centimetres: a part that is ten times as large in mm is the same."""
    samples = tuple(known_plate(index) for index in range(30))
    dataset = Dataset(samples, units={"length": "cm"}, name="plates")
    path = tmp_path / "cm.safetensors"
    save_regression(train(dataset, TrainingParameters(shape_modes=8, field_modes=4, folds=3)), path)
    large = part_of(known_plate(200), 10.0)
    built = problem(path, large)
    assert built.length == 10.0
    assert built.view()[2]["predicted"]["narrowest"][0] == pytest.approx(7.9, rel=0.15)
    assert np.allclose(built.result_mesh().vertices, large.vertices)


def test_a_part_that_is_not_like_the_others_is_flagged_with_the_place(model: Path) -> None:
    odd = known_plate(3, family="wedge")
    flag = problem(model, part_of(odd)).view()[2]["flag"]
    assert flag["is_new"] and "details" in flag["reason"]
    x, y, z = flag["place"]
    assert abs(x) <= 6.0 and 0.0 <= y <= 20.0 and z == 0.0


# -- dragging ---------------------------------------------------------------------------------------------------------


def flank_node(part: Mesh) -> int:
    """A node half way up on the left side."""
    middle = np.flatnonzero(np.abs(part.vertices[:, 1] - 10.0) < 1.0)
    return int(middle[part.vertices[middle, 0].argmin()])


def handle(part: Mesh, node: int, way: tuple[float, float, float], radius: float = 4.0) -> TermSpec:
    anchor = part.vertices[node]
    return term("handle", "pull", anchor=anchor.tolist(), target=(anchor + way).tolist(), radius=radius)


@pytest.mark.parametrize("freedom", ["family", "free"])
def test_a_handle_is_followed_at_once_and_undone_exactly(model: Path, freedom: str) -> None:
    part = part_of(known_plate(200))
    built = problem(model, part, freedom=freedom)
    before = built.result_mesh().vertices
    strength = built.view()[2]["predicted"]["strength"][0]
    node = flank_node(part)
    assert built.apply(edits.AddTerm(spec=handle(part, node, (0.0, 0.0, 0.0)))) == edits.RemoveTerm(term="pull")
    assert np.array_equal(built.result_mesh().vertices, before)
    target = (before[node] + (0.6, 0.0, 0.0)).tolist()
    inverse = built.apply(edits.SetParameter(owner="pull", name="target", value=target))
    moved = built.result_mesh().vertices
    assert np.allclose(moved[node], target, atol=1e-2)
    assert np.abs(moved - before).max() < 1.5
    assert built.view()[2]["predicted"]["strength"][0] != pytest.approx(strength, rel=1e-4)
    if freedom == "family":  # straight sides stay straight
        bottom = np.isclose(part.vertices[:, 1], 0.0)
        # The common border is a polygon, and a node of the part may lie a little outside of it.
        assert np.abs(moved - before)[bottom, 1].max() < 1e-4
    else:  # and what is far from the handle stays
        far = np.linalg.norm(before - before[node], axis=1) > 12.0
        assert np.abs(moved - before)[far].max() < 0.02
    assert inverse is not None
    built.apply(inverse)
    assert np.array_equal(built.result_mesh().vertices, before)
    built.apply(edits.SetParameter(owner="pull", name="target", value=target))
    built.apply(edits.RemoveTerm(term="pull"))
    assert np.array_equal(built.result_mesh().vertices, before)


def test_sliders_move_the_shape_and_undo_brings_it_back(model: Path, part: Mesh) -> None:
    built = problem(model, part)
    before, first = built.result_mesh().vertices, built.view()[2]["latent"]
    moved = [first[0] + 1.0, *first[1:]]
    inverse = built.apply(edits.SetLatent(values=moved))
    assert inverse == edits.SetLatent(values=first)
    assert np.abs(built.result_mesh().vertices - before).max() > 0.05
    # What the Model sees of the part has moved by as much, but for what interpolation loses.
    assert built.model.predict(built.result_sample()).novelty.score < 1.5
    built.apply(inverse)
    assert np.abs(built.result_mesh().vertices - before).max() < 1e-12
    with pytest.raises(ParameterError, match="finite numbers"):
        built.apply(edits.SetLatent(values=[0.0]))


def test_what_is_frozen_stays_where_it_is(model: Path, part: Mesh) -> None:
    built = problem(model, part, [RAISE], freedom="free")
    run = run_of(built, 30)
    for _ in range(5):
        assert run.step()
    before = built.result_mesh().vertices
    stroke = edits.PaintFreeze(centres=[(5.0, 10.0, 0.0)], radius=4.0)
    inverse = built.apply(stroke)
    assert np.abs(built.result_mesh().vertices - before).max() < 1e-12
    for _ in range(10):
        assert run.step()
    after = built.result_mesh().vertices
    inside = np.linalg.norm(before - (5.0, 10.0, 0.0), axis=1) <= 4.0
    border = np.isin(np.arange(len(before)), built._design.border)  # type: ignore[attr-defined]
    assert np.abs(after - before)[inside & border].max() < 1e-12
    assert np.abs(after - before)[~inside & border].max() > 1e-3
    assert inverse == edits.SetFrozen(strokes=[])
    built.apply(inverse)
    assert np.abs(built.result_mesh().vertices - after).max() < 1e-12


def test_a_family_cannot_be_frozen(model: Path, part: Mesh) -> None:
    with pytest.raises(ParameterError, match="no part of them can be kept"):
        problem(model, part).apply(edits.PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0))


# -- descending -------------------------------------------------------------------------------------------------------


def test_without_a_goal_it_stays_and_waits(model: Path, part: Mesh) -> None:
    built = problem(model, part, [term("trust-region"), term("stay-near")])
    run = run_of(built)
    assert not run.step()
    assert (run.status, run.iteration, run.steps) == ("paused", 0, 0)
    assert not [event for event in run.take_events() if type(event).__name__ == "ProblemRaised"]
    run.send(edits.AddTerm(spec=RAISE))
    run.send(edits.Resume())
    assert run.step() and run.iteration == 1


def test_the_shape_descends_on_what_is_predicted(model: Path, part: Mesh) -> None:
    built = problem(model, part, [RAISE, term("trust-region", weight=10.0)])
    before = built.view()[2]["predicted"]["strength"][0]
    run = run_of(built, 40)
    while run.step():
        pass
    _, arrays, info = built.view()
    assert info["predicted"]["strength"][0] > before + 0.2
    built.apply(edits.SetWeight(term="trust-region", weight=1.0))  # what is seen was evaluated, a step before this
    anew = built.model.predict(built.result_sample())
    assert anew.scalars["strength"].mean == pytest.approx(built.view()[2]["predicted"]["strength"][0], rel=1e-9)
    assert anew.scalars["strength"].mean == pytest.approx(info["predicted"]["strength"][0], rel=0.02)
    # The region pulls like a spring: the descent goes a little beyond.
    assert info["flag"]["score"] < 1.35
    assert np.abs(arrays["sensitivity"]).max() > 0.0
    assert np.linalg.norm(arrays[DESCENT], axis=1).max() == pytest.approx(1.0, rel=1e-5)


def test_scalars_that_vary_are_found_within_their_range(model: Path, part: Mesh) -> None:
    built = problem(model, part, [RAISE], vary=["load"])
    run = run_of(built, 60)
    while run.step():
        pass
    told = built.view()[2]["inputs"]["load"]
    assert told["varies"] and told["value"] < 1.2
    assert told["value"] >= told["low"] - 1e-9
    fixed = problem(model, part, [RAISE])
    run = run_of(fixed, 5)
    while run.step():
        pass
    assert fixed.view()[2]["inputs"]["load"]["value"] == pytest.approx(1.5, abs=1e-12)


def test_a_handle_holds_while_the_rest_descends(model: Path, part: Mesh) -> None:
    node = flank_node(part)
    built = problem(model, part, [RAISE, handle(part, node, (0.3, 0.0, 0.0))])
    run = run_of(built, 20)
    while run.step():
        pass
    vertices = built.result_mesh().vertices
    assert np.allclose(vertices[node], part.vertices[node] + (0.3, 0.0, 0.0), atol=1e-2)
    assert np.abs(vertices - part.vertices)[:, 0].max() > 0.3


def test_a_place_where_all_learnt_shapes_are_alike_cannot_be_dragged(model: Path, part: Mesh) -> None:
    corner = int(np.linalg.norm(part.vertices - part.vertices.min(axis=0), axis=1).argmin())
    built = problem(model, part, [RAISE])
    before, terms = built.result_mesh().vertices, built.terms()
    wish = handle(part, corner, (0.0, -1.0, 0.0))
    with pytest.raises(ParameterError, match="all alike here"):
        built.apply(edits.AddTerm(spec=wish))
    assert built.terms() == terms and np.array_equal(built.result_mesh().vertices, before)
    free = problem(model, part, [RAISE], freedom="free")
    free.apply(edits.AddTerm(spec=wish))
    assert np.allclose(free.result_mesh().vertices[corner], part.vertices[corner] + (0.0, -1.0, 0.0), atol=1e-2)


@pytest.mark.parametrize("freedom", ["family", "free"])
def test_it_continues_from_a_state_bit_for_bit(model: Path, part: Mesh, freedom: str) -> None:
    node = flank_node(part)
    runs = []
    for _ in range(2):
        terms = [RAISE, term("trust-region"), handle(part, node, (0.3, 0.0, 0.0))]
        built = problem(model, part, terms, vary=["load"], freedom=freedom)
        runs.append((built, run_of(built, 30)))
    (one, first), (other, second) = runs
    for _ in range(7):
        first.step()
    one.view()  # who looks changes nothing
    second.restore(first.state())
    for run in (first, second):
        for _ in range(6):
            run.step()
    assert np.array_equal(one.result_mesh().vertices, other.result_mesh().vertices)
    assert one.result_sample().inputs == other.result_sample().inputs


# -- gradients --------------------------------------------------------------------------------------------------------

ASKED = [
    term("predicted-scalar", scalar="strength", aim="lower"),
    term("predicted-scalar", scalar="strength", aim="raise", bound="lower"),
    term("predicted-scalar", scalar="narrowest", aim="reach", value=6.0, bound="upper"),
    term("predicted-field", field="stress"),
    term("predicted-field", field="stress", bound="upper", sharpness=5.0),
    term("predicted-field", field="stress", reduce="mean", aim="reach", value=10.0, bound="lower"),
    term("predicted-field", field="shift", reduce="point", point=(1.0, 9.0, 0.0), aim="raise"),
    term("trust-region", radius=0.2, band=0.05),
    term("stay-near"),
    term("part-area", area=150.0),
    term("part-area", aim="raise"),
]


@pytest.mark.parametrize("freedom", ["family", "free"])
def test_gradients_agree_with_central_differences(model: Path, part: Mesh, freedom: str) -> None:
    """Of every Term in shape and scalars: through bands, fields, modes, the handles' shape, and the morph."""
    terms = [spec.model_copy(update={"name": f"{spec.kind} {number}"}) for number, spec in enumerate(ASKED)]
    terms.append(handle(part, flank_node(part), (0.3, 0.1, 0.0)))
    built = problem(model, part, terms, freedom=freedom, vary=["load"])
    generator = torch.Generator().manual_seed(5)
    leaves = built.tensors()
    for leaf in leaves.values():
        with torch.no_grad():
            leaf.copy_(0.1 * torch.randn(leaf.shape, generator=generator, dtype=torch.float64))
    built.prepare(0, 10)
    ways = {name: torch.randn(leaf.shape, generator=generator, dtype=torch.float64) for name, leaf in leaves.items()}
    values = built.evaluate()
    slopes = {}
    for name, value in values.items():
        gradients = torch.autograd.grad(value, list(leaves.values()), retain_graph=True, allow_unused=True)
        pairs = zip(gradients, ways.values(), strict=True)
        slopes[name] = sum(float((g * way).sum()) for g, way in pairs if g is not None)
    step = 1e-6
    ends = []
    for sign in (1.0, -1.0):
        with torch.no_grad():
            for name, leaf in leaves.items():
                leaf.add_(sign * step * ways[name])
            ends.append({name: float(value) for name, value in built.evaluate().items()})
            for name, leaf in leaves.items():
                leaf.sub_(sign * step * ways[name])
    assert len(slopes) == len(ASKED)
    for name, slope in slopes.items():
        difference = (ends[0][name] - ends[1][name]) / (2.0 * step)
        # 1e-9: what differences of such steps lose to rounding.
        assert slope == pytest.approx(difference, rel=1e-5, abs=1e-9), name


def test_every_term_of_the_study_was_looked_at() -> None:
    kinds = {kind.kind for kind in term_kinds().values() if "predict" in kind.studies}
    assert kinds == {spec.kind for spec in ASKED} | {"handle"}


def test_the_sensitivity_is_what_the_loss_does_when_the_border_moves(model: Path, part: Mesh) -> None:
    """A bulge of a side, outward by δ: the loss changes by the mean of g δ over the border's length."""
    built = problem(model, part, [term("predicted-scalar", scalar="narrowest", aim="lower")])
    run_of(built, 1).step()
    sensitivity = built.view()[1]["sensitivity"].astype(np.float64)
    nodes = part.vertices[:, :2]
    border = border_edges(part.triangles)
    way = nodes[border[:, 1]] - nodes[border[:, 0]]
    lengths = np.linalg.norm(way, axis=1)
    normals = np.zeros_like(nodes)
    for end in (0, 1):
        np.add.at(normals, border[:, end], np.stack([way[:, 1], -way[:, 0]], axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    bulge = np.exp(-(((nodes[:, 1] - 10.0) / 3.0) ** 2)) * (np.abs(nodes[:, 0]) > 1.0)
    # By trapezoids: each node has half of the two edges that meet in it.
    expected = float((lengths * (sensitivity * bulge)[border].mean(axis=1)).sum() / lengths.sum())
    edge_nodes = np.unique(border)
    motion = torch.from_numpy((bulge[:, None] * normals)[edge_nodes])
    moved = harmonic_extension(nodes, part.triangles, edge_nodes)(motion).numpy()
    step = 1e-4
    mesh = built.model.prepare(part_sample(part, built.model)).mesh
    ends = [
        float(
            built.model.outcome(
                torch.from_numpy(nodes + sign * step * moved), mesh, {"load": 1.5}, bands=False
            ).scalars["narrowest"][0]
        )
        for sign in (1.0, -1.0)
    ]  # fmt: skip
    slope = (ends[0] - ends[1]) / (2.0 * step) / scalar_spread(built.model, "narrowest")
    assert slope > 0.0  # a plate that bulges out is less narrow
    assert expected == pytest.approx(slope, rel=1e-4)  # the sensitivity is float32


# -- what it cannot take ----------------------------------------------------------------------------------------------


def test_what_it_cannot_take_is_said(model: Path, part: Mesh, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="needs a Model"):
        build_problem(Study(study="predict"), {"mesh": part})
    with pytest.raises(ParameterError, match="mesh: Predict needs it"):
        build_problem(Study(study="predict", inputs={"model": str(model)}), {})
    with pytest.raises(DatasetError, match="anchors on its border; the model was learnt with 4"):
        problem(model, replace(part, fields={}))
    with pytest.raises(GeometryError, match="no part in the plane"):
        problem(model, replace(part, vertices=part.vertices + np.outer(part.vertices[:, 0], (0.0, 0.0, 1.0))))
    inner = ~np.isin(part.triangles, border_edges(part.triangles)).any(axis=1)
    holed = replace(part, triangles=np.delete(part.triangles, np.flatnonzero(inner)[0], axis=0))
    with pytest.raises(DatasetError, match="2 borders"):
        problem(model, holed)
    with pytest.raises(ParameterError, match="no input 'lod'"):
        problem(model, part, inputs={"lod": 1.0})
    with pytest.raises(ParameterError, match="no field 'strain'"):
        problem(model, part, shown="strain")
    with pytest.raises(ParameterError, match="no scalar 'mass'"):
        problem(model, part, [term("predicted-scalar", scalar="mass")])
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no model")
    with pytest.raises(FileError, match="broken"):
        problem(broken, part)
    card, arrays = read_model(model)
    write_model(broken, arrays, card.model_copy(update={"format": 99}))
    with pytest.raises(FileError, match="newer version"):
        problem(broken, part)
    write_model(broken, arrays, card.model_copy(update={"kind": "shape-space"}))
    with pytest.raises(FileError, match="is a shape-space, not a regression"):
        problem(broken, part)
    built = problem(model, part, inputs={})
    assert "load = " in built.notes[0]
    with pytest.raises(ParameterError, match="cannot change while"):
        built.apply(edits.SetParameter(owner="study", name="freedom", value="free"))


def test_a_shape_that_rests_shows_where_it_would_go(model: Path, part: Mesh) -> None:
    """Without a step, and with nothing of the Run changed by looking."""
    built = problem(model, part, [RAISE])
    resting = built.view()[1]
    run_of(built, 1).step()
    assert np.allclose(resting["sensitivity"], problem(model, part, [RAISE]).view()[1]["sensitivity"])
    assert np.linalg.norm(resting[DESCENT], axis=1).max() == pytest.approx(1.0, rel=1e-5)
    evaluated = built.view()[1]
    assert np.allclose(resting["sensitivity"], evaluated["sensitivity"], rtol=1e-3, atol=1e-4)
    built.apply(edits.RemoveTerm(term=RAISE.name))
    assert not built.view()[1][DESCENT].any()
