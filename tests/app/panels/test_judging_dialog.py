"""Candidates below a limit, in the window: judged, listed, and written."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.panels.judging_dialog import JudgingDialog
from app.work.engine_link import EngineLink
from app.work.judging import candidate_files
from app.work.task_rows import TaskRow
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.core.errors import FormwrightError
from engine.io.model_file import ModelCard, write_model
from engine.regression.candidates import Candidate, Candidates
from engine.studies.catalogue import make_catalogue

NAN = float("nan")
FOUND = Candidates(
    "peak", "MPa", 400.0, 0.1,
    (
        Candidate("good", 350.0, 12.0, 0.01, True),
        Candidate("odd", 300.0, 90.0, 0.01, True, "The model does not know this: its shape is far from all."),
        Candidate("bad", 450.0, 15.0, 0.9, False),
        Candidate("torn", NAN, NAN, NAN, False, problem="torn has a hole, and the others have none."),
    ),
)  # fmt: skip


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    model = tmp_path / "plates.safetensors"
    details = {"fields": [{"name": "stress"}], "scalars": [{"name": "peak"}, {"name": "weight"}]}
    write_model(model, {"common": np.zeros(3)}, ModelCard(kind="regression", details=details))
    work.inputs.use_model(model)
    yield work
    work.close()


@pytest.fixture
def dialog(qtbot: Any, workbench: Workbench, tmp_path: Path) -> JudgingDialog:
    dialog = JudgingDialog(workbench.judging, tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


@pytest.fixture
def long(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was begun: (work, done, failed)."""
    begun: list[Any] = []

    def do_long(work: Any, done: Any, failed: Any, *, title: str) -> TaskRow:
        begun.append((work, done, failed))
        return TaskRow(title)

    monkeypatch.setattr(workbench.tasks, "do_long", do_long)
    return begun


def meshes(folder: Path) -> Path:
    place = folder / "meshes"
    place.mkdir()
    for name in ("b.vtu", "a.VTP", "notes.txt"):
        (place / name).write_bytes(b"")
    return place


def test_what_can_be_judged_is_found_by_its_ending(tmp_path: Path) -> None:
    assert [path.name for path in candidate_files(meshes(tmp_path))] == ["a.VTP", "b.vtu"]
    assert candidate_files(tmp_path / "nowhere") == [] and candidate_files(tmp_path / "meshes" / "notes.txt") == []


def test_candidates_are_judged_and_those_that_are_named_are_listed(
    dialog: JudgingDialog, long: list[Any], tmp_path: Path
) -> None:
    assert not dialog.select.isEnabled() and "Choose meshes" in dialog.said()
    assert [dialog.scalar.itemText(row) for row in range(dialog.scalar.count())] == ["peak", "weight"]
    dialog.folder.set_text(str(meshes(tmp_path)))
    dialog.below.setFocus()
    dialog.below.selectAll()
    QTest.keyClicks(dialog.below, "400")
    dialog.rate.setFocus()
    dialog.rate.selectAll()
    QTest.keyClicks(dialog.rate, "20")
    dialog.rate.commit()
    QTest.mouseClick(dialog.select, Qt.MouseButton.LeftButton)
    ((work, done, _),) = long
    assert work.args[1:] == (str(tmp_path / "meshes"), "peak", 400.0, pytest.approx(0.2), {})
    assert not dialog.select.isEnabled() and not dialog.cancel.isHidden() and not dialog.folder.isEnabled()
    done(FOUND)
    rows = [[dialog.table.item(row, column).text() for column in range(3)] for row in range(dialog.table.rowCount())]  # type: ignore[union-attr]
    assert [row[0] for row in rows] == ["odd", "good"] and rows[1] == ["good", "350 ± 12 MPa", ""]
    assert rows[0][2].startswith("Nothing is promised")
    assert "2 of 4 are named as below 400 MPa" in dialog.said() and "1 could not be predicted" in dialog.said()
    QTest.keyClick(dialog.only, Qt.Key.Key_Space)
    assert dialog.table.rowCount() == 4


def test_what_was_found_is_written_as_a_table(
    dialog: JudgingDialog, workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "found.csv"
    assert dialog.export.isHidden()
    workbench.judging._judged(FOUND)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    QTest.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows[0][:3] == ["name", "below 400", "peak [MPa]"] and rows[1][:3] == ["good", "yes", "350"]
    assert rows[4][0] == "torn" and rows[4][1] == "no" and rows[4][-1].endswith("the others have none.")


def test_what_cannot_be_judged_says_why(dialog: JudgingDialog, long: list[Any], tmp_path: Path) -> None:
    dialog.folder.set_text(str(meshes(tmp_path)))
    QTest.mouseClick(dialog.select, Qt.MouseButton.LeftButton)
    long[0][2](FormwrightError("a.VTP cannot be read.", remedy="Write it again."))
    assert "cannot be read" in dialog.said() and dialog.select.isEnabled()
