"""Pins and creases of a scene, the outline of a sheet under way, and the ground that it is drawn on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from app.viewport.overlay.ink import MARGIN, length, paint_label, paint_line, paint_panel, paint_text, shade, spots

if TYPE_CHECKING:
    from app.viewport.view import Viewport

DOTS = 1500
"""Of a pin that are drawn at most."""

GROUND_LINES = 10
"""On each side of the middle."""


def paint_marks(painter: QPainter, view: Viewport) -> None:
    """Pins as dots, creases as lines; what is chosen is larger."""
    for mark in view.marks:
        places = spots(view, mark.points[:: -(-len(mark.points) // DOTS)] if len(mark.points) else mark.points)
        if not places:
            continue
        if mark.kind != "pin":
            paint_line(painter, view, QPolygonF(places), mark.colour, 4.0 if mark.chosen else 2.4)
            if mark.label and mark.chosen:
                paint_label(painter, view, places[len(places) // 2] + QPointF(12, -10), mark.label)
            continue
        size = 4.2 if mark.chosen else 3.0
        painter.setPen(QPen(QColor(view.theme.panel), 1.0))
        painter.setBrush(QColor(mark.colour))
        for place in places:
            painter.drawEllipse(place, size, size)


def paint_marks_legend(painter: QPainter, view: Viewport) -> None:
    """What the colours of pins and creases mean."""
    rows = list(dict.fromkeys((mark.kind, mark.colour, mark.meaning) for mark in view.marks))
    if not rows:
        return
    metrics = QFontMetricsF(painter.font())
    line = metrics.height() + 4
    width = max(metrics.horizontalAdvance(meaning) for _, _, meaning in rows) + 40
    box = QRectF(view.width() - MARGIN - width, MARGIN, width, len(rows) * line + 10)
    paint_panel(painter, view, box)
    for row, (kind, colour, meaning) in enumerate(rows):
        middle = box.top() + 5 + (row + 0.5) * line
        if kind != "pin":
            painter.setPen(QPen(QColor(colour), 2.6))
            painter.drawLine(QPointF(box.left() + 8, middle), QPointF(box.left() + 24, middle))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawEllipse(QPointF(box.left() + 16, middle), 4, 4)
        place = QRectF(box.left() + 32, middle - line / 2, width - 36, line)
        paint_text(painter, view.theme.text, place, Qt.AlignmentFlag.AlignVCenter, meaning)


def paint_polyline(painter: QPainter, view: Viewport) -> None:
    """A crease or an outline under way, with the length of its last side."""
    state = view.state
    if state.tool == "outline":
        _paint_ground(painter, view)
        corners = [*state.corners]
        if corners and state.polyline_to is not None:
            corners.append(corners[0] if state.polyline_closes else state.polyline_to)
        _paint_line(painter, view, np.array(corners).reshape(-1, 3), closes=state.polyline_closes)
    elif state.polyline is not None:
        _paint_line(painter, view, state.polyline, closes=False)


def _paint_line(painter: QPainter, view: Viewport, points: np.ndarray, *, closes: bool) -> None:
    places = spots(view, points) if len(points) else None
    if not places:
        return
    paint_line(painter, view, QPolygonF(places), view.theme.accent, 2.2)
    painter.setPen(QPen(QColor(view.theme.panel), 1.2))
    painter.setBrush(QColor(view.theme.accent))
    for place in places if view.state.tool == "outline" else (places[0], places[-1]):
        painter.drawEllipse(place, 4, 4)
    if len(points) > 1:
        whole = view.state.tool != "outline"
        parts = np.linalg.norm(np.diff(points, axis=0), axis=1)
        far = float(parts.sum() if whole else parts[-1])
        text = view.tr("close") if closes else f"{length(far)} mm"
        paint_label(painter, view, places[-1] + QPointF(14, -12), text)


def _paint_ground(painter: QPainter, view: Viewport) -> None:
    """A grid in the plane z = 0 about the middle of what is seen, of a round size."""
    step = float(10.0 ** np.ceil(np.log10(40.0 * view.eye.pixel_size(np.zeros(3)))))
    reach = GROUND_LINES * step
    for number in range(-GROUND_LINES, GROUND_LINES + 1):
        at = number * step
        for ends in (((at, -reach, 0.0), (at, reach, 0.0)), ((-reach, at, 0.0), (reach, at, 0.0))):
            places = spots(view, np.array(ends))
            if places is not None:
                painter.setPen(QPen(shade(view.theme.faint, 0.7 if number == 0 else 0.3), 1.0))
                painter.drawLine(places[0], places[1])
    words = view.tr("Squares of {0} mm on the ground").format(length(step))
    if len(view.state.corners) < 3:
        next_step = view.tr("click the corners of a sheet")
    else:
        next_step = view.tr("Return, or the first corner again, closes it")
    paint_label(painter, view, QPointF(MARGIN, MARGIN + 24), f"{words}: {next_step}")
