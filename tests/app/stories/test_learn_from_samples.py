"""A story: samples are dropped on the window and looked at, a Model is learnt from them, and its card is read."""

from __future__ import annotations

from pathlib import Path

import mouse
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from stage import Stage

from app.document.workspaces import REGRESSION
from engine.protocol.study import MODEL
from engine.regression.sample_set import sample_data

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_samples_become_a_model_with_a_card(stage: Stage, tmp_path: Path) -> None:
    window, samples, training = stage.window, stage.window.workbench.samples, stage.window.workbench.training
    data = tmp_path / "plates.npz"
    data.write_bytes(sample_data().read_bytes())
    stage.drop(data)
    stage.wait(lambda: samples.look is not None and samples.row is None, "samples and their morphs")
    assert window.workspaces.current == REGRESSION and not samples.complaints()
    assert window.examining.page.isVisible()

    # Stress on the ninth sample and its morph; the pointer reads both.
    samples.choose_field("sig22")
    view = window.samples.view
    place = view.visualRect(view.model().index(3, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert samples.sample == 3
    page = window.examining.page
    mouse.hover(page.sample, (page.sample.width() / 2 + 6, page.sample.height() / 2 + 4))
    assert "MPa" in page.readout() and page.morph._marked == page.sample._marked >= 0
    stage.wait(lambda: not window.samples._pictures_missing(), "pictures of the samples")
    named = window.model.model.text()
    window.model.model.setText("~/plates.safetensors")
    stage.picture("regression-samples")
    window.model.model.setText(named)

    # A Model is learnt beside the window, which stays alive.
    stage.press("Train")
    stage.wait(lambda: len(training.reports) > 2, "errors on samples that are held out")
    samples.choose(samples.look.rows[10].name)
    assert page._title.text() == samples.look.rows[10].name
    stage.wait(lambda: training.row is None, "the Model")
    assert training.outcome == "" and stage.document.study.inputs[MODEL] == str(tmp_path / "plates.safetensors")
    values = training.card().details["card"]
    assert values["test"]["samples"] == 13 and values["test"]["mean"] < 0.15
    assert all(each["rrmse"] < min(each["baselines"].values()) for each in values["fields"].values())
    stage.wait(lambda: window.model.card.plot is not None and window.model.card.plot.isVisible(), "the plot")
