"""What leaves the window as text: the command that does the same, and diagnostics for a bug report."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from app.document.command_line import command_line
from app.work.workbench import Workbench
from engine.protocol.session import Diagnostics


class Sharing:
    """Puts texts on the clipboard, and says so."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    def copy_command_line(self) -> None:
        """The command that does without a window what is set up here."""
        document = self._workbench.document
        QGuiApplication.clipboard().setText(command_line(document.study, document.catalogue))
        self._workbench.notices.noted(_tr("Copied the command line"))

    def copy_diagnostics(self) -> None:
        """What the engine says of itself: versions, devices, memory."""

        def copy(answer: dict[str, Any]) -> None:
            QGuiApplication.clipboard().setText("\n".join(f"{key}: {value}" for key, value in answer.items()))
            self._workbench.notices.noted(_tr("Copied the diagnostics"))

        self._workbench.link.ask(Diagnostics(), copy)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Sharing", text)
