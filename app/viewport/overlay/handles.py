"""Handles: an anchor, where it is pulled to, and where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.viewport.overlay.ink import length, paint_label
from app.viewport.records import HandleView

if TYPE_CHECKING:
    from app.viewport.view import Viewport


def paint_handle(painter: QPainter, view: Viewport, handle: HandleView) -> None:
    state = view.state
    held = state.held == handle.name
    target = state.held_at if held and state.held_at is not None else np.asarray(handle.target)
    places = view.eye.project(np.stack([np.asarray(handle.anchor), target]))
    if (places[:, 2] <= 0).any():
        return
    anchor, tip = QPointF(*places[0, :2]), QPointF(*places[1, :2])
    accent, paper = QColor(view.theme.accent), QColor(view.theme.panel)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pull = float(np.linalg.norm(target - np.asarray(handle.anchor)))
    if (tip - anchor).manhattanLength() > 2:
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(anchor, tip)
        painter.setBrush(accent)
        painter.drawEllipse(anchor, 2.5, 2.5)
    if held and state.ghost is not None:
        ghost = QPointF(*view.eye.project(state.ghost)[0, :2])
        pen = QPen(accent, 1.2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ghost, 7, 7)
        painter.drawLine(ghost, tip)
        moved = float(np.linalg.norm(target - state.ghost))
        paint_label(painter, view, tip + QPointF(14, -14), f"{length(moved)} mm")
    elif handle.selected and pull > 0:
        paint_label(painter, view, tip + QPointF(14, -14), f"{length(pull)} mm")
    strong = held or handle.selected or state.hovered == handle.name
    if strong:
        pixels = handle.radius / max(view.eye.pixel_size(target), 1e-12)
        ring = QColor(accent)
        ring.setAlphaF(0.35)
        painter.setPen(QPen(ring, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(anchor, pixels, pixels)
    painter.setPen(QPen(paper, 1.8))
    painter.setBrush(accent)
    size = 7.5 if strong else 6.0
    painter.drawEllipse(tip, size, size)
