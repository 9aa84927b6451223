"""A small curve of a Term's last values, on a logarithmic scale where all are positive."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.panels.theme import current_tokens

LENGTH = 120


class Sparkline(QWidget):
    """Draws up to 120 points; the last one carries a dot."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Curve of {0}").format(name))
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(24)
        self._values: list[float] = []
        self.colour = ""

    def sizeHint(self) -> QSize:
        return QSize(52, 18)

    def set_values(self, values: list[float]) -> None:
        """Show these; where one is not a number there is a gap, and none at either end."""
        known = [index for index, value in enumerate(values) if math.isfinite(value)]
        shown = values[known[0] : known[-1] + 1] if known else []
        thin = max(1, math.ceil(len(shown) / LENGTH))
        self._values = shown[::-1][::thin][::-1]
        self.update()

    def pieces(self) -> list[list[QPointF]]:
        """The curve as lines in the widget's pixels, one on each side of every gap."""
        finite = [value for value in self._values if math.isfinite(value)]
        if len(finite) < 2:
            return []
        logarithmic = min(finite) > 0
        scaled = [math.log10(value) if logarithmic and math.isfinite(value) else value for value in self._values]
        low, high = min(filter(math.isfinite, scaled)), max(filter(math.isfinite, scaled))
        span = (high - low) or 1.0
        width, height = self.width() - 6, self.height() - 6
        pieces: list[list[QPointF]] = [[]]
        for index, value in enumerate(scaled):
            if math.isfinite(value):
                x = 3 + width * index / (len(scaled) - 1)
                pieces[-1].append(QPointF(x, 3 + height * (1 - (value - low) / span)))
            elif pieces[-1]:
                pieces.append([])
        return pieces

    def paintEvent(self, event: QPaintEvent) -> None:
        pieces = self.pieces()
        if not pieces:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self.colour or current_tokens().text_soft)
        painter.setPen(QPen(colour, 1.3))
        for piece in pieces:
            painter.drawPolyline(QPolygonF(piece))
        painter.setBrush(colour)
        painter.drawEllipse(pieces[-1][-1], 1.6, 1.6)
