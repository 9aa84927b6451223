"""A file or a folder: written, or chosen in the system's dialog."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.panels.icons import icon


class PathLine(QWidget):
    """A line with a button beside it. `text_changed` tells of every change, by hand or not."""

    text_changed = Signal(str)

    def __init__(self, title: str, choose: Callable[[], str], parent: QWidget | None = None) -> None:
        """title : of the line; choose : asks for a path, "" for none"""
        super().__init__(parent)
        self._choose = choose
        self.line = QLineEdit(self)
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(self.text_changed)
        self.button = QPushButton(icon("folder"), self.tr("Choose…"), self)
        self.button.setAccessibleName(self.tr("Choose: {0}").format(title))
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._ask)
        self.setFocusProxy(self.line)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)

    def text(self) -> str:
        return self.line.text()

    def set_text(self, text: str) -> None:
        self.line.setText(text)

    def _ask(self) -> None:
        path = self._choose()
        if path:
            self.line.setText(path)
