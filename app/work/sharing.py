"""What leaves the window as text: the command that does the same, and diagnostics for a bug report."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from app.document.command_line import command_line
from app.work.diagnostics import diagnostics_text
from app.work.logbook import Logbook
from app.work.workbench import Workbench
from engine.protocol.session import Diagnostics


class Sharing:
    """Puts texts on the clipboard, and says so."""

    def __init__(self, workbench: Workbench, logbook: Logbook) -> None:
        self._workbench = workbench
        self._logbook = logbook

    def copy_command_line(self) -> None:
        """The command that does without a window what is set up here."""
        document = self._workbench.document
        QGuiApplication.clipboard().setText(command_line(document.study, document.catalogue))
        self._workbench.notices.noted(_tr("Copied the command line"))

    def copy_diagnostics(self) -> None:
        """Versions, devices, memory, what is open and what was logged; without the engine's part where it is dead."""

        def copy(answer: Any) -> None:
            told = answer if isinstance(answer, dict) else None
            text = diagnostics_text(self._workbench.document, self._logbook, told)
            QGuiApplication.clipboard().setText(text)
            self._workbench.notices.noted(_tr("Copied the diagnostics"))

        if self._workbench.link.alive:
            self._workbench.link.ask(Diagnostics(), copy, copy)
        else:
            copy(None)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sharing", text)
