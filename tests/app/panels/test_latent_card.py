"""A Model in the window: chosen, dropped, and moved through with sliders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.panels.latent_card import LatentCard
from app.panels.study_panel import WIDEST
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.io.model_file import ModelCard, write_model
from engine.protocol.edits import SetLatent
from engine.protocol.snapshot import Snapshot
from engine.studies.catalogue import make_catalogue

SHAPES = {"tall": [1.0, 0.5], "small": [-1.0, 0.0]}


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    yield work
    work.close()


def shown(workbench: Workbench, latent: list[float]) -> None:
    info = {"latent": latent, "shapes": SHAPES}
    workbench.link.snapshot_arrived(Snapshot(1, 0, 10, "paused", 1, info=info))


def model(folder: Path) -> Path:
    path = folder / "cups.safetensors"
    write_model(
        path, {"network": np.zeros(3, np.float32)}, ModelCard(kind="shape-space", title="cups", description="4 cups.")
    )
    return path


def test_a_dropped_model_is_what_the_study_is_about(workbench: Workbench, tmp_path: Path) -> None:
    document = workbench.document
    workbench.files.open([model(tmp_path)])
    assert document.study.study == "complete"
    assert document.study.inputs == {"model": str(tmp_path / "cups.safetensors")}
    assert workbench.running.can_run and workbench.latent.can_begin
    assert workbench.inputs.playing("model") == "cups.safetensors"
    document.undo()
    assert document.study.study == "reconstruct"


def test_what_is_no_model_changes_nothing(workbench: Workbench, tmp_path: Path) -> None:
    said: list[Any] = []
    workbench.notices.said.subscribe(said.append)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    workbench.files.open([broken])
    assert workbench.document.study.study == "reconstruct" and "broken" in str(said[0])


def test_sliders_follow_the_run_and_lead_it(qtbot: Any, workbench: Workbench, tmp_path: Path) -> None:
    sent: list[Any] = []
    document = workbench.document
    document.engine.carry = sent.append
    card = LatentCard(workbench.document, workbench.latent)
    qtbot.addWidget(card)
    assert card.isHidden()
    workbench.files.open([model(tmp_path)])
    assert not card.isHidden() and not card.begin.isHidden() and card.reset.isHidden()
    assert "latent-prior" not in workbench.document.resting_terms()
    document.run.state = "paused"
    shown(workbench, [0.5, -1.0])
    card.show()
    assert len(card.sliders) == 2
    assert card.minimumSizeHint().width() < WIDEST - 30, "with the margins of its panel nothing is cut off"
    middle = card.sliders[0].maximum() // 2
    assert card.sliders[0].value() > middle > card.sliders[1].value()

    card.sliders[0].setFocus()
    QTest.keyClick(card.sliders[0], Qt.Key.Key_PageUp)
    assert isinstance(sent[-1], SetLatent) and sent[-1].values[0] > 0.5 and sent[-1].values[1] == -1.0

    QTest.mouseClick(card.reset, Qt.MouseButton.LeftButton)
    assert sent[-1] == SetLatent(values=[0.0, 0.0])
    assert card.sliders[0].value() == middle

    assert (card.first.currentText(), card.second.currentText()) == ("tall", "small")
    card.share.setFocus()
    QTest.keyClick(card.share, Qt.Key.Key_End)
    assert sent[-1] == SetLatent(values=SHAPES["small"])
    QTest.keyClick(card.share, Qt.Key.Key_Home)
    assert sent[-1] == SetLatent(values=SHAPES["tall"])
    document.run.state = "idle"
    while document.study.study == "complete":
        document.undo()  # back to a study without a Model
    assert card.isHidden()


def test_a_drag_is_a_step_of_undo_that_leads_back_to_where_the_run_was(
    qtbot: Any, workbench: Workbench, tmp_path: Path
) -> None:
    sent: list[Any] = []
    document, latent = workbench.document, workbench.latent
    document.engine.carry = sent.append
    workbench.files.open([model(tmp_path)])
    document.mark_saved(document.project)
    document.run.state = "running"
    card = LatentCard(document, latent)
    qtbot.addWidget(card)
    card.show()
    shown(workbench, [0.5, -1.0])
    steps = len(document.undo_stack.undo_names)
    for value in (1.0, 1.5, 2.0):  # one drag
        card.sliders[0].value_dragged.emit(value)
    card.sliders[0].sliderReleased.emit()
    assert [edit.values for edit in sent] == [[1.0, -1.0], [1.5, -1.0], [2.0, -1.0]]
    assert document.undo_stack.undo_names[0] == "move the shape"
    assert len(document.undo_stack.undo_names) == steps + 1
    assert not document.modified  # where a shape of a Run is, is no part of the document

    shown(workbench, [1.8, -0.9])  # the Run goes on by itself
    workbench.steering.set_weight("fit", 3.0)
    shown(workbench, [1.7, -0.8])
    card.sliders[1].value_dragged.emit(2.5)
    card.sliders[1].sliderReleased.emit()
    sent.clear()
    document.undo()
    assert sent == [SetLatent(values=[1.7, -0.8])]
    document.undo()  # the weight: the shape stays where it is
    assert [edit.edit for edit in sent[1:]] == ["set-weight"]
    document.undo()
    assert sent[2:] == [SetLatent(values=[0.5, -1.0])]
    document.redo()
    assert sent[3:] == [SetLatent(values=[2.0, -1.0])]

    document.new_run(2)
    document.run.state = "running"
    sent.clear()
    while document.study.study == "complete" and document.undo_stack.undo_name != "use cups.safetensors":
        document.undo()
    assert not [edit for edit in sent if isinstance(edit, SetLatent)]  # another Run has another shape
