"""Long work in the status line and in the tasks dock."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from tests_app_fakes import poll_until, polls

from app.work.task_rows import TaskRow
from engine.protocol.snapshot import ProblemRaised, Progress


@pytest.fixture
def panel(window: Any, qtbot: Any) -> Any:
    window.registry.trigger("panel.tasks")
    qtbot.waitUntil(window.task_list.isVisible)
    return window.task_list


def test_rows_come_move_and_end(window: Any, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = window.tasks.begin("Exporting nut.stl")
    monkeypatch.setattr(TaskRow, "seconds", 10.0)
    row.report(0.5, "Writing")
    polls(window, 4)
    assert panel.texts()[0] == "Exporting nut.stl · Writing · 0:10 left"
    assert window.status_line.task_text == "Writing · 0:10 left"
    window.tasks.end(row)
    polls(window)
    assert panel.texts()[0] == "Exporting nut.stl · done · 0:10" and window.status_line.task_text == ""


def test_what_is_over_by_now_has_no_time_left(window: Any, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = window.tasks.begin("Exporting nut.stl")
    monkeypatch.setattr(TaskRow, "seconds", 10.0)
    row.report(0.99, "Writing")
    polls(window, 4)
    assert window.status_line.task_text == "Writing"


def test_cancel_in_the_dock_and_in_the_status_line(window: Any, panel: Any, qtbot: Any) -> None:
    stopped: list[str] = []
    first = window.tasks.begin("One", cancel=lambda: stopped.append("One"))
    window.tasks.begin("Two", cancel=lambda: stopped.append("Two"))
    polls(window, 4)
    buttons = {button.accessibleName(): button for button in panel.findChildren(QToolButton)}
    qtbot.mouseClick(buttons["Cancel One"], Qt.MouseButton.LeftButton)
    polls(window, 4)
    assert stopped == ["One"] and panel.texts()[0] == "One · Cancelling …" and not first.cancellable
    cancel = next(
        button for button in window.status_line.findChildren(QToolButton) if button.accessibleName() == "Cancel"
    )
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    assert stopped == ["One", "Two"]


def test_the_status_line_leads_to_the_dock_where_there_is_more(window: Any, qtbot: Any) -> None:
    window.tasks.begin("One")
    window.tasks.begin("Two")
    polls(window)
    more = next(
        button for button in window.status_line.findChildren(QToolButton) if button.accessibleName() == "Show all tasks"
    )
    assert window.status_line.task_text == "Two" and more.text() == "1 more" and window.docks["tasks"].isHidden()
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert window.task_list.isVisible() and window.registry.drawn("panel.tasks").isChecked() is False
    window.registry.refresh()
    assert window.registry.drawn("panel.tasks").isChecked()


def test_the_engine_tells_of_its_start_and_dies(window: Any, session: Any) -> None:
    rows = window.tasks.rows
    session.emit.append(Progress("starting the engine", 0.4, "Loading torch"))
    polls(window)
    assert [row.title for row in rows.running] == ["Starting the engine"] and rows.running[0].fraction == 0.4
    session.emit.append(ProblemRaised("The engine has stopped.", fatal=True))
    polls(window)
    assert not rows.running and rows.ended[-1].outcome == "failed"


def test_preparing_can_be_cancelled_and_ends_with_the_state(window: Any, session: Any, target: Any) -> None:
    window.document.add_object(target)
    window.registry.trigger("run.toggle")
    session._set_state("preparing")
    session.emit.append(Progress("preparing", None, "Measuring the scan"))
    polls(window)
    row = window.tasks.rows.running[-1]
    assert window.status_line.task_text == "Measuring the scan" and row.cancellable
    row.cancel()
    polls(window, 2)
    assert session.state == "stopped" and row.outcome == "cancelled"


def test_a_file_that_is_being_read_has_a_row(window: Any, tmp_path: Path, target: Any) -> None:
    from engine.io.registry import write

    path = tmp_path / "ball.ply"
    write(target, path)
    window.workbench.files.open([path])
    assert [row.title for row in window.tasks.rows.running] == ["Opening ball.ply"]
    row = window.tasks.rows.running[0]
    assert row.cancellable
    end = time.monotonic() + PATIENCE
    while not poll_until(window, lambda: window.document.objects):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert row.outcome == "done"


def test_what_runs_while_the_window_closes_does_not_hold_it(window: Any) -> None:
    row = window.tasks.begin("Counting", cooperative=True)
    begun = threading.Event()

    def count() -> None:
        while True:
            row.report(None)
            begun.set()
            time.sleep(0.001)

    window.tasks.do(count, lambda _: None, lambda _: None, row=row)
    assert begun.wait(60)
    window.close()
    assert not window.isVisible()
