"""The tasks dock: all that is under way with progress, time left and cancel, and what has ended lately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.panels.icons import icon
from app.panels.run_bar import format_duration
from app.panels.theme import current_tokens
from app.panels.work_bar import WorkBar

if TYPE_CHECKING:
    from app.work.task_rows import TaskRow, TaskRows


class TasksPanel(QScrollArea):
    """Follows the rows that come and end; `refresh` shows how far they are."""

    def __init__(self, rows: TaskRows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._lines: dict[TaskRow, _Line] = {}
        self.setProperty("panel", True)
        self.setAccessibleName(self.tr("Tasks"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget(self)
        body.setProperty("panel", True)
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(12, 4, 12, 8)
        self._column.setSpacing(4)
        self._empty = QLabel(self.tr("Long work appears here while it is done."), body)
        self._empty.setProperty("soft", True)
        self._column.addWidget(self._empty)
        self._column.addStretch(1)
        self.setWidget(body)
        rows.changed.subscribe(self._changed)
        self._changed()

    def refresh(self) -> None:
        """Show how far everything is; costs nothing while the dock is hidden."""
        if self.isVisible():
            for row, line in self._lines.items():
                if row.outcome == "running":
                    line.show_row(row)

    def texts(self) -> list[str]:
        """What every line says, in their order."""
        return [line.text() for line in self._lines.values()]

    def _changed(self) -> None:
        shown: Sequence[TaskRow] = [*self._rows.running, *reversed(self._rows.ended)]
        for row in [row for row in self._lines if row not in shown]:
            line = self._lines.pop(row)
            line.hide()
            line.deleteLater()
        self._lines = {row: self._lines.get(row) or _Line(row, self.widget()) for row in shown}
        for place, (row, line) in enumerate(self._lines.items()):
            self._column.insertWidget(place, line)
            line.show_row(row)
        self._empty.setVisible(not shown)


class _Line(QWidget):
    """A row: title and detail, bar, time, cancel."""

    def __init__(self, row: TaskRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel(row.title, self)
        self.title.setMinimumWidth(60)
        self.detail = QLabel(self)
        self.detail.setProperty("soft", True)
        self.bar = WorkBar(self.tr("How far {0} is").format(row.title), self)
        self.bar.setFixedWidth(140)
        self.time = QLabel(self)
        self.time.setProperty("soft", True)
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance("00:00:00 left"))
        self.time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.cancel = QToolButton(self)
        self.cancel.setIcon(icon("remove"))
        self.cancel.setAccessibleName(self.tr("Cancel {0}").format(row.title))
        self.cancel.setToolTip(self.cancel.accessibleName())
        self.cancel.clicked.connect(row.cancel)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(10)
        line.addWidget(self.title)
        line.addWidget(self.detail, 1)
        for widget in (self.bar, self.time, self.cancel):
            line.addWidget(widget)
        kept = self.cancel.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # the times stay under each other
        self.cancel.setSizePolicy(kept)

    def text(self) -> str:
        return " · ".join(part for part in (self.title.text(), self.detail.text(), self.time.text()) if part)

    def show_row(self, row: TaskRow) -> None:
        running = row.outcome == "running"
        self.bar.setVisible(running)
        self.cancel.setVisible(row.cancellable)
        if running:
            self.detail.setText(self.tr("Cancelling …") if row.stopping else row.detail)
            self.bar.show_fraction(row.fraction)
            self.time.setText(time_left(row))
            return
        words = {"done": self.tr("done"), "failed": self.tr("failed"), "cancelled": self.tr("cancelled")}
        self.detail.setText(words[row.outcome])
        self.detail.setStyleSheet(f"color: {current_tokens().error};" if row.outcome == "failed" else "")
        self.time.setText(format_duration(row.seconds))


def time_left(row: TaskRow) -> str:
    """ "0:21 left"; "" while unknown, and where it would be 0:00: what is over by now says so by going."""
    left = row.seconds_left
    if left is None or round(left) <= 0:
        return ""
    return QCoreApplication.translate("Tasks", "{0} left").format(format_duration(left))
