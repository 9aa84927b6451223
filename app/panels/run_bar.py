"""The run bar: one primary button, and where the descent is."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.document.run_record import RunRecord
from app.panels.icons import icon
from app.panels.theme import current_tokens

WIDTH = 236
STATE_LINES = 2
"""That the state has at most, and always: nothing moves when it changes."""
SLOW = 0.2
"""Iterations a second below which it is said how long one takes."""
ELLIPSIS = 60
"""Pixels that the ends of broken lines may leave empty."""


class RunBar(QWidget):
    """Run (Pause while it runs), step, stop; iteration, speed, time left."""

    def __init__(self, toggle: QAction, step: QAction, stop: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Run"))
        self._toggle = toggle
        self.button = QPushButton(self)
        self.button.setProperty("primary", True)
        self.button.setIconSize(QSize(16, 16))
        self.button.setMinimumWidth(120)
        self.button.clicked.connect(toggle.trigger)
        toggle.changed.connect(self._follow_toggle)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.button)
        for action, name in ((step, self.tr("One iteration")), (stop, self.tr("Stop"))):
            small = QToolButton(self)
            small.setDefaultAction(action)
            small.setAccessibleName(name)
            small.setIconSize(QSize(18, 18))
            row.addWidget(small)
        row.addStretch(1)
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(self.tr("Progress of the run"))
        self._numbers = QLabel(self)
        self._numbers.setAccessibleName(self.tr("Iteration, speed, time left"))
        self._state = QLabel(self)
        self._state.setProperty("soft", True)
        self._state.setWordWrap(True)
        self._state.setFixedHeight(STATE_LINES * self._state.fontMetrics().lineSpacing())
        self._state.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._state.setAccessibleName(self.tr("State of the run"))
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 6)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._progress)
        column.addWidget(self._numbers)
        column.addWidget(self._state)
        column.addStretch(1)
        self.setFixedWidth(WIDTH)
        self._run = RunRecord()
        self._simulates = False
        self._follow_toggle()
        self.show_run(self._run)

    def show_run(self, run: RunRecord, *, simulates: bool = False) -> None:
        """Show where a Run is; called at most once a frame. simulates : an iteration is a step of time"""
        self._simulates = simulates
        if run.exists and run.iterations:
            self._progress.setRange(0, run.iterations)
            self._progress.setValue(min(run.iteration, run.iterations))
            counted = self.tr("step {0} of {1}") if simulates else self.tr("it {0} of {1}")
            parts = [counted.format(f"{run.iteration:,}", f"{run.iterations:,}")]
            speed = run.scalars.get("iterations_per_second", 0.0)
            left = run.scalars.get("seconds_left")
            if run.state == "running" and speed > 0:
                parts.append(self._pace(speed))
            if run.state == "running" and left is not None:
                parts.append(self.tr("{0} left").format(format_duration(left)))
            self._numbers.setText(" · ".join(parts))
        else:
            self._numbers.setText("")
        self._progress.setVisible(bool(run.exists and run.iterations))
        self._run = run
        self._show_state()

    def _pace(self, speed: float) -> str:
        """Iterations a second, or what a slow one takes."""
        if speed < SLOW:
            return (self.tr("{0} s a step") if self._simulates else self.tr("{0} s/it")).format(f"{1.0 / speed:.0f}")
        number = f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
        return (self.tr("{0}/s") if self._simulates else self.tr("{0} it/s")).format(number)

    def _show_state(self) -> None:
        words = self._words(self._run)
        room = STATE_LINES * (WIDTH - 24) - ELLIPSIS
        self._state.setText(self._state.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room))
        self._state.setToolTip(words)

    def _words(self, run: RunRecord) -> str:
        words = {
            "idle": self.tr("Ready"), "preparing": self.tr("Preparing"), "running": self.tr("Descending"),
            "paused": self.tr("Paused"), "finished": self.tr("Finished"), "stopped": self.tr("Stopped"),
            "failed": self.tr("Failed"),
        }  # fmt: skip
        if self._simulates:
            words["running"] = self.tr("Simulating")
        if not run.exists and self._toggle.statusTip():
            return self._toggle.statusTip()  # why there is nothing to run yet
        return f"{words[run.state]}. {run.reason[0].upper()}{run.reason[1:]}" if run.reason else words[run.state]

    def _follow_toggle(self) -> None:
        self.button.setText(self._toggle.text())
        self.button.setEnabled(self._toggle.isEnabled())
        pausing = self._toggle.data() == "pause"
        tokens = current_tokens()
        colour = tokens.accent_text if self.button.isEnabled() else tokens.text_off
        self.button.setIcon(icon("pause" if pausing else "run", colour=colour))
        self.button.setToolTip(self._toggle.toolTip())
        self.button.setAccessibleName(self._toggle.text())
        self.button.setAccessibleDescription(self._toggle.toolTip())
        self.button.setCursor(Qt.CursorShape.PointingHandCursor)
        self._show_state()


def format_duration(seconds: float) -> str:
    """0:21, 12:05, 1:02:03."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds_left:02d}" if hours else f"{minutes}:{seconds_left:02d}"


def format_bytes(count: float) -> str:
    """512 KB, 310 MB, 1.2 GB."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}" if unit == "GB" else f"{count / size:.0f} {unit}"
    return f"{count:.0f} B"
