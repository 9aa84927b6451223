"""What lies over the picture: handles, brush, distances, colour bar, axes. Painted by Qt, so that text and lines are
crisp on every back-end and following the pointer costs no 3D drawing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.viewport import camera as cameras
from app.viewport.colours import diverging_table

if TYPE_CHECKING:
    from app.viewport.view import HandleView, Viewport

AXIS_COLOURS = (("X", "#c2554b"), ("Y", "#4f9a57"), ("Z", "#4a7fc1"))
MARGIN = 14.0


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


def paint_overlay(painter: QPainter, view: Viewport, *, live: bool) -> None:
    """Paint in the widget's pixels. `live` False leaves out what follows the pointer and the keyboard."""
    painter.setFont(_font(view))
    _paint_axes(painter, view)
    _paint_colour_bar(painter, view)
    _paint_notice(painter, view)
    for handle in view.handles:
        _paint_handle(painter, view, handle)
    _paint_measure(painter, view)
    if live:
        _paint_brush(painter, view)
        _paint_pivot(painter, view)
        if view.focus_shown:
            painter.setPen(QPen(QColor(view.theme.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(view.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 3, 3)


def _paint_axes(painter: QPainter, view: Viewport) -> None:
    turn = cameras.axes(view.eye.camera)
    centre = QPointF(MARGIN + 26, view.height() - MARGIN - 26)
    ends = [(float(turn[2, axis]), axis) for axis in range(3)]
    for depth, axis in sorted(ends):
        name, colour = AXIS_COLOURS[axis]
        ink = QColor(colour)
        ink.setAlphaF(0.45 + 0.5 * (depth + 1.0) / 2.0)
        along = QPointF(float(turn[0, axis]), -float(turn[1, axis]))
        tip = centre + along * 21.0
        painter.setPen(QPen(ink, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(centre, tip)
        label = centre + along * 30.0
        painter.drawText(QRectF(label.x() - 8, label.y() - 8, 16, 16), Qt.AlignmentFlag.AlignCenter, name)


def _paint_colour_bar(painter: QPainter, view: Viewport) -> None:
    surface = view.scene.surface
    if surface.colouring != "sensitivity" or not surface.has_sensitivity:
        return
    limits = surface.range.limits
    limit = max(abs(limits[0]), abs(limits[1]))
    width, line = min(290.0, view.width() - 2 * MARGIN - 80), QFontMetricsF(painter.font()).height()
    height = 3 * line + 10 + 22
    box = QRectF(view.width() - MARGIN - width - 20, view.height() - MARGIN - height, width + 20, height)
    _paint_panel(painter, view, box)
    left, top = box.left() + 10, box.top() + 6
    title = "Sensitivity of the loss" + ("  (range locked)" if surface.range.locked is not None else "")
    _text(painter, view.theme.text, QRectF(left, top, width, line), Qt.AlignmentFlag.AlignLeft, title)
    _text(painter, view.theme.faint, QRectF(left, top, width, line), Qt.AlignmentFlag.AlignRight, "1/mm")
    bar = QRectF(left, top + line + 5, width, 10)
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    table = diverging_table(33)
    for at, colour in enumerate(table):
        gradient.setColorAt(at / (len(table) - 1), QColor(*map(int, colour)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, 2, 2)
    numbers = QRectF(left, bar.bottom() + 3, width, line)
    words = numbers.translated(0, line)
    ends = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    for place, number in zip(ends, (f"−{limit:.2g}", "0", f"+{limit:.2g}"), strict=True):
        _text(painter, view.theme.text, numbers, place, number)
    _text(painter, view.theme.faint, words, ends[0], "pull out lowers it")
    _text(painter, view.theme.faint, words, ends[2], "push in lowers it")


def _paint_notice(painter: QPainter, view: Viewport) -> None:
    thinned = view.scene.thinned()
    if thinned is None:
        return
    text = f"Drawn with {thinned[0]:,} of {thinned[1]:,} vertices"
    box = QRectF(MARGIN + 66, view.height() - MARGIN - 18, 320, 18)
    _text(painter, view.theme.faint, box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def _paint_handle(painter: QPainter, view: Viewport, handle: HandleView) -> None:
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
        _paint_label(painter, view, tip + QPointF(14, -14), f"{_length(moved)} mm")
    elif handle.selected and pull > 0:
        _paint_label(painter, view, tip + QPointF(14, -14), f"{_length(pull)} mm")
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


def _paint_brush(painter: QPainter, view: Viewport) -> None:
    state = view.state
    if state.tool != "brush" or view.pointer is None or state.brush_at is None or state.brush_normal is None:
        return
    normal = state.brush_normal
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first /= np.linalg.norm(first)
    turns = np.linspace(0.0, 2.0 * np.pi, 49)[:-1, None]
    ring = state.brush_at + view.brush_radius * (np.cos(turns) * first + np.sin(turns) * np.cross(normal, first))
    places = view.eye.project(ring)
    if (places[:, 2] <= 0).any():
        return
    shape = QPolygonF([QPointF(float(x), float(y)) for x, y, _ in places])
    ink = QColor(view.theme.faint if state.thaw else view.theme.accent)
    fill = QColor(ink)
    fill.setAlphaF(0.12)
    halo = QColor(view.theme.panel)
    halo.setAlphaF(0.6)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(halo, 3.0))
    painter.drawPolygon(shape)
    painter.setPen(QPen(ink, 1.5, Qt.PenStyle.DashLine if state.thaw else Qt.PenStyle.SolidLine))
    painter.setBrush(fill)
    painter.drawPolygon(shape)
    corner = QPointF(view.pointer.x + 16, view.pointer.y + 26)
    _paint_label(painter, view, corner, f"{'thaw' if state.thaw else 'freeze'} {_length(view.brush_radius)} mm")


def _paint_measure(painter: QPainter, view: Viewport) -> None:
    points = list(view.state.measure)
    if len(points) == 1 and view.state.measure_to is not None:
        points.append(view.state.measure_to)
    if not points:
        return
    places = view.eye.project(np.stack(points))
    if (places[:, 2] <= 0).any():
        return
    spots = [QPointF(float(x), float(y)) for x, y, _ in places]
    painter.setBrush(QColor(view.theme.text))
    if len(spots) == 2:
        painter.setPen(QPen(QColor(view.theme.panel), 4.0))
        painter.drawLine(*spots)
        painter.setPen(QPen(QColor(view.theme.text), 1.5))
        painter.drawLine(*spots)
        middle = (spots[0] + spots[1]) / 2 + QPointF(10, -10)
        _paint_label(painter, view, middle, f"{_length(float(np.linalg.norm(points[1] - points[0])))} mm")
    painter.setPen(QPen(QColor(view.theme.panel), 1.2))
    for spot in spots:
        painter.drawEllipse(spot, 4, 4)


def _paint_pivot(painter: QPainter, view: Viewport) -> None:
    if view.state.pivot is None or time.monotonic() > view.state.pivot_until:
        return
    x, y, depth = view.eye.project(view.state.pivot)[0]
    if depth > 0:
        painter.setPen(QPen(QColor(view.theme.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 8, 8)
        painter.drawLine(QPointF(x - 13, y), QPointF(x + 13, y))
        painter.drawLine(QPointF(x, y - 13), QPointF(x, y + 13))


def _paint_label(painter: QPainter, view: Viewport, corner: QPointF, text: str) -> None:
    metrics = QFontMetricsF(painter.font())
    box = QRectF(corner.x(), corner.y() - metrics.height(), metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
    _paint_panel(painter, view, box)
    _text(painter, view.theme.text, box, Qt.AlignmentFlag.AlignCenter, text)


def _paint_panel(painter: QPainter, view: Viewport, box: QRectF) -> None:
    paper = QColor(view.theme.panel)
    paper.setAlphaF(0.82)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(paper)
    painter.drawRoundedRect(box, 4, 4)


def _text(painter: QPainter, colour: str, box: QRectF, place: Qt.AlignmentFlag, text: str) -> None:
    painter.setPen(QColor(colour))
    painter.drawText(box, place, text)


def _font(view: Viewport) -> QFont:
    font = QFont(view.font())
    font.setPixelSize(12)
    return font


def _length(value: float) -> str:
    return f"{value:.4g}" if value < 1000 else f"{value:,.1f}"
