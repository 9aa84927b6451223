"""The metric of morphs as further inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import ParameterError
from engine.regression.data.dataset import Dataset, OutputGradient
from engine.regression.learning.metric import metric_mass, metric_values
from engine.regression.learning.training import train
from engine.regression.model import RegressionModel
from engine.regression.saved_model import load_regression, save_regression
from engine.regression.settings import TrainingParameters

PARAMETERS = TrainingParameters(shape_modes=8, field_modes=6, metric_modes=5, folds=4)


@pytest.fixture(scope="module")
def model(plates: Dataset) -> RegressionModel:
    return train(plates, PARAMETERS)


def test_the_metric_of_a_linear_map_is_its_own(model: RegressionModel) -> None:
    """Whatever the triangles: FᵀF of x ↦ F x has the same eigenvalues in all frames."""
    common = model.common
    way = np.array([[1.2, 0.3], [-0.1, 0.8]])
    seen = torch.from_numpy((common.mean_nodes @ way.T).T.reshape(1, -1))
    parts = metric_values(seen, common)[0].reshape(3, -1).numpy()
    trace, determinant = parts[0] + parts[2], parts[0] * parts[2] - parts[1] ** 2
    metric = way.T @ way
    assert np.allclose(trace, np.trace(metric), atol=1e-6)
    assert np.allclose(determinant, np.linalg.det(metric), atol=1e-6)
    area = metric_mass(common).diagonal().sum() / 3.0
    assert area == pytest.approx(float(common.mass().sum()))


def test_a_model_with_metric_predicts_is_kept_and_has_gradients(
    model: RegressionModel, plates: Dataset, tmp_path: Path
) -> None:
    assert set(model.further.kinds) == {"metric"} and model.processes.inputs.shape[1] == 8 + 1 + 5
    plain = train(plates, PARAMETERS.model_copy(update={"metric_modes": 0}))
    assert model.card["mean rrmse"] < 1.2 * plain.card["mean rrmse"]
    save_regression(model, tmp_path / "metric.safetensors")
    base = plates.part("test")[1]
    generator = np.random.default_rng(0)
    sample = replace(base, nodes=base.nodes + 0.02 * generator.normal(size=base.nodes.shape))
    again = load_regression(tmp_path / "metric.safetensors").predict(sample)
    assert np.array_equal(again.fields["stress"].mean, model.predict(sample).fields["stress"].mean)
    mesh, places = model.prepare(sample).mesh, torch.from_numpy(sample.nodes)

    def value(nodes: torch.Tensor) -> torch.Tensor:
        mean, band = model.outcome(nodes, mesh, sample.inputs, fields=("stress",), scalars=()).fields["stress"]
        return (mean + band).square().mean()

    leaf = places.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    way, step = torch.from_numpy(generator.normal(size=sample.nodes.shape)), 1e-6
    slope = float((value(places + step * way) - value(places - step * way)) / (2.0 * step))
    assert abs(slope - float((gradient * way).sum())) < 1e-5 * abs(slope)


def test_gradients_and_metric_do_not_go_together(plates: Dataset) -> None:
    first = replace(plates.samples[0], gradients={"strength": OutputGradient(None, {"load": 1.0})})
    with pytest.raises(ParameterError, match="gradients of strength"):
        train(Dataset((first, *plates.samples[1:30])), PARAMETERS)
