"""What all that is painted over the picture shares: labels, their panel, numbers, and a view to paint for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from app.document.digits import shown

if TYPE_CHECKING:
    from app.viewport.view import Viewport

MARGIN = 14.0
AXIS_COLOURS = (("X", "#c2554b"), ("Y", "#4f9a57"), ("Z", "#4a7fc1"))


def spots(view: Viewport, points: np.ndarray) -> list[QPointF] | None:
    """Where positions (n, 3) [mm, world] are on the screen; None where one lies behind the camera."""
    places = view.eye.project(points)
    if (places[:, 2] <= 0).any():
        return None
    return [QPointF(float(x), float(y)) for x, y, _ in places]


def polygon(places: np.ndarray) -> QPolygonF:
    """Places (k, 2) [pixels] as Qt has them."""
    return QPolygonF([QPointF(float(x), float(y)) for x, y in places])


def shade(colour: str, alpha: float) -> QColor:
    ink = QColor(colour)
    ink.setAlphaF(alpha)
    return ink


def paint_line(painter: QPainter, view: Viewport, line: QPolygonF, colour: str, width: float = 1.5) -> None:
    """A line that stands off from whatever lies below."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(shade(view.theme.panel, 0.75), width + 2.0))
    painter.drawPolyline(line)
    painter.setPen(QPen(QColor(colour), width))
    painter.drawPolyline(line)


def paint_label(painter: QPainter, view: Viewport, corner: QPointF, text: str) -> None:
    """Words on a panel whose lower left corner is `corner`; one in the view is moved so that all of it is seen."""
    box = label_box(corner, text, QFontMetricsF(painter.font()), QRectF(view.rect()))
    paint_panel(painter, view, box)
    paint_text(painter, view.theme.text, box, Qt.AlignmentFlag.AlignCenter, text)


def label_box(corner: QPointF, text: str, metrics: QFontMetricsF, within: QRectF) -> QRectF:
    """The panel of a label. What belongs to a place beyond the view stays there."""
    box = QRectF(corner.x(), corner.y() - metrics.height(), metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    if within.intersects(box):
        box.moveRight(min(box.right(), within.right()))
        box.moveBottom(min(box.bottom(), within.bottom()))
        box.moveLeft(max(box.left(), within.left()))
        box.moveTop(max(box.top(), within.top()))
    return box


def paint_panel(painter: QPainter, view: Viewport, box: QRectF) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(shade(view.theme.panel, 0.82))
    painter.drawRoundedRect(box, 4, 4)


def paint_text(painter: QPainter, colour: str, box: QRectF, place: Qt.AlignmentFlag, text: str) -> None:
    painter.setPen(QColor(colour))
    painter.drawText(box, place, text)


def font(view: Viewport) -> QFont:
    own = QFont(view.font())
    own.setPixelSize(12)
    return own


def length(value: float) -> str:
    return shown(value)
