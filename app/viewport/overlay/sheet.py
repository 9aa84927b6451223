"""What lies over the picture: handles, brush, distances, colour bar, axes. Painted by Qt, so that text and lines are
crisp on every back-end and following the pointer costs no 3D drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.viewport.overlay.following import paint_brush, paint_hint, paint_pivot, paint_probe, paint_selecting
from app.viewport.overlay.grips import paint_clip, paint_divider, paint_gizmo
from app.viewport.overlay.handles import paint_handle
from app.viewport.overlay.ink import font
from app.viewport.overlay.legend import paint_axes, paint_colour_bar, paint_notice, paint_out_of_sight
from app.viewport.overlay.measures import paint_measurements, paint_measuring
from app.viewport.overlay.placed import paint_placed
from app.viewport.overlay.probes import paint_descent, paint_probes
from app.viewport.overlay.pulling import paint_pull
from app.viewport.overlay.staging import paint_marks, paint_marks_legend, paint_polyline

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class Overlay(QWidget):
    """A clear sheet over the canvas; the mouse goes through it."""

    def __init__(self, view: Viewport) -> None:
        super().__init__(view)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._view.begun:
            paint_overlay(painter, self._view, live=True)
        painter.end()


def paint_overlay(painter: QPainter, view: Viewport, *, live: bool, legend: bool = True, handles: bool = True) -> None:
    """Paint in the widget's pixels. `live` False leaves out what follows the pointer and what can be taken hold of.

    legend : axes, colour bar and notices; handles : handles and measurements
    """
    painter.setFont(font(view))
    if legend:
        paint_axes(painter, view)
        paint_colour_bar(painter, view)
        paint_notice(painter, view)
        paint_marks_legend(painter, view)
    paint_divider(painter, view)
    if handles:
        paint_descent(painter, view)
        for placed in view.placed:
            paint_placed(painter, view, placed)
        for handle in view.handles:
            paint_handle(painter, view, handle)
        paint_measurements(painter, view)
        paint_marks(painter, view)
        paint_probes(painter, view)
    if not live:
        return
    paint_out_of_sight(painter, view)
    paint_clip(painter, view)
    paint_gizmo(painter, view)
    paint_measuring(painter, view)
    paint_selecting(painter, view)
    paint_pull(painter, view)
    paint_polyline(painter, view)
    paint_brush(painter, view)
    paint_hint(painter, view)
    paint_probe(painter, view)
    paint_pivot(painter, view)
    if view.focus_shown:
        painter.setPen(QPen(QColor(view.theme.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(view.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 3, 3)
