"""Truth beside prediction, and data sets that take it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FormwrightError, ParameterError
from engine.regression.closing import add_sample, find_solver, verify
from engine.regression.data.dataset import Dataset, DatasetError
from engine.regression.data.flat_file import read_flat, write_flat
from engine.regression.data.folder import SCALARS, read_folder
from engine.regression.data.reading import write_fields
from engine.regression.generation.generate import FILE, Generator, generate
from engine.regression.generation.known_plates import known_plate, solve_known
from engine.regression.generation.notched_plate import notched_plate, solve_plate, unrefined
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.settings import TrainingParameters


@pytest.fixture(scope="module")
def model(plates: Dataset) -> RegressionModel:
    return train(plates, TrainingParameters(shape_modes=10, field_modes=6, folds=4))


def test_the_known_solver_says_what_made_the_samples() -> None:
    sample = known_plate(7)
    solved = solve_known(replace(sample, fields={}, outputs={}))
    # Its border is straight between nodes, of which there are about twenty a side.
    assert solved.outputs["strength"] == pytest.approx(sample.outputs["strength"], rel=0.02)
    assert np.allclose(solved.fields["stress"], sample.fields["stress"], rtol=1e-6)


def test_truth_stands_beside_the_prediction(model: RegressionModel) -> None:
    sample = known_plate(205)
    found = verify(model, replace(sample, fields={}, outputs={}), solve=solve_known)
    prediction = model.predict(sample)
    strength = found.scalars["strength"]
    assert strength.predicted == prediction.scalars["strength"].mean
    assert strength.true == pytest.approx(sample.outputs["strength"], rel=0.02)
    assert strength.inside == (abs(strength.predicted - strength.true) <= strength.band)
    stress = prediction.fields["stress"]
    inside = np.mean(np.abs(stress.mean - sample.fields["stress"]) <= stress.band)
    assert found.fields["stress"].inside == pytest.approx(inside, abs=0.01)
    with pytest.raises(ParameterError, match="load: the model needs"):
        verify(model, replace(sample, inputs={}), solve=solve_known)


def test_data_from_elsewhere_have_no_solver_of_ours(model: RegressionModel) -> None:
    with pytest.raises(FormwrightError, match="come from no solver of ours") as error:
        find_solver(model)
    assert "solve it with the program that made the data" in error.value.remedy


def test_the_solver_of_the_plates_gives_back_its_own_samples() -> None:
    """Bit for bit: on the same elements, whatever the nodes between their corners."""
    pytest.importorskip("skfem")
    sample = notched_plate(3, seed=1, law="elastic")
    solve = find_solver(_of_recipe("notched-plate", law="elastic"))
    again = solve(replace(sample, fields={}, outputs={}))
    assert dict(again.outputs) == dict(sample.outputs)
    assert np.array_equal(again.fields["sig22"], sample.fields["sig22"])
    # With an element for every triangle the answer is nearly the same, on more nodes.
    order = np.random.default_rng(0).permutation(sample.triangle_count)
    finer = solve_plate(replace(sample, triangles=sample.triangles[order], fields={}), law="elastic")
    assert finer.node_count > 3 * sample.node_count
    assert finer.outputs["force"] == pytest.approx(sample.outputs["force"], rel=2e-3)


def test_a_plate_may_lie_askew() -> None:
    """Its sides are told by its corners and not by their height."""
    pytest.importorskip("skfem")
    sample = notched_plate(3, seed=1, law="elastic")
    lifted = replace(sample, nodes=sample.nodes + np.outer(1e-3 * np.sin(sample.nodes[:, 0]), (0.0, 1.0)))
    solved = solve_plate(lifted, law="elastic")
    assert solved.outputs["force"] == pytest.approx(sample.outputs["force"], rel=1e-3)


def test_a_plate_that_cannot_be_solved_is_said() -> None:
    sample = known_plate(1)
    with pytest.raises(DatasetError, match="has no elongation"):
        solve_plate(sample)
    with pytest.raises(DatasetError, match="a plate has its 4 corners"):
        solve_plate(replace(sample, anchors=sample.anchors[:2]))


def test_elements_are_found_again_or_left(plates: Dataset) -> None:
    sample = plates.samples[0]
    vertices, triangles = unrefined(sample.nodes, sample.triangles)
    assert np.array_equal(vertices, sample.nodes) and np.array_equal(triangles, sample.triangles)


def test_a_sample_is_added_to_a_file(plates: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "plates.npz"
    write_flat(plates, path)
    assert add_sample(path, known_plate(300)) == "verified 1"
    assert add_sample(path, known_plate(301)) == "verified 2"
    larger = read_flat(path)
    assert len(larger) == len(plates) + 2
    assert (larger.samples[-1].name, larger.split[-1]) == ("verified 2", "train")
    assert np.array_equal(larger.samples[-1].fields["stress"], known_plate(301).fields["stress"])
    with pytest.raises(DatasetError, match="it lacks shift, stress"):
        add_sample(path, replace(known_plate(302), fields={}))
    assert len(read_flat(path)) == len(plates) + 2


def test_a_generated_data_set_keeps_what_was_added_when_it_grows(tmp_path: Path) -> None:
    def make(index: int, *, seed: int) -> object:
        return known_plate(index, seed)

    recipe = Generator("known", "Known plates", "", make)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as executor:
        generate(recipe, tmp_path, samples=4, executor=executor)
        add_sample(tmp_path, known_plate(300))
        assert [sample.name for sample in read_flat(tmp_path / FILE)][-1] == "verified 1"
        grown = generate(recipe, tmp_path, samples=6, executor=executor).dataset
    assert len(grown) == 7
    assert (grown.samples[-1].name, grown.split[-1]) == ("verified 1", "train")


def test_a_sample_is_added_to_a_folder_of_meshes(tmp_path: Path) -> None:
    rows = ["name,in:load [kN],out:narrowest [mm],out:strength,split"]
    for index in range(2):
        sample = known_plate(index)
        anchor = np.zeros(sample.node_count)
        anchor[sample.anchors] = [1, 2, 3, 4]
        write_fields(tmp_path / f"p{index}.vtu", sample, {**sample.fields, "anchor": anchor})
        rows.append(f"p{index},{sample.inputs['load']},{sample.outputs['narrowest']},{sample.outputs['strength']},test")
    (tmp_path / SCALARS).write_text("\n".join(rows) + "\n")
    assert add_sample(tmp_path, known_plate(300)) == "verified 1"
    larger = read_folder(tmp_path)
    added = next(sample for sample in larger if sample.name == "verified 1")
    assert larger.units["load"] == "kN"
    assert larger.split[larger.samples.index(added)] == "train"
    assert dict(added.outputs) == dict(known_plate(300).outputs)
    assert np.array_equal(added.anchors, known_plate(300).anchors)
    assert np.allclose(added.fields["stress"], known_plate(300).fields["stress"])


def _of_recipe(generator: str, **options: str) -> RegressionModel:
    """A model of which only the card counts."""
    model: RegressionModel = object.__new__(RegressionModel)
    object.__setattr__(model, "card", {"recipe": {"generator": generator, "options": options}})
    return model
