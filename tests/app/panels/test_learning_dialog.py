"""A shape space learnt from a folder, from the window: begun, cancelled, gone on with, and used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from patience import PATIENCE
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.panels.learning_dialog import LearningDialog
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.io.model_file import read_card
from engine.io.registry import write
from engine.studies.catalogue import make_catalogue
from engine.studies.shape_family import vases


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    yield work
    work.close()


@pytest.fixture
def dialog(qtbot: Any, workbench: Workbench, tmp_path: Path) -> LearningDialog:
    dialog = LearningDialog(workbench.learning, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def folder_of_vases(place: Path, count: int) -> Path:
    folder = place / "vases"
    folder.mkdir()
    for number, mesh in enumerate(vases(count, seed=1)):
        write(mesh, folder / f"vase-{number}.ply")
    return folder


def choose(monkeypatch: pytest.MonkeyPatch, dialog: LearningDialog, folder: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTest.mouseClick(dialog.folder.button, Qt.MouseButton.LeftButton)


def wait(workbench: Workbench, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it never came"
        workbench.tasks.poll()
        QTest.qWait(5)


def test_what_cannot_be_learnt_is_said_before(
    dialog: LearningDialog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not dialog.learn.isEnabled()
    folder = folder_of_vases(tmp_path, 2)
    choose(monkeypatch, dialog, folder)
    assert "2 meshes" in dialog.said() and "3" in dialog.said() and not dialog.learn.isEnabled()
    assert dialog.model.text() == str(tmp_path / "vases.safetensors")
    write(vases(3, seed=2)[2], folder / "vase-2.ply")
    dialog.folder.line.selectAll()
    QTest.keyClicks(dialog.folder.line, str(folder))
    assert dialog.said() == "3 meshes." and dialog.learn.isEnabled()
    dialog.model.line.selectAll()
    QTest.keyClicks(dialog.model.line, str(tmp_path / "nowhere" / "vases"))
    QTest.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    assert "there is no folder" in dialog.said() and dialog.progress.isHidden()


def test_a_training_is_cancelled_gone_on_with_and_its_model_used(
    dialog: LearningDialog, workbench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[Any] = []
    workbench.notices.said.subscribe(said.append)
    choose(monkeypatch, dialog, folder_of_vases(tmp_path, 4))
    for name, value in (("iterations", 1000), ("samples", 1000), ("batch", 16), ("width", 8), ("layers", 1)):
        dialog.form.value_changed.emit(name, value)
    QTest.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    row = workbench.learning.row
    assert row is not None and dialog.cancel.isVisible() and not dialog.learn.isEnabled()
    wait(workbench, lambda: (row.fraction or 0.0) > 0.1)
    assert row.detail.startswith("Learning, error") and dialog.progress.isVisible()
    QTest.mouseClick(dialog.cancel, Qt.MouseButton.LeftButton)
    wait(workbench, lambda: workbench.learning.row is None)
    assert row.outcome == "cancelled" and "is kept" in dialog.said() and not said
    assert (tmp_path / "vases.safetensors.part").exists() and not (tmp_path / "vases.safetensors").exists()

    QTest.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    again = workbench.learning.row
    assert again is not None
    learning: list[float] = []

    def ended() -> bool:
        if again.detail.startswith("Learning, error") and again.fraction is not None:
            learning.append(again.fraction)
        return workbench.learning.row is None

    wait(workbench, ended)
    assert learning[0] > 0.1, "it began anew"
    assert not (tmp_path / "vases.safetensors.part").exists()
    card = read_card(tmp_path / "vases.safetensors")
    assert len(card.data) == 4 and card.details["options"]["width"] == 8
    assert dialog.card.isVisible() and "4 shapes" in dialog.card.text()
    for name in card.errors:
        assert name in dialog.card.text()

    QTest.mouseClick(dialog.card.complete, Qt.MouseButton.LeftButton)
    assert workbench.document.study.study == "complete"
    assert workbench.document.study.inputs == {"model": str(tmp_path / "vases.safetensors")}
    assert dialog.isHidden() and [title for title, _ in said[-1].offers] == ["Complete a scan with it"]


@pytest.mark.slow
def test_a_window_that_closes_keeps_what_was_learnt(
    dialog: LearningDialog, workbench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    choose(monkeypatch, dialog, folder_of_vases(tmp_path, 3))
    for name, value in (("iterations", 100000), ("samples", 1000), ("batch", 16), ("width", 8), ("layers", 1)):
        dialog.form.value_changed.emit(name, value)
    QTest.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    row = workbench.learning.row
    assert row is not None
    wait(workbench, lambda: "error" in row.detail)
    ended = [psutil.Process(pid) for pool in workbench.tasks._apart for pid in pool._processes or {}]
    assert len(ended) == 1
    workbench.tasks.close()
    psutil.wait_procs(ended, timeout=120.0)
    assert not any(process.is_running() for process in ended)
    assert (tmp_path / "vases.safetensors.part").exists()
