"""The status bar: long work on the left, facts of the Run on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QToolButton, QWidget

from app.panels.icons import icon
from app.panels.run_bar import format_bytes
from app.panels.tasks_panel import time_left
from app.panels.theme import current_tokens
from app.panels.work_bar import WorkBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.document.run_record import RunRecord
    from app.work.task_rows import TaskRow


class StatusLine(QStatusBar):
    """Shows what long work does and how far it is, and the numbers of the machine and the surface."""

    tasks_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setFixedHeight(28)  # whatever it shows: the docks above it stay where they are
        self._row: TaskRow | None = None
        self.calm = False
        self._text = QLabel(self)
        self._text.setAccessibleName(self.tr("What is being done"))
        self._bar = WorkBar(self.tr("How far it is"), self)
        self._bar.setFixedWidth(120)
        self._cancel = QToolButton(self)
        self._cancel.setIcon(icon("remove"))
        self._cancel.setFixedSize(20, 20)
        self._cancel.setAccessibleName(self.tr("Cancel"))
        self._cancel.setToolTip(self.tr("Cancel"))
        self._cancel.clicked.connect(self._cancel_row)
        self._others = QToolButton(self)
        self._others.setAccessibleName(self.tr("Show all tasks"))
        self._others.setToolTip(self.tr("Show all tasks"))
        self._others.clicked.connect(self.tasks_wanted)
        holder = QWidget(self)
        row = QHBoxLayout(holder)
        row.setContentsMargins(6, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self._text, self._bar, self._cancel, self._others):
            row.addWidget(widget)
        row.addStretch(1)
        self.addWidget(holder, 1)
        # Qt hides it only if it is visible when the note comes, and at the start it is not yet.
        self.messageChanged.connect(lambda text: holder.setVisible(not text))
        self._facts: dict[str, QLabel] = {}
        for name, title in (
            ("device", self.tr("Device")), ("engine", self.tr("Memory of the engine")),
            ("window", self.tr("Memory of the window")),
            ("triangles", self.tr("Triangles")), ("euler", self.tr("Euler number")), ("parts", self.tr("Parts")),
        ):  # fmt: skip
            label = QLabel(self)
            label.setAccessibleName(title)
            label.setToolTip(title)
            label.hide()
            self._facts[name] = label
            self.addPermanentWidget(label)
        self._euler_tooltip()
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setInterval(900)
        self._flash.timeout.connect(lambda: self._facts["euler"].setStyleSheet(""))
        self.show_rows([])

    def show_rows(self, rows: Sequence[TaskRow]) -> None:
        """Say what is being done: the work that began last, and how much there is besides."""
        row = rows[-1] if rows else None
        self._row = row
        for widget in (self._text, self._bar, self._cancel):
            widget.setVisible(row is not None)
        self._others.setVisible(len(rows) > 1)
        if row is None:
            self._text.setText("")
            return
        left = time_left(row)
        self._text.setText(" · ".join(part for part in (row.detail or row.title, left) if part))
        self._bar.show_fraction(row.fraction)
        self._cancel.setVisible(row.cancellable)
        self._others.setText(self.tr("{0} more").format(len(rows) - 1))

    @property
    def task_text(self) -> str:
        return self._text.text()

    def say(self, text: str) -> None:
        """A short note that goes away by itself."""
        self.showMessage(text, 6000)

    def show_run(self, run: RunRecord, window_memory: int) -> None:
        """Show the numbers; unknown ones are left out."""
        scalars, info = run.scalars, run.info
        device = str(info.get("device", ""))
        if device and scalars.get("device_memory"):
            device = f"{device} {format_bytes(scalars['device_memory'])}"
        engine = scalars.get("engine_memory", 0.0)
        self._show("device", device)
        self._show("engine", self.tr("engine {0}").format(format_bytes(engine)) if engine else "")
        self._show("window", self.tr("window {0}").format(format_bytes(window_memory)) if window_memory else "")
        count = info.get("triangle_count")
        self._show("triangles", self.tr("{0} triangles").format(f"{count:,}") if isinstance(count, int) else "")
        euler, parts = info.get("euler_number"), info.get("parts")
        self._show("euler", f"χ {euler}".replace("-", "−") if euler is not None else "")
        parts_text = self.tr("1 part") if parts == 1 else self.tr("{0} parts").format(parts)
        self._show("parts", parts_text if parts is not None else "")

    def flash_topology(self) -> None:
        """The topology changed: light the Euler number up once, unless nothing shall flash."""
        if self.calm:
            return
        tokens = current_tokens()
        self._facts["euler"].setStyleSheet(
            f"background: {tokens.accent}; color: {tokens.accent_text}; border-radius: 3px;"
        )
        self._flash.start()

    def _cancel_row(self) -> None:
        if self._row is not None:
            self._row.cancel()

    def _show(self, name: str, text: str) -> None:
        label = self._facts[name]
        if label.text() != text:
            label.setText(text)
        label.setVisible(bool(text))

    def _euler_tooltip(self) -> None:
        self._facts["euler"].setToolTip(
            self.tr("Euler number of the surface: 2 for a ball, 0 for a ring, 2 less for every further hole")
        )
