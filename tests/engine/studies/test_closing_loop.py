"""From a goal to a shape, to the truth at it, and to a Model that has learnt from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import FormwrightError
from engine.optimization.run import Run
from engine.protocol.study import OptimizerSpec, TermSpec
from engine.regression.closing import Verified, verify
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import read_flat, write_flat
from engine.regression.generation import catalogue
from engine.regression.generation.generate import Generator
from engine.regression.generation.known_plates import known_plate, solve_known
from engine.regression.generation.notched_plate import notched_plate
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.saved_model import save_regression
from engine.regression.settings import TrainingParameters
from engine.studies.predict import PredictProblem
from engine.studies.predict_parameters import PredictParameters
from engine.studies.sample_part import part_of
from engine.studies.verify_part import VerificationStoppedError, add_truth, verify_part

KNOWN = Generator("known-plate", "Known plates", "", known_plate, solve=solve_known)


def optimised(model: RegressionModel, start: Sample, goal: TermSpec, iterations: int) -> PredictProblem:
    """Within the trust region, from a part that was never learnt."""
    terms = [goal, TermSpec(kind="trust-region", name="trust-region", weight=10.0)]
    parameters = PredictParameters(inputs=dict(start.inputs))
    problem = PredictProblem(parameters, terms, model=model, part=part_of(start))
    run = Run(problem, OptimizerSpec(learning_rate=0.05), iterations)
    while run.step():
        pass
    assert run.iteration == iterations
    return problem


def known_data(count: int) -> Dataset:
    samples = tuple(known_plate(index) for index in range(count))
    return Dataset(samples, units={"length": "mm"}, name="plates", recipe={"generator": "known-plate", "options": {}})


@pytest.mark.parametrize(("part", "gain"), [(200, 1.005), (201, 1.05)])
def test_a_sample_at_the_optimum_lowers_the_error_there(part: int, gain: float) -> None:
    goal = TermSpec(
        kind="predicted-scalar", name="goal", parameters={"scalar": "strength", "aim": "raise", "bound": "lower"}
    )
    start, data = known_plate(part), known_data(25)
    found: list[Verified] = []
    for number in range(2):
        model = train(data, TrainingParameters(shape_modes=10, field_modes=6, folds=4))
        problem = optimised(model, start, goal, 60)
        found.append(verify(model, problem.result_sample(), solve=solve_known))
        data = data.with_samples([replace(found[-1].truth, name=f"verified {number}")])
    before, after = found
    first, second = before.scalars["strength"], after.scalars["strength"]
    # Measured: 0.32 and 0.00, 0.21 and 0.02; the bands 0.97 and 0.26, 0.47 and 0.15; errors of the field 2.7 % and
    # 0.7 %, 1.9 % and 0.4 %.
    assert abs(second.predicted - second.true) < 0.5 * abs(first.predicted - first.true)
    assert second.band < 0.5 * first.band
    assert after.fields["stress"].error < 0.5 * before.fields["stress"].error
    # And it is worth it: stronger than what it began with, in truth. Measured: 0.9 % and 9.6 %.
    assert second.true > gain * start.outputs["strength"]


def test_the_window_gets_plain_values_and_the_data_the_truth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(catalogue.GENERATORS, "known-plate", KNOWN)
    data, path = tmp_path / "plates.npz", tmp_path / "plates.safetensors"
    write_flat(known_data(30), data)
    save_regression(train(read_flat(data), TrainingParameters(shape_modes=8, field_modes=4, folds=3)), path)
    part = part_of(replace(known_plate(200)))
    told: list[str] = []
    verified = verify_part(str(path), part, {"load": 1.5}, lambda title, fraction, news=None: told.append(title))
    assert "Solving" in told
    assert np.allclose(verified.mesh.vertices, part.vertices)
    assert verified.scalars["strength"]["true"] == pytest.approx(known_plate(200).outputs["narrowest"] / 1.5, rel=0.02)
    assert verified.truth["stress"].shape == verified.predicted["stress"].shape == verified.band["stress"].shape
    assert add_truth(str(data), verified) == "verified 1"
    assert len(read_flat(data)) == 31
    with pytest.raises(VerificationStoppedError):
        verify_part(str(path), part, {"load": 1.5}, stopping=lambda: True)
    with pytest.raises(FormwrightError, match="load"):
        verify_part(str(path), part, {})


@pytest.mark.slow
def test_the_loop_closes_on_plates_that_are_solved() -> None:
    """Elastic plates: the largest stress falls in truth, and the Model is less wrong about it afterwards."""
    pytest.importorskip("skfem")
    recipe = {"generator": "notched-plate", "options": {"family": "free-form", "law": "elastic"}}
    samples = tuple(notched_plate(index, seed=0, law="elastic") for index in range(40))
    data = Dataset(samples, units={"length": "mm"}, name="plates", recipe=recipe)
    start = notched_plate(200, seed=0, law="elastic")
    name = "largest von Mises stress"
    goal = TermSpec(kind="predicted-scalar", name="goal", parameters={"scalar": name, "aim": "lower", "bound": "upper"})
    found: list[Verified] = []
    for number in range(2):
        model = train(data, TrainingParameters(shape_modes=12, field_modes=8, folds=4))
        found.append(verify(model, optimised(model, start, goal, 80).result_sample()))
        data = data.with_samples([replace(found[-1].truth, name=f"verified {number}")])
    first, second = (each.scalars[name] for each in found)
    # Measured [MPa]: 1,773 at the start; predicted 1,032 ± 147 and true 1,204, then 1,179 ± 55 and 1,193.
    assert second.true < 0.95 * start.outputs[name]
    assert abs(second.predicted - second.true) < abs(first.predicted - first.true)
