"""What only a person knows is asked, and the answer goes on: sign and axes of volumes and formulas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from tests_app_fakes import FakeSession

from app.document.document import Document
from app.panels.inputs_form import InputsForm
from app.viewport.viewing import Viewing
from app.window.dialogs import Dialogs
from app.work.engine_link import EngineLink
from app.work.tasks import Tasks
from app.work.workbench import Workbench
from engine.geometry.mesh import Mesh
from engine.io.registry import write
from engine.protocol.snapshot import QuestionRaised, StateChanged
from engine.protocol.study import Study
from engine.studies.catalogue import make_catalogue
from engine.studies.session import LocalSession

BALL = Mesh(
    np.array([[0, 0, 10], [10, 0, 0], [0, 10, 0], [-10, 0, 0], [0, -10, 0], [0, 0, -10]], np.float64),
    np.array(
        [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1], [5, 2, 1], [5, 3, 2], [5, 4, 3], [5, 1, 4]], np.int32
    ),
    name="ball",
)  # fmt: skip


@pytest.fixture
def workbench(qtbot: Any, tmp_path: Path) -> Iterator[Workbench]:
    document, tasks = Document(), Tasks()
    work = Workbench(document, EngineLink(document, tasks, FakeSession), tasks, tmp_path / "store")
    document.set_catalogue(make_catalogue())
    yield work
    work.close()


@pytest.fixture
def dialogs(qtbot: Any, workbench: Workbench) -> Dialogs:
    window = QWidget()
    qtbot.addWidget(window)
    dialogs = Dialogs(window, workbench, Viewing(lambda: None))
    workbench.notices.asked.subscribe(dialogs.ask)
    return dialogs


def waited(workbench: Workbench, qtbot: Any, done: Any) -> None:
    def look() -> bool:
        workbench.tasks.poll()
        workbench.files.opener.poll()
        return bool(done())

    qtbot.waitUntil(look)


def press(dialogs: Dialogs, value: str) -> None:
    assert dialogs.question is not None and dialogs.question.isVisible()
    QTest.mouseClick(dialogs.question.answers[value], Qt.MouseButton.LeftButton)


def test_axes_and_sign_of_a_volume_are_asked_one_after_the_other(
    workbench: Workbench, dialogs: Dialogs, qtbot: Any, tmp_path: Path
) -> None:
    x, y, z = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in (16, 20, 32)), indexing="ij")
    inside = (x / 4) ** 2 + (y / 6) ** 2 + (z / 12) ** 2 < 1.0
    np.save(tmp_path / "dark.npy", np.where(inside, 100.0, 1000.0))  # dark inside: larger values round it
    said: list[Any] = []
    workbench.notices.said.subscribe(lambda message: said.append(message.text))
    workbench.files.open([tmp_path / "dark.npy"])
    waited(workbench, qtbot, lambda: dialogs.question is not None)
    assert dialogs.question is not None and set(dialogs.question.answers) == {"xyz", "zyx"}
    first = dialogs.question
    press(dialogs, "zyx")
    waited(workbench, qtbot, lambda: dialogs.question is not first)
    assert dialogs.question is not None and set(dialogs.question.answers) == {"negative", "positive"}
    press(dialogs, "negative")
    waited(workbench, qtbot, lambda: workbench.document.objects)
    (item,) = workbench.document.objects
    sides = np.ptp(item.geometry.bounds, axis=0)
    np.testing.assert_allclose(sides, [24, 12, 8], atol=1.5)  # the file's last axis is x
    assert workbench.document.study.parameters == {"axes": "zyx", "sign": "negative"}
    assert not any("not clear" in text or "does not say which" in text for text in said)


def test_a_question_that_is_not_answered_opens_nothing(
    workbench: Workbench, dialogs: Dialogs, qtbot: Any, tmp_path: Path
) -> None:
    x, y, z = np.meshgrid(*(np.arange(float(n)) for n in (8, 9, 10)), indexing="ij")
    np.save(tmp_path / "a.npy", x + y + z - 12.0)
    workbench.files.open([tmp_path / "a.npy"])
    waited(workbench, qtbot, lambda: dialogs.question is not None)
    assert dialogs.question is not None
    QTest.keyClick(dialogs.question, Qt.Key.Key_Escape)
    workbench.tasks.poll()
    assert not workbench.document.objects and workbench.document.study.parameters == {}
    assert not workbench.files.opener.at_work


def test_the_engine_asks_how_a_formula_is_meant_and_the_answer_begins_the_run(
    workbench: Workbench, dialogs: Dialogs
) -> None:
    parameters = {"start": "formula", "formula": "0.5 - length(x, y, z)", "resolution": 8, "device": "cpu"}
    engine = LocalSession()
    engine.start(Study(parameters=parameters), {"target": BALL})
    engine.advance()
    events = engine.events()
    (question,) = [event for event in events if isinstance(event, QuestionRaised)]
    assert question.parameter == "sign" and not question.question.startswith("sign")
    assert [event.state for event in events if isinstance(event, StateChanged)][-1] == "failed"
    engine.close()

    document = workbench.document
    document.set_study(document.study.model_copy(update={"parameters": parameters}))
    document.add_object(BALL)
    workbench.link._on(question)
    press(dialogs, "positive")
    assert document.study.parameters == {**parameters, "sign": "positive"}
    assert document.run.active
    document.undo()
    assert document.study.parameters == parameters


def test_what_a_surface_starts_from_has_a_row_and_takes_no_targets_place(
    workbench: Workbench, qtbot: Any, tmp_path: Path
) -> None:
    document = workbench.document
    form = InputsForm(document, workbench.inputs)
    qtbot.addWidget(form)
    document.add_object(BALL)
    assert form.isHidden()
    workbench.steering.set_parameter("study", "start", "file", live=False)
    assert not form.isHidden() and list(form.buttons) == ["start"]
    assert form.buttons["start"].accessibleName() == "Start from"
    write(Mesh(BALL.vertices * 0.5, BALL.triangles, name="seed"), tmp_path / "seed.ply")
    workbench.inputs.use_file("start", tmp_path / "seed.ply")
    waited(workbench, qtbot, lambda: len(document.objects) == 2)
    assert document.project.roles == {"target": "ball", "start": "seed"}
    assert form.buttons["start"].text() == "seed" and document.study.inputs["start"] == str(tmp_path / "seed.ply")
    given = document.inputs()
    assert np.ptp(given["start"].bounds) == pytest.approx(0.5 * np.ptp(given["target"].bounds))
    workbench.inputs.use_nothing("start")
    assert document.project.roles == {"target": "ball"} and len(document.objects) == 2
    workbench.steering.set_parameter("study", "start", "sdf", live=False)
    assert form.isHidden()
