"""The workspace Regression: samples opened and chosen, a model learnt from them, and its card."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mouse
import numpy as np
import pytest
from patience import PATIENCE
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from app.document.document import Document
from app.document.project import SamplesInUse
from app.document.records import Decoder, Encoder
from app.document.samples import look_at, set_part, use_samples
from app.document.workspaces import REGRESSION, first_study, workspace_of
from app.panels.samples_table import COMPLAINT, NAME, NODES, SPLIT
from engine.io.model_file import ModelCard, write_model
from engine.protocol.study import MODEL
from engine.regression.data.dataset import Dataset, Sample
from engine.regression.data.flat_file import write_flat
from engine.regression.generation.known_plates import known_plate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-six plates; the second has a value that is no number, the last three are for testing."""
    samples: list[Sample] = [known_plate(index) for index in range(26)]
    values = {name: np.array(each) for name, each in samples[1].fields.items()}
    values["stress"][3] = np.nan
    samples[1] = replace(samples[1], fields=values)
    path = tmp_path_factory.mktemp("samples") / "plates.npz"
    write_flat(Dataset(tuple(samples), ("train",) * 23 + ("test",) * 3, {"stress": "MPa", "length": "mm"}), path)
    return path


def wait(window: Any, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it takes too long"
        window.poll()
        QTest.qWait(20)


@pytest.fixture
def opened(window: Any, data: Path) -> Iterator[Any]:
    """A window with the samples open and morphed."""
    window.workbench.files.open([data])
    wait(window, lambda: window.workbench.samples.row is None)
    QTest.qWait(80)
    yield window


def names(window: Any) -> list[str]:
    """Of the samples in the table, from above."""
    model = window.samples.view.model()
    return [model.index(row, NAME).data() for row in range(model.rowCount())]


def click_row(window: Any, name: str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    view = window.samples.view
    place = view.model().index(names(window).index(name), NAME)
    view.scrollTo(place)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifiers, view.visualRect(place).center())


def test_the_tab_brings_up_the_docks_of_samples_and_model_and_another_workspace_hides_them(window: Any) -> None:
    assert window.docks["samples"].isHidden() and window.docks["model"].isHidden()
    window.registry.trigger("workspace.regression")
    assert window.workspaces.current == REGRESSION
    assert not window.docks["samples"].isHidden() and not window.docks["model"].isHidden()
    assert window.docks["scene"].isHidden()
    assert not window.model.train.isEnabled() and "samples" in window.model.train.toolTip()
    window.registry.trigger("workspace.surface")
    assert window.docks["samples"].isHidden() and window.docks["model"].isHidden()
    window.registry.trigger("edit.undo")
    assert window.workspaces.current == REGRESSION and not window.docks["samples"].isHidden()


def test_a_study_that_predicts_belongs_there_before_the_engine_has_said_what_it_offers() -> None:
    assert workspace_of(first_study(REGRESSION), None) == REGRESSION


def test_samples_are_opened_chosen_sorted_filtered_and_moved_from_side_to_side(opened: Any) -> None:
    window, samples, document = opened, opened.workbench.samples, opened.document
    assert document.workspace == REGRESSION and len(names(window)) == 26
    assert "23 to train, 3 to test" in window.samples.summary()

    # One complaint, named; it can be left out with one button, and undo brings it back.
    bad = samples.look.rows[1].name
    view = window.samples.view
    assert [name for name in names(window) if view.model().index(names(window).index(name), COMPLAINT).data()] == [bad]
    assert "stress" in samples.look.rows[1].complaint and not window.model.train.isEnabled()
    QTest.mouseClick(window.samples._leave_out, Qt.MouseButton.LeftButton)
    assert samples.part(1) == "out" and window.model.train.isEnabled()
    document.undo()
    assert samples.part(1) == "train" and not window.model.train.isEnabled()

    # A click shows a sample and its morph, in one colour scale.
    wanted, steps = samples.look.rows[4].name, document.undo_stack.undo_names
    click_row(window, wanted)
    page = window.examining.page
    assert page.isVisible() and document.project.samples.sample == wanted
    assert page.sample._scale == page.morph._scale and np.array_equal(page.sample._values, page.morph._values)
    assert page.sample._nodes.shape == page.morph._nodes.shape
    assert document.undo_stack.undo_names == steps, "looking is no step of undo"

    # Every row that is seen gets a picture.
    wait(window, lambda: not window.samples._pictures_missing())
    rows = window.samples._visible_rows()
    assert rows and all(window.samples.table.has_picture(row) for row in rows)

    # The pointer reads a value at a node, and both views mark it.
    node = 100
    page.sample._zoom_by(8.0, page.sample.place_of(node))
    page.sample._shift += [page.sample.width() / 2 - page.sample.place_of(node).x(), 0.0]
    page.sample._shift += [0.0, page.sample.height() / 2 - page.sample.place_of(node).y()]
    page.sample._changed()
    place = page.sample.place_of(node).toPoint()
    mouse.hover(page.sample, (place.x(), place.y()))
    seen = page.sample.node_at(page.sample.place_of(node))
    assert seen == node == page.morph._marked == page.sample._marked
    assert f"{samples.values(4)[node]:.4g}" in page.readout() and "MPa" in page.readout()

    # Space moves what is selected to the other side, as one step of undo.
    click_row(window, samples.look.rows[6].name, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(view, Qt.Key.Key_Space)
    assert [samples.part(k) for k in (4, 5, 6)] == ["test", "train", "test"]
    document.undo()
    assert samples.counts() == {"train": 23, "test": 3, "out": 0}

    # The filter and the order.
    window.samples.filter.setText("test")
    assert names(window) == [row.name for row in samples.look.rows[23:]]
    window.samples.filter.setText("no such sample")
    assert names(window) == []
    window.samples.filter.setText("")
    view.sortByColumn(NODES, Qt.SortOrder.DescendingOrder)
    counts = [samples.look.rows[samples.look.index(name)].node_count for name in names(window)]
    assert counts == sorted(counts, reverse=True)
    view.sortByColumn(SPLIT, Qt.SortOrder.DescendingOrder)
    assert set(names(window)[:3]) == {row.name for row in samples.look.rows[23:]}

    # The part has the middle again when it is wanted, or when a Run begins.
    QTest.mouseClick(window.examining.part, Qt.MouseButton.LeftButton)
    assert not page.isVisible()
    click_row(window, wanted)
    assert page.isVisible()
    window.registry.trigger("workspace.surface")
    assert not page.isVisible() and not window.examining.tabs.isVisible()


@pytest.mark.slow
def test_a_model_is_learnt_from_the_window_and_its_card_is_shown_and_written(
    opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, training = opened, opened.workbench.training
    QTest.mouseClick(window.samples._leave_out, Qt.MouseButton.LeftButton)
    window.model.model.setText(str(tmp_path / "plates"))
    window.model._set("shape_modes", 4)
    window.model._set("field_modes", 6)
    window.model._set("folds", 3)

    # Cancelled, it leaves nothing behind.
    QTest.mouseClick(window.model.train, Qt.MouseButton.LeftButton)
    wait(window, lambda: training.row is not None and bool(training.row.detail))
    QTest.mouseClick(window.model.cancel, Qt.MouseButton.LeftButton)
    wait(window, lambda: training.row is None)
    assert "Nothing was written" in window.model.said() and not list(tmp_path.iterdir())

    QTest.mouseClick(window.model.train, Qt.MouseButton.LeftButton)
    assert training.row is not None and not window.model.form.isEnabled()
    wait(window, lambda: training.row is None)
    assert training.outcome == "" and (tmp_path / "plates.safetensors").exists()
    reports = training.reports
    assert len(reports) > 1 and reports[-1]["samples"] == 22 > reports[0]["samples"]
    assert window.document.study.inputs[MODEL] == str(tmp_path / "plates.safetensors")

    card = window.model.card
    values = training.card().details["card"]
    assert values["samples"] == 22 and card.advice() == values["advice"]
    row = next(text for text in card.texts() if text.startswith("stress"))
    assert f"{values['fields']['stress']['q2']:.3f}" in row
    assert values["test"]["samples"] == 3 and "3 samples kept for testing" in card._facts.text()
    for ending in ("json", "csv", "md"):
        path = tmp_path / f"card.{ending}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        QTest.mouseClick(card.export, Qt.MouseButton.LeftButton)
    assert (
        json.loads((tmp_path / "card.json").read_text())["fields"]["stress"]["rrmse"]
        == values["fields"]["stress"]["rrmse"]
    )
    table = list(csv.DictReader((tmp_path / "card.csv").open()))
    assert float(table[0]["rrmse"]) == pytest.approx(values["fields"]["stress"]["rrmse"], rel=1e-5)
    assert "stress" in (tmp_path / "card.md").read_text()

    # What is measured on demand goes into the same file, and is shown at once.
    QTest.mouseClick(card.curve, Qt.MouseButton.LeftButton)
    assert training.diagnosing == "curve" and not card.split.isEnabled()
    wait(window, lambda: training.row is None)
    curve = training.card().details["card"]["learning_curve"]
    assert training.outcome == "" and len(curve["samples"]) == len(curve["mean"]) > 1
    assert card.kind.currentData() == "curve" and card.plot.isVisibleTo(card)
    assert training.card().details["card"]["fields"] == values["fields"]

    window.document.undo()
    assert MODEL not in window.document.study.inputs and training.card() is None and card.plot.isHidden()


def test_a_model_of_another_kind_or_a_file_that_is_gone_is_said_in_place_of_the_card(
    window: Any, tmp_path: Path
) -> None:
    window.registry.trigger("workspace.regression")
    shapes = tmp_path / "shapes.safetensors"
    write_model(shapes, {"a": np.zeros(2)}, ModelCard(kind="shape-space", title="vases"))
    window.document.set_file_input(MODEL, str(shapes))
    assert window.workbench.training.card() is None and "shape-space" in window.model.card._problem.text()
    window.document.set_file_input(MODEL, str(tmp_path / "gone.safetensors"))
    assert "gone.safetensors" in window.model.card._problem.text()


def test_what_is_no_data_set_is_said_with_its_name_and_leaves_the_panel_ready(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "no.npz"
    path.write_bytes(b"nothing")
    window.workbench.files.open([path])
    wait(window, lambda: window.workbench.samples.row is None)
    assert "no.npz" in window.workbench.samples.outcome and window.workbench.samples.look is None
    assert window.samples._outcome.text() == window.workbench.samples.outcome


def test_samples_of_one_name_have_rows_of_their_own(window: Any, tmp_path: Path) -> None:
    samples = [replace(known_plate(index), name="plate") for index in range(3)]
    write_flat(Dataset(tuple(samples), units={"stress": "MPa", "length": "mm"}), tmp_path / "twins.npz")
    window.workbench.files.open([tmp_path / "twins.npz"])
    room = window.workbench.samples
    wait(window, lambda: room.look is not None)
    assert names(window) == ["plate", "plate (2)", "plate (3)"]
    assert "3 samples are called plate" in window.samples.notes()
    click_row(window, "plate (3)")
    assert room.sample == 2 and np.allclose(room.arrays(2).nodes, samples[2].nodes, atol=1e-4)
    QTest.keyClick(window.samples.view, Qt.Key.Key_Space)
    assert [room.part(k) for k in range(3)] == ["train", "train", "test"]
    wait(window, lambda: room.row is None)
    assert not room.complaints()


def test_what_cannot_be_read_takes_the_place_of_no_data_set(opened: Any, tmp_path: Path) -> None:
    samples, data = opened.workbench.samples, opened.document.project.samples.data
    path = tmp_path / "no.npz"
    path.write_bytes(b"nothing")
    samples.open(path)
    wait(opened, lambda: samples.look is not None and samples.row is None)
    assert opened.document.project.samples.data == data and samples.outcome == ""
    assert "no.npz" in opened.error_bar.text()


def test_the_document_remembers_samples_in_its_file_and_looking_is_no_step_of_undo(tmp_path: Path) -> None:
    document = Document()
    use_samples(document, "/data/plates.npz")
    set_part(document, ["a", "b"], "out")
    steps = document.undo_stack.undo_name
    look_at(document, sample="a", field="stress")
    assert document.undo_stack.undo_name == steps
    encoder = Encoder()
    values = encoder.project(document.project)
    again = Decoder(tmp_path / "x.formwright", encoder.table(), lambda name, *_: encoder.arrays[name]).project(values)
    assert again.samples == SamplesInUse("/data/plates.npz", {"a": "out", "b": "out"}, "a", "stress")
    document.undo()
    assert document.project.samples.split == {} and document.project.samples.sample == "a"
    document.undo()
    assert document.project.samples == SamplesInUse()
    values.pop("samples")
    before = Decoder(tmp_path / "x.formwright", encoder.table(), lambda name, *_: encoder.arrays[name]).project(values)
    assert before.samples == SamplesInUse(), "a document of before has none"


@pytest.mark.slow
def test_the_samples_that_come_with_the_program_open_and_are_copied_before_they_are_changed(
    window: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.registry.trigger("workspace.regression")
    samples, training = window.workbench.samples, window.workbench.training
    samples.open_shipped()
    wait(window, lambda: samples.look is not None and samples.row is None)
    assert samples.shipped and samples.counts()["train"] >= 20 and not samples.complaints() and not samples.look.problem
    assert window.document.project.samples.data.startswith("sample:"), "the document names no place on this machine"
    assert training.suggested().parent == Path.home() and window.workbench.closing.data == ""
    samples.set_part([samples.look.rows[0].name], "out")
    copy = tmp_path / "mine.npz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(copy), ""))
    window.samples._copy.trigger()
    assert copy.exists() and not samples.shipped and window.workbench.closing.data == str(copy)
    wait(window, lambda: samples.row is None)
    assert samples.part(0) == "out" and training.suggested() == tmp_path / "mine.safetensors"
