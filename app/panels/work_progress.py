"""How far one piece of long work is, in the panel or dialog that began it: bar, step, time left, and a way to stop."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QVBoxLayout, QWidget

from app.panels.tasks_panel import time_left
from app.panels.work_bar import WorkBar
from app.work.task_rows import TaskRow

REFRESH_MILLISECONDS = 100


class WorkProgress(QWidget):
    """Seen, with the button, while there is such work; what the button does its owner says."""

    def __init__(self, title: str, cancel: QAbstractButton, parent: QWidget | None = None) -> None:
        """title : what a screen reader says of the bar; cancel : stops the work, laid out by the owner"""
        super().__init__(parent)
        self._row: TaskRow | None = None
        self._cancel = cancel
        self.bar = WorkBar(title, self)
        self.step = QLabel(self)
        self.step.setProperty("soft", True)
        self.step.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.bar)
        column.addWidget(self.step)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MILLISECONDS)
        self._timer.timeout.connect(self._show)
        self.follow(None)

    def follow(self, row: TaskRow | None) -> None:
        """Show this work; None: there is none."""
        self._row = row
        self.setVisible(row is not None)
        self._cancel.setVisible(row is not None)
        self._show()
        if row is None:
            self._timer.stop()
        elif self.isVisible():
            self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._row is not None:
            self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _show(self) -> None:
        row = self._row
        if row is not None:
            self.bar.show_fraction(row.fraction)
            step = self.tr("Cancelling …") if row.stopping else row.detail or row.title
            self.step.setText(" · ".join(part for part in (step, time_left(row)) if part))
            self._cancel.setEnabled(row.cancellable)
