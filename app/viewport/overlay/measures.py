"""Dimensions: those that stay, and the one under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.document.project import Measurement
from app.viewport.overlay.ink import length, paint_label, paint_line, spots
from app.viewport.tools.measure import measure

if TYPE_CHECKING:
    from app.viewport.view import Viewport

ARC = 0.35
"""Radius of an angle's arc, as a share of its shorter leg."""


def paint_measurements(painter: QPainter, view: Viewport) -> None:
    """Those that stay until they are removed."""
    for taken in view.measurements:
        _paint(painter, view, np.asarray(taken.points, np.float64), words(taken))


def paint_measuring(painter: QPainter, view: Viewport) -> None:
    """The one under way, with the pointer as its next point."""
    state = view.state
    points = list(state.measure)
    if points and state.measure_to is not None:
        points.append(state.measure_to)
    if not points:
        return
    text = ""
    if len(points) == 2 and state.measure_kind == "distance":
        text = f"{length(measure(points))} mm"
    elif len(points) == 3:
        text = f"{measure(points):.1f}°"
    _paint(painter, view, np.stack(points), text)


def words(taken: Measurement) -> str:
    """The value as a person reads it."""
    if taken.kind == "angle":
        return f"{taken.value:.1f}°"
    return f"{length(taken.value)} mm" if taken.kind == "distance" else f"⊥ {length(taken.value)} mm"


def _paint(painter: QPainter, view: Viewport, points: np.ndarray, text: str) -> None:
    places = spots(view, points)
    if places is None:
        return
    if len(places) > 1:
        paint_line(painter, view, QPolygonF(places), view.theme.text)
    corner = sum(places[:2], QPointF()) / 2.0 if len(places) > 1 else places[0]
    if len(places) == 3:
        arc = _arc(points)
        drawn = spots(view, arc)
        if drawn is not None:
            paint_line(painter, view, QPolygonF(drawn), view.theme.accent)
            corner = drawn[len(drawn) // 2]
    painter.setPen(QPen(QColor(view.theme.panel), 1.2))
    painter.setBrush(QColor(view.theme.text))
    for place in places:
        painter.drawEllipse(place, 4, 4)
    if text:
        paint_label(painter, view, corner + QPointF(10, -10), text)


def _arc(points: np.ndarray) -> np.ndarray:
    """Between the legs of an angle, shape (17, 3); legs in one line have none: a point."""
    one, other = points[0] - points[1], points[2] - points[1]
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    across = other - one * (np.dot(one, other) / max(lengths[0] ** 2, 1e-300))
    if min(lengths) == 0.0 or np.linalg.norm(across) < 1e-9 * lengths[1]:
        return np.repeat(points[1:2], 2, axis=0)
    first, second = one / lengths[0], across / np.linalg.norm(across)
    turns = np.linspace(0.0, np.radians(measure(list(points))), 17)[:, None]
    return points[1] + ARC * min(lengths) * (np.cos(turns) * first + np.sin(turns) * second)
