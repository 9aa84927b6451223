"""What follows the pointer: brush, box and lasso, hints, and the place that the view turns about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.document.digits import with_band
from app.viewport.overlay.ink import length, paint_label, paint_line, polygon, shade, spots
from app.viewport.records import BRUSHES, Tool

if TYPE_CHECKING:
    from app.viewport.view import Viewport

PROBING: frozenset[Tool] = frozenset({"navigate", "probe"})
"""Tools with which the value under the pointer is told."""


def paint_brush(painter: QPainter, view: Viewport) -> None:
    state = view.state
    selects = state.tool == "select" and state.select_mode == "brush"
    if not (state.tool in BRUSHES or selects) or view.pointer is None:
        return
    if state.brush_at is None or state.brush_normal is None:
        return
    ring = spots(view, _ring(state.brush_at, state.brush_normal, view.brush_radius))
    if ring is None:
        return
    shape = QPolygonF(ring)
    ink = QColor(view.theme.faint if state.removes else view.theme.accent)
    fill = QColor(ink)
    fill.setAlphaF(0.12)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(shade(view.theme.panel, 0.6), 3.0))
    painter.drawPolygon(shape)
    painter.setPen(QPen(ink, 1.5, Qt.PenStyle.DashLine if state.removes else Qt.PenStyle.SolidLine))
    painter.setBrush(fill)
    painter.drawPolygon(shape)
    if selects and state.select_profile != "constant":  # where it has faded to a half
        inner = spots(view, _ring(state.brush_at, state.brush_normal, 0.5 * view.brush_radius))
        if inner is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(ink, 1.0, Qt.PenStyle.DotLine))
            painter.drawPolygon(QPolygonF(inner))
    if selects:
        word = view.tr("deselect") if state.removes else view.tr("select")
    elif state.tool == "pin":
        word = view.tr("let go") if state.removes else view.tr("hold")
    elif state.tool in ("open-here", "closed-here"):
        wanted = view.tr("open") if state.tool == "open-here" else view.tr("closed")
        word = view.tr("take away") if state.removes else wanted
    else:
        word = view.tr("thaw") if state.removes else view.tr("freeze")
    corner = QPointF(view.pointer.x + 16, view.pointer.y + 26)
    paint_label(painter, view, corner, f"{word} {length(view.brush_radius)} mm")


def paint_selecting(painter: QPainter, view: Viewport) -> None:
    """The box or lasso under way, and how far a drag widens along the surface."""
    state = view.state
    if state.outline is not None and len(state.outline) > 1:
        shape = polygon(state.outline)
        painter.setBrush(shade(view.theme.accent, 0.10))
        painter.setPen(QPen(shade(view.theme.panel, 0.7), 3.0))
        painter.drawPolygon(shape)
        painter.setPen(QPen(QColor(view.theme.accent), 1.4, Qt.PenStyle.DashLine))
        painter.drawPolygon(shape)
    if state.circle is not None and view.pointer is not None:
        centre, _, radius = state.circle
        at = spots(view, centre[None])
        if at is None:
            return
        tip = QPointF(view.pointer.x, view.pointer.y)
        paint_line(painter, view, QPolygonF([at[0], tip]), view.theme.accent)
        painter.setPen(QPen(QColor(view.theme.panel), 1.2))
        painter.setBrush(QColor(view.theme.accent))
        painter.drawEllipse(at[0], 4, 4)
        paint_label(painter, view, tip + QPointF(14, -10), f"{length(radius)} mm")


def paint_hint(painter: QPainter, view: Viewport) -> None:
    """Why a click did nothing, beside the pointer."""
    if view.state.hint and view.pointer is not None:
        paint_label(painter, view, QPointF(view.pointer.x + 16, view.pointer.y + 26), view.state.hint)


def paint_probe(painter: QPainter, view: Viewport) -> None:
    """The value of what colours the surface, where the pointer rests on it."""
    value, surface = view.state.probed, view.scene.seen_surface
    if value is None or view.pointer is None or view.state.tool not in PROBING or not surface.coloured:
        return
    band = view.state.probed_band
    text = with_band(value, band, surface.shade.unit).replace("-", "−") if np.isfinite(value) else view.tr("not known")
    paint_label(painter, view, QPointF(view.pointer.x + 16, view.pointer.y + 26), text)


def _ring(centre: np.ndarray, normal: np.ndarray, radius: float) -> np.ndarray:
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first = first / np.linalg.norm(first)
    turns = np.linspace(0.0, 2.0 * np.pi, 49)[:-1, None]
    return centre + radius * (np.cos(turns) * first + np.sin(turns) * np.cross(normal, first))


def paint_pivot(painter: QPainter, view: Viewport) -> None:
    if view.state.pivot is None or time.monotonic() > view.state.pivot_until:
        return
    x, y, depth = view.eye.project(view.state.pivot)[0]
    if depth > 0:
        painter.setPen(QPen(QColor(view.theme.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 8, 8)
        painter.drawLine(QPointF(x - 13, y), QPointF(x + 13, y))
        painter.drawLine(QPointF(x, y - 13), QPointF(x, y + 13))
