"""Models that are learnt, kept and asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.generation.known_plates import known_plate as plate
from engine.regression.learning.report import TrainingReport
from engine.regression.learning.scores import relative_error, rrmse
from engine.regression.learning.training import TrainingStoppedError, train
from engine.regression.model import RegressionModel
from engine.regression.settings import TrainingParameters
from engine.regression.verification import slope_error
from tests.engine.regression.morphing.test_morph import ring

PARAMETERS = TrainingParameters(shape_modes=14, field_modes=12, folds=6)


@pytest.fixture(scope="module")
def model(plates: Dataset) -> RegressionModel:
    return train(plates, PARAMETERS)


def test_held_out_samples_are_predicted_and_their_errors_are_as_the_card_says(
    model: RegressionModel, plates: Dataset
) -> None:
    predictions = [(sample, model.predict(sample)) for sample in plates.part("test")]
    for name in plates.field_names:
        errors = [relative_error(found.fields[name].mean, sample.fields[name]) for sample, found in predictions]
        card = model.card["fields"][name]
        assert rrmse(errors) < 2.0 * card["rrmse"] < 0.1
        assert card["rrmse"] < 0.8 * card["baselines"]["nearest"]
    ends = [(sample.outputs["strength"], found.scalars["strength"].mean) for sample, found in predictions]
    assert np.corrcoef(np.array(ends).T)[0, 1] > 0.97


def test_bands_hold_about_as_much_as_they_say(model: RegressionModel, plates: Dataset) -> None:
    """Forty new samples: one draw, so the limits are wide; benchmarks measure many."""
    new = [plate(index, seed=7) for index in range(40)]
    for name in plates.field_names:
        covered = []
        for sample in new:
            found = model.predict(sample).fields[name]
            covered.append((np.abs(found.mean - sample.fields[name]) <= found.band).mean())
        assert 0.85 < np.mean(covered) < 1.0


def test_new_families_and_scalars_out_of_range_are_flagged_with_the_reason(
    model: RegressionModel, plates: Dataset
) -> None:
    known = np.mean([model.predict(sample).novelty.is_new for sample in plates.part("test")])
    wedges = [model.predict(plate(index, family="wedge")).novelty for index in range(12)]
    assert np.mean([novelty.is_new for novelty in wedges]) > known + 0.4
    sample = plates.part("test")[0]
    far = model.predict(replace(sample, inputs={"load": 9.0})).novelty
    assert far.is_new and "scalar" in far.reason


def test_a_morphed_mesh_follows_its_nodes_and_scalars_as_the_whole_way_does(
    model: RegressionModel, plates: Dataset
) -> None:
    sample = plates.part("test")[3]
    morphed = model.prepare(sample)
    one, two = model.predict(sample), model.predict_morphed(morphed, sample.inputs)
    assert np.array_equal(one.fields["stress"].mean, two.fields["stress"].mean)
    moved = sample.nodes + np.array([0.5, 2.0])
    apart = model.predict_morphed(morphed, sample.inputs, nodes=moved)
    assert np.abs(apart.fields["stress"].mean - one.fields["stress"].mean).max() > 0.0


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("of", ["mean", "band"])
@pytest.mark.parametrize("field", ["", "stress"])
def test_gradients_through_process_modes_and_morph_against_differences(
    field: str, of: str, held: bool, model: RegressionModel, plates: Dataset
) -> None:
    """Of nodes and scalars, away from kinks of the interpolation."""
    base = plates.part("test")[1]
    generator = np.random.default_rng(0)
    sample = replace(base, nodes=base.nodes + 0.02 * generator.normal(size=base.nodes.shape))
    morphed = model.prepare(sample)
    link = morphed.correspondence if held else None

    def value(nodes: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        found = model.outcome(
            nodes, morphed.mesh, inputs, fields=(field,) if field else (), scalars=() if field else ("strength",),
            correspondence=link,
        )  # fmt: skip
        pair = found.fields[field] if field else found.scalars["strength"]
        return pair[0 if of == "mean" else 1].square().mean()

    places, scalars = torch.from_numpy(sample.nodes), model.scalar_inputs(sample.inputs)
    leaves = places.clone().requires_grad_(), scalars.clone().requires_grad_()
    by_nodes, by_inputs = torch.autograd.grad(value(*leaves), leaves)
    way = torch.from_numpy(generator.normal(size=sample.nodes.shape))
    step = 1e-6
    slope = float((value(places + step * way, scalars) - value(places - step * way, scalars)) / (2.0 * step))
    assert abs(slope - float((by_nodes * way).sum())) < 1e-5 * abs(slope)
    slope = float((value(places, scalars + step) - value(places, scalars - step)) / (2.0 * step))
    assert abs(slope - float(by_inputs.sum())) < 1e-5 * abs(slope)


def test_gradients_on_meshes_whose_nodes_lie_on_those_of_the_common_mesh(
    model: RegressionModel, plates: Dataset
) -> None:
    """Straight borders with as many nodes as the common mesh has: interpolation has a kink at each of them."""
    coinciding = 0
    generator = np.random.default_rng(3)
    for sample in plates.part("test"):
        morphed = model.prepare(sample)
        coinciding += int((morphed.correspondence.from_common.weights.max(dim=1).values > 1.0 - 1e-9).sum() > 4)
        lever = torch.from_numpy(generator.normal(size=sample.node_count))

        def value(nodes: torch.Tensor, sample=sample, mesh=morphed.mesh, lever=lever) -> torch.Tensor:  # type: ignore[no-untyped-def]
            found = model.outcome(nodes, mesh, sample.inputs, fields=("stress",), scalars=("strength",), bands=False)
            return found.scalars["strength"][0] + 0.1 * (found.fields["stress"][0] * lever).sum()

        assert slope_error(value, sample.nodes, 1) < 1e-5
    assert coinciding >= 2


def test_a_training_tells_errors_as_it_goes_and_the_card_ends_with_the_same(plates: Dataset) -> None:
    reports: list[TrainingReport] = []
    few = Dataset(plates.samples[:30])
    found = train(few, TrainingParameters(shape_modes=6, field_modes=4, folds=3, subset=20), told=reports.append)
    assert [report.part for report in reports] == [1, 2, 3] and reports[-1].samples == 30
    for name in ("narrowest", "strength"):
        assert reports[-1].errors[name] == pytest.approx(found.card["scalars"][name]["rrmse"])
    # Of fields the card may keep fewer modes.
    assert reports[-1].mean == pytest.approx(found.card["mean rrmse"], rel=0.1)


def test_the_card_says_what_bands_hold_of_samples_that_did_not_set_them(model: RegressionModel) -> None:
    for name, coverage in model.card["coverage"].items():
        assert coverage["wanted"] == 0.95 and 0.85 < coverage["measured"] < 1.0, name
        assert np.all(np.diff(coverage["shares"]) >= 0.0)
        assert np.abs(np.array(coverage["shares"]) - coverage["levels"]).max() < 0.15
    held = model.card["fields"]["stress"]["held out"]
    inside = np.abs(np.array(held["predicted"]) - held["true"]) <= held["band"]
    assert len(inside) > 600 and 0.9 < inside.mean() < 0.99


def test_a_scalar_over_decades_is_learnt_as_its_logarithm(plates: Dataset) -> None:
    samples = tuple(replace(s, outputs={"life": s.outputs["strength"] ** -6}) for s in plates.samples)
    found = train(Dataset(samples[:60]), TrainingParameters(shape_modes=8, field_modes=3, folds=4))
    assert found.scalars["life"].scale == "logarithm"
    predicted = [found.predict(sample).scalars["life"] for sample in samples[60:]]
    true = np.array([sample.outputs["life"] for sample in samples[60:]])
    assert all(each.mean > 0.0 and each.band > 0.0 for each in predicted)
    assert np.corrcoef(np.log([each.mean for each in predicted]), np.log(true))[0, 1] > 0.95


def test_a_training_like_another_takes_its_length_scales(model: RegressionModel, plates: Dataset) -> None:
    again = train(plates, PARAMETERS, like=model)
    assert again.card["mean rrmse"] == pytest.approx(model.card["mean rrmse"], rel=1e-6)
    more = Dataset((*plates.samples[:60], *(plate(index) for index in range(100, 120))), units=plates.units)
    found = train(more, PARAMETERS, like=model)
    assert found.card["samples"] == 80 and found.card["mean rrmse"] < model.card["mean rrmse"]
    assert torch.equal(found.processes.parameters.flat(), model.processes.parameters.flat())


def test_only_the_fields_that_are_asked_for_are_predicted(model: RegressionModel, plates: Dataset) -> None:
    sample = plates.part("test")[2]
    whole, one = model.predict(sample), model.predict(sample, fields=("shift",))
    assert set(one.fields) == {"shift"} and one.scalars == whole.scalars
    assert np.array_equal(one.fields["shift"].band, whole.fields["shift"].band)
    with pytest.raises(ParameterError, match="no such field"):
        model.predict(sample, fields=("heat",))
    nodes = torch.from_numpy(sample.nodes)
    bare = model.outcome(nodes, model.prepare(sample).mesh, sample.inputs, fields=("shift",), bands=False)
    assert np.allclose(bare.fields["shift"][0].numpy(), whole.fields["shift"].mean, atol=1e-12)


def test_what_cannot_be_predicted_on_is_said(model: RegressionModel, plates: Dataset) -> None:
    sample = plates.part("test")[0]
    with pytest.raises(ParameterError, match="load"):
        model.predict(replace(sample, inputs={}))
    with pytest.raises(DatasetError, match="2 borders"):
        model.predict(replace(ring(), inputs=sample.inputs))
    with pytest.raises(DatasetError, match="has 0 anchors on its border; the model was learnt with 4"):
        model.predict(replace(sample, anchors=sample.anchors[:0]))


def test_training_is_reproducible_can_be_stopped_and_needs_enough(plates: Dataset) -> None:
    few = Dataset(plates.samples[:24], units=plates.units)
    quick = TrainingParameters(shape_modes=4, field_modes=3, folds=3, subset=20)
    one, two = train(few, quick), train(few, quick)
    assert one.predict(plates.samples[70]).scalars == two.predict(plates.samples[70]).scalars
    with pytest.raises(TrainingStoppedError):
        train(few, quick, stop=lambda: True)
    with pytest.raises(DatasetError, match="At least 20"):
        train(Dataset(plates.samples[:10]), quick)


def test_a_field_that_is_zero_everywhere_has_defined_scores(plates: Dataset) -> None:
    samples = tuple(replace(s, fields={**s.fields, "nothing": np.zeros(s.node_count)}) for s in plates.samples[:24])
    found = train(Dataset(samples), TrainingParameters(shape_modes=4, field_modes=3, folds=3, subset=20))
    assert found.card["fields"]["nothing"]["rrmse"] == 0.0
    assert np.array_equal(found.predict(samples[0]).fields["nothing"].mean, np.zeros(samples[0].node_count))
