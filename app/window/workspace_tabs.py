"""The tabs of the workspaces, in the menu bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class WorkspaceTabs(QWidget):
    """A button a workspace; the one that is in use is pressed."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.setAccessibleName(QCoreApplication.translate("Workspaces", "Workspaces"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 10, 0)
        row.setSpacing(2)
        for id in ("workspace.surface", "workspace.shell", "workspace.regression"):
            button = QToolButton(self)
            button.setDefaultAction(window.registry.drawn(id))
            button.setProperty("tab", True)
            button.setAccessibleName(window.registry.action(id).text)
            row.addWidget(button)
