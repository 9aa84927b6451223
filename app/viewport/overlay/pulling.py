"""The pull under way: from the vertex, wherever it has come, to where the pointer wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewport.overlay.ink import length, paint_label, paint_line, spots
from engine.protocol.edits import Pull

if TYPE_CHECKING:
    from app.viewport.view import Viewport


def paint_pull(painter: QPainter, view: Viewport) -> None:
    if view.state.pull is None:
        return
    held, target = view.state.pull
    position = view.scene.surface.position_of(held)
    ends = spots(view, np.stack([position, target]))
    if ends is None:
        return
    paint_line(painter, view, QPolygonF(ends), view.theme.accent, 2.0)
    painter.setPen(QPen(QColor(view.theme.panel), 1.5))
    painter.setBrush(QColor(view.theme.accent))
    painter.drawEllipse(ends[0], 4.0, 4.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(view.theme.accent), 1.8))
    painter.drawEllipse(ends[1], 7.0, 7.0)
    paint_label(painter, view, ends[1] + QPointF(14, -14), pull_label(view))


def pull_label(view: Viewport) -> str:
    """How far the pull still has to go, and with what force: known once the Run has felt it."""
    if view.state.pull is None:
        return ""
    held, target = view.state.pull
    distance = float(np.linalg.norm(target - view.scene.surface.position_of(held)))
    snapshot = view.scene.surface.snapshot
    known = {} if snapshot is None else snapshot.info.get("pull_stiffness", {})
    stiffness = float(known.get(Pull.model_fields["name"].default, 0.0))
    force = f"  {1e-3 * distance * stiffness:.2g} N" if stiffness > 0.0 else ""
    return f"{length(distance)} mm{force}"
