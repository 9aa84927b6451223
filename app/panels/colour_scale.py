"""Which colour a value has, and the bar that says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.document.digits import shown
from app.panels.theme import current_tokens
from app.viewport.colours import diverging_table, map_diverging, map_sequential, sequential_table

SIGNED = 0.05
"""A field is signed where both signs reach so far, in parts of its largest magnitude."""
BAR_WIDTH = 12


@dataclass(frozen=True)
class ColourScale:
    """From values to colours: `low` to `high`, or diverging around zero where the field has both signs.

    clipped_low, clipped_high : there are values beyond the end
    """

    low: float
    high: float
    clipped_low: bool = False
    clipped_high: bool = False

    @staticmethod
    def over(low: float, high: float, *, lowest: float | None = None, highest: float | None = None) -> ColourScale:
        """A scale from `low` to `high` for values from `lowest` to `highest`."""
        end = max(abs(low), abs(high))
        if min(-low, high) > SIGNED * end:
            low, high = -end, end
        lowest, highest = low if lowest is None else lowest, high if highest is None else highest
        slack = 1e-6 * max(end, 1e-300)
        return ColourScale(low, high, lowest < low - slack, highest > high + slack)

    @property
    def diverging(self) -> bool:
        return self.low == -self.high < 0.0

    def colours(self, values: np.ndarray) -> np.ndarray:
        """Of values of any shape: that shape and three channels, uint8."""
        flat = np.asarray(values, np.float64).ravel()
        if self.diverging:
            found = map_diverging(flat, (self.low, self.high), diverging_table())
        else:
            found = map_sequential(flat, (self.low, self.high), sequential_table())
        return found.reshape(*np.shape(values), 3)

    def ticks(self) -> list[tuple[float, str]]:
        """Places on the bar in [0, 1] with what stands there."""
        words = []
        for at in (0.0, 0.5, 1.0):
            text = shown(self.low + at * (self.high - self.low))
            before = "≤ " if at == 0.0 and self.clipped_low else "≥ " if at == 1.0 and self.clipped_high else ""
            words.append((at, before + text))
        return words


class ColourBar(QWidget):
    """Upright, with the numbers beside it and the unit above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = ColourScale(0.0, 1.0)
        self._unit = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Colour bar"))

    def show_scale(self, scale: ColourScale, unit: str) -> None:
        self._scale, self._unit = scale, unit
        words = ", ".join(text for _, text in scale.ticks())
        self.setAccessibleDescription(f"{words} {unit}".strip())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        texts = [text for _, text in self._scale.ticks()] + [self._unit]
        return QSize(BAR_WIDTH + 14 + max(metrics.horizontalAdvance(text) for text in texts), 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = self.fontMetrics().height()
        painter.setPen(QColor(tokens.text_soft))
        painter.drawText(QRectF(0, 0, self.width(), line), Qt.AlignmentFlag.AlignLeft, self._unit)
        bar = QRectF(1, line + 8, BAR_WIDTH, max(self.height() - line - 16, 10))
        gradient = QLinearGradient(bar.bottomLeft(), bar.topLeft())
        steps = np.linspace(0.0, 1.0, 33)
        values = self._scale.low + steps * (self._scale.high - self._scale.low)
        for at, colour in zip(steps, self._scale.colours(values), strict=True):
            gradient.setColorAt(float(at), QColor(*map(int, colour)))
        painter.setBrush(gradient)
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(QColor(tokens.text))
        for at, text in self._scale.ticks():
            middle = bar.bottom() - at * bar.height()
            top = min(max(middle - line / 2, bar.top() - 2), bar.bottom() - line + 2)
            painter.drawText(QRectF(bar.right() + 6, top, self.width(), line), Qt.AlignmentFlag.AlignVCenter, text)
