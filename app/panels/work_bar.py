"""A bar that says how far work is, or that nobody knows."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from app.panels.theme import current_tokens

STEP_MILLISECONDS = 120
"""Between two places of the piece that moves. The style's own animation repaints so often that, where the processor
draws the window, it takes a third of a core from the work that it tells of."""

STEPS = 16
"""From one end to the other."""

SHARE = 0.3
"""Of the bar that the piece covers."""


class WorkBar(QProgressBar):
    """A bar whose piece moves to and fro while nobody knows how far the work is."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        """title : what a screen reader says of it"""
        super().__init__(parent)
        self.setTextVisible(False)
        self.setAccessibleName(title)
        self._place = 0
        self._timer = QTimer(self)
        self._timer.setInterval(STEP_MILLISECONDS)
        self._timer.timeout.connect(self._move)

    def show_fraction(self, fraction: float | None) -> None:
        """fraction : in [0, 1]; None while unknown"""
        self.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.setValue(round(1000 * fraction))
        self._go()

    @property
    def moving(self) -> bool:
        """Its piece moves now."""
        return self._timer.isActive()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.maximum() > 0:
            super().paintEvent(event)
            return
        tokens, whole = current_tokens(), QRectF(self.rect())
        piece = QRectF(whole)
        piece.setWidth(SHARE * whole.width())
        piece.moveLeft((whole.width() - piece.width()) * (1.0 - abs(1.0 - self._place / STEPS)))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for box, colour in ((whole, tokens.line), (piece, tokens.accent)):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(box, 2.0, 2.0)
        painter.end()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._go()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def _go(self) -> None:
        wanted = self.maximum() == 0 and self.isVisible()
        if wanted != self._timer.isActive():
            (self._timer.start if wanted else self._timer.stop)()

    def _move(self) -> None:
        self._place = (self._place + 1) % (2 * STEPS)
        self.update()
