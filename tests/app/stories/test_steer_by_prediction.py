"""A story: a plate that a Model predicts is looked at, probed, dragged, and steered by what is predicted."""

from __future__ import annotations

from pathlib import Path

import mouse
import numpy as np
import pytest
from PySide6.QtTest import QTest
from stage import Stage

from app.work.predicting import Estimate
from engine.io.registry import write
from engine.protocol.layers import BAND, FIELD
from engine.regression.data.dataset import Dataset
from engine.regression.generation.known_plates import known_plate
from engine.regression.learning.training import train
from engine.regression.saved_model import save_regression
from engine.regression.settings import TrainingParameters
from engine.studies.sample_part import part_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "plates.safetensors"
    samples = tuple(known_plate(index) for index in range(40))
    units = {"stress": "MPa", "length": "mm", "strength": "mm/kN"}
    save_regression(
        train(Dataset(samples, units=units, name="plates"), TrainingParameters(shape_modes=10, field_modes=8, folds=4)),
        path,
    )
    return path


def strength(stage: Stage) -> Estimate:
    """As it is predicted now."""
    return next(one for one in stage.window.workbench.predicting.scalars if one.name == "strength")


def stress_of(stage: Stage) -> np.ndarray:
    snapshot = stage.window.workbench.predicting.snapshot
    assert snapshot is not None
    return snapshot.arrays[FIELD + "stress"]


def test_a_plate_is_predicted_dragged_and_steered(stage: Stage, model: Path, tmp_path: Path) -> None:
    window, predicting = stage.window, stage.window.workbench.predicting
    plate = tmp_path / "plate.vtp"
    write(part_of(known_plate(200), 1.0), plate)
    stage.drop(model)
    assert window.workspaces.current == "Regression" and stage.document.study.study == "predict"
    stage.drop(plate)
    stage.wait(lambda: bool(stage.document.objects), "the part")
    stage.key("Space")
    stage.wait(lambda: predicting.there and stage.run.state == "paused", "a prediction that waits")
    stage.wait(lambda: predicting.flag is not None and stage.view.scene.surface.coloured, "the field and the flag")
    assert predicting.flag is not None and not predicting.flag.is_new
    assert window.viewing.colouring == FIELD + "stress" and stage.view.scene.surface.coloured
    assert stage.view.scene.surface.shade.unit == "MPa"

    # A probe says what the surface is coloured by, and what it may be wrong by.
    stage.press("Probe a point")
    place = stage.seen_at(0.5, 0.5)
    mouse.click(stage.view, stage.pixel(place))
    (reading,) = window.workbench.probing.readings()
    assert reading.place == pytest.approx(tuple(place), abs=0.05)
    stress, band = (predicting.snapshot.arrays[kind + "stress"] for kind in (FIELD, BAND))
    assert stress.min() <= reading.mean <= stress.max() and band.min() <= reading.band <= band.max()
    stage.picture("regression-probe")

    # The field follows the hand while the run waits, and undo takes both back.
    before, vertices = stress.copy(), stage.vertices
    side = vertices[np.argmin(vertices[:, 0] + 0.2 * np.abs(vertices[:, 1] - vertices[:, 1].mean()))]
    x, y = stage.pixel(0.99 * side + 0.01 * vertices.mean(axis=0))
    stage.key("H")
    mouse.press(stage.view, (x, y))
    for step in range(1, 6):
        mouse.move(stage.view, (x + 6 * step, y))
        QTest.qWait(60)
    stage.wait(lambda: not np.allclose(stress_of(stage), before, rtol=0.01), "the field to follow")
    assert not np.allclose(stage.vertices, vertices, atol=0.05) and stage.run.iteration == 0
    mouse.release(stage.view, (x + 30, y))
    stage.picture("regression-drag")
    stage.key("Ctrl+Z")
    stage.wait(lambda: np.allclose(stage.vertices, vertices, atol=0.01), "the plate as it was")

    # A slider of the Model's scalars is one step of undo, and the strength follows.
    load, before_load = predicting.inputs[0], strength(stage)
    stage.type(load.name, f"{load.high:.4g}")
    stage.wait(lambda: strength(stage) != before_load, "another strength")
    assert predicting.inputs[0].value == pytest.approx(load.high, rel=1e-3)

    # Steered by the end of a band.
    stage.drop_down("Add a term", "Predicted scalar")
    name = stage.document.study.terms[-1].name
    window.workbench.steering.set_parameter(name, "scalar", "strength")
    window.workbench.steering.set_parameter(name, "aim", "raise")
    window.workbench.steering.set_parameter(name, "bound", "lower")
    first = strength(stage)
    stage.run_to(12)
    last = strength(stage)
    assert last.mean - last.band > first.mean - first.band
    assert predicting.trust is not None

    # There is no solver for these: it says so, and offers the mesh.
    stage.press("Verify")
    stage.wait(lambda: bool(window.workbench.closing.outcome), "why it cannot be verified")
    assert "no solver" in window.workbench.closing.outcome
    stage.press("Write the mesh…")
    assert window.dialogs.export is not None and window.dialogs.export.isVisible()
    window.dialogs.export.close()
