"""The log: from both processes, kept in a file that turns over, and free of folders in a bug report."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from tests_app_fakes import polls

from app.work import logbook as room
from app.work.logbook import Logbook, without_folders
from engine.geometry.mesh import Mesh
from engine.protocol.snapshot import LogLine


@pytest.fixture
def logbook(tmp_path: Path) -> Iterator[Logbook]:
    made = Logbook(tmp_path / "logs")
    yield made
    made.close()


def texts(logbook: Logbook) -> list[str]:
    return [line.text for line in logbook.lines]


def test_own_modules_are_heard_from_debug_on_and_libraries_from_warnings_on(logbook: Logbook) -> None:
    logging.getLogger("app.somewhere").debug("quiet %d", 7)
    logging.getLogger("elsewhere").info("not heard")
    logging.getLogger("elsewhere").warning("heard")
    logbook.hear("error", "from afar")
    assert texts(logbook) == ["quiet 7", "heard", "from afar"]
    assert [(line.level, line.source) for line in logbook.lines] == [
        ("debug", "app.somewhere"), ("warning", "elsewhere"), ("error", "engine"),
    ]  # fmt: skip


def test_an_exception_brings_its_traceback(logbook: Logbook) -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError:
        logging.getLogger("app").exception("It failed")
    assert "ZeroDivisionError: by nothing" in texts(logbook)[0] and logbook.lines[0].level == "error"


def test_the_file_turns_over(logbook: Logbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert logbook.file is not None
    monkeypatch.setattr(logbook.file, "maxBytes", 2000)
    for number in range(100):
        logbook.hear("info", f"line {number} " + "x" * 40)
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["window.log", "window.log.1", "window.log.2", "window.log.3"]
    assert "line 99" in (tmp_path / "logs" / "window.log").read_text()


def test_a_closed_logbook_hears_nothing(tmp_path: Path) -> None:
    made = Logbook()
    made.close()
    logging.getLogger("app").warning("too late")
    assert not made.lines


def test_memory_is_bounded(logbook: Logbook) -> None:
    for number in range(room.KEPT + 10):
        logbook.hear("debug", str(number))
    assert len(logbook.lines) == room.KEPT and logbook.recent(1)[0].text == str(room.KEPT + 9)
    assert logbook.recent(0) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/srv/Jane Doe/My Scans/scan.ply: it is empty", "…/scan.ply: it is empty"),
        (f"{Path.home()}/a b/c.stl", "…/c.stl"),
        (r"C:\Users\Jane Doe\x.obj is bad", "…/x.obj is bad"),
        ('File "/usr/lib/python3/a.py", line 3', 'File "…/a.py", line 3'),
        ("(/var/jane/y.ply)", "(…/y.ply)"),
        ("12 it/s and 3 mm/s, 1/2", "12 it/s and 3 mm/s, 1/2"),
        ("see https://example.org/y/z", "see https://example.org/y/z"),
    ],
)
def test_folders_do_not_leave_the_machine(text: str, left: str) -> None:
    assert without_folders(text) == left


def test_the_dock_shows_new_lines_by_level_and_words(window: Any, session: Any, qtbot: Any) -> None:
    window.registry.trigger("panel.log")
    panel = window.log
    qtbot.waitUntil(panel.isVisible)
    session.emit += [LogLine("warning", "the disk is nearly full"), LogLine("debug", "step 12 of the fit")]
    polls(window, 6)

    def shown() -> list[str]:
        return [panel.shown.index(row, 3).data() for row in range(panel.shown.rowCount())]

    assert "the disk is nearly full" in shown() and "step 12 of the fit" not in shown()
    panel.level.setCurrentIndex(panel.level.findData("debug"))
    qtbot.keyClicks(panel.words, "engine fit")
    assert shown() == ["step 12 of the fit"]
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().endswith("debug   engine: step 12 of the fit")
    window.logbook.clear()
    assert shown() == []


def test_diagnostics_tell_the_state_and_no_folder(running: Any, session: Any) -> None:
    running.document.add_object(Mesh(*_triangle(), name="part.stl"), source="/srv/jane/secret/part.stl")
    session.emit.append(LogLine("warning", "/srv/jane/secret/part.stl: it was odd"))
    polls(running, 2)
    running.registry.trigger("help.diagnostics")
    polls(running, 2)
    text = QGuiApplication.clipboard().text()
    assert "device: fake" in text and "reconstruct" in text and "1 triangles" in text and "PySide6" in text
    assert "part.stl: it was odd" in text and "jane" not in text and "secret" not in text
    assert "memory of the window" in text and "iteration" in text


def test_diagnostics_of_a_window_whose_engine_is_dead(window: Any) -> None:
    window.link.close()
    window.registry.trigger("help.diagnostics")
    assert "does not answer" in QGuiApplication.clipboard().text()


def _triangle() -> tuple[Any, Any]:
    import numpy as np

    return np.eye(3), np.array([[0, 1, 2]], np.int32)
