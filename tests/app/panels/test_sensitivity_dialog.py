"""The dialog that differentiates: what it asks, what it lists, what it says when there is no answer."""

from __future__ import annotations

from typing import Any

import mouse
import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from shiboken6 import delete

from app.panels.sensitivity_dialog import SensitivityDialog
from engine.core.errors import ParameterError
from engine.protocol.session import Sensitivity

NUMBER = "cloth centre z [m]"


class Asked:
    """Stands for the room: remembers what was asked, and lets the test answer."""

    numbers = (NUMBER, "kinetic [J]")

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.done: Any = None
        self.failed: Any = None

    def ask(self, number: str, horizon: int, *, done: Any, failed: Any) -> None:
        self.asked.append((number, horizon))
        self.done, self.failed = done, failed


@pytest.fixture
def dialog(qtbot: Any) -> SensitivityDialog:
    dialog = SensitivityDialog(Asked())  # type: ignore[arg-type]  # the fake has what it needs
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_it_asks_and_lists_what_matters_most_first(dialog: SensitivityDialog) -> None:
    sensing: Any = dialog._sensing
    dialog.horizon.selectAll()
    QTest.keyClicks(dialog.horizon, "25")
    QTest.mouseClick(dialog.ask, mouse.LEFT)
    assert sensing.asked == [(NUMBER, 25)] and not dialog.ask.isEnabled()
    parameters = {
        "cloth.density": (np.array(300.0), np.array(1e-6)),
        "cloth.young": (np.array(1e6), np.array(2e-8)),
    }
    sensing.done(Sensitivity(NUMBER, -0.5, 25, np.zeros(3, np.float32), np.zeros((3, 3)), parameters))
    cells = [[dialog.table.item(row, column).text() for column in range(4)] for row in range(2)]  # type: ignore[union-attr]
    assert cells == [
        ["cloth.young", "1 MPa", "+2e-08 m/Pa", "-0.04"],
        ["cloth.density", "300 kg/m³", "+1e-06 m/(kg/m³)", "-0.0006"],
    ]
    assert "-0.5" in dialog.said.text() and dialog.ask.isEnabled()
    QTest.mouseClick(dialog.copy, mouse.LEFT)
    assert QGuiApplication.clipboard().text().splitlines()[1] == "cloth.young\t1000000\tPa\t2e-08\tm/Pa\t-0.04"


def test_what_cannot_be_answered_is_said_there(dialog: SensitivityDialog) -> None:
    sensing: Any = dialog._sensing
    QTest.mouseClick(dialog.ask, mouse.LEFT)
    sensing.failed(ParameterError("horizon", "only 4 steps are known.", remedy="Ask for fewer."))
    assert "only 4 steps" in dialog.said.text() and dialog.ask.isEnabled() and dialog.table.rowCount() == 0


def test_it_may_be_closed_before_the_answer_comes(qtbot: Any) -> None:
    dialog = SensitivityDialog(Asked())  # type: ignore[arg-type]  # the fake has what it needs
    sensing: Any = dialog._sensing
    QTest.mouseClick(dialog.ask, mouse.LEFT)
    delete(dialog)
    sensing.done(Sensitivity(NUMBER, -0.5, 10, np.zeros(3, np.float32), np.zeros((3, 3)), {}))
    sensing.failed(ParameterError("horizon", "only 4 steps are known."))
