"""What can be dragged over the picture besides handles: the gizmo, the clip, and the divider of two surfaces."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewport.colours import SECOND
from app.viewport.gizmo import Part, gizmo_centre, gizmo_parts
from app.viewport.overlay.ink import AXIS_COLOURS, paint_label, paint_line, polygon, shade, spots
from app.viewport.tools.clip import clip_grips

if TYPE_CHECKING:
    from app.viewport.view import Viewport

BOX_EDGES = [
    (a, b) for a, b in product(range(8), repeat=2) if a < b and (a ^ b) in (1, 2, 4)
]  # corners by their bits: an edge changes one of them


def paint_gizmo(painter: QPainter, view: Viewport) -> None:
    if view.state.tool != "move":
        return
    held = view.state.dragged
    for part in reversed(gizmo_parts(view)):
        if held is None or held[0] == part.name:
            _paint_part(painter, view, part, strong=part.name in (view.state.grip, held[0] if held else ""))
    centre = gizmo_centre(view)
    if held is None or centre is None:
        return
    places = spots(view, np.stack([held[2], centre]))
    if places is None:
        return
    ghost, now = places
    painter.setPen(QPen(QColor(view.theme.accent), 1.2, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(ghost, 6, 6)
    painter.drawLine(ghost, now)
    paint_label(painter, view, now + QPointF(18, -18), held[1])


def paint_clip(painter: QPainter, view: Viewport) -> None:
    """The plane where it meets the box of everything, or the box; and what moves them."""
    clip = view.clip
    if clip is None or not clip.enabled:
        return
    edge = shade(view.theme.accent, 0.55)
    if clip.kind == "plane":
        around = section(view, np.asarray(clip.origin), np.asarray(clip.normal))
        places = None if around is None else spots(view, around)
        if places is not None:
            painter.setPen(QPen(edge, 1.2))
            painter.setBrush(shade(view.theme.accent, 0.05))
            painter.drawPolygon(QPolygonF(places))
    else:
        places = spots(view, _corners(np.asarray(clip.bounds, np.float64)))
        if places is not None:
            painter.setPen(QPen(edge, 1.2))
            for a, b in BOX_EDGES:
                painter.drawLine(places[a], places[b])
    for grip in clip_grips(view):
        ends = spots(view, np.stack([grip.foot, grip.place]))
        if ends is None:
            continue
        if grip.name == "plane":
            paint_line(painter, view, QPolygonF(ends), view.theme.accent, 2.0)
        strong = view.state.grip == grip.name
        painter.setPen(QPen(QColor(view.theme.panel), 1.8))
        painter.setBrush(QColor(view.theme.accent))
        painter.drawEllipse(ends[1], 7.5 if strong else 5.5, 7.5 if strong else 5.5)


def paint_divider(painter: QPainter, view: Viewport) -> None:
    """Between the two surfaces of a comparison, with their letters; in an overlay the letters alone."""
    comparison = view.scene.comparison
    if comparison is None:
        return
    x = comparison.swipe * view.width()
    if comparison.mode == "swipe":
        middle = view.height() / 2.0
        paint_line(painter, view, QPolygonF([QPointF(x, 0), QPointF(x, view.height())]), view.theme.text)
        painter.setPen(QPen(QColor(view.theme.panel), 1.5))
        painter.setBrush(QColor(view.theme.text))
        painter.drawRoundedRect(QRectF(x - 5, middle - 16, 10, 32), 5, 5)
        paint_label(painter, view, QPointF(x - 34, 34), "A")
        paint_label(painter, view, QPointF(x + 14, 34), "B")
    elif comparison.mode == "overlay":
        for row, (letter, colour) in enumerate((("A", view.theme.surface), ("B", SECOND))):
            top = 14.0 + 24 * row
            paint_label(painter, view, QPointF(36, top + 16), letter)
            painter.setPen(QPen(QColor(view.theme.faint), 1.0))
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(14, top, 16, 16), 3, 3)


def _paint_part(painter: QPainter, view: Viewport, part: Part, *, strong: bool) -> None:
    colour = view.theme.faint if part.axis < 0 else AXIS_COLOURS[part.axis][1]
    colour = view.theme.accent if strong else colour
    shape = polygon(part.places)
    if part.kind == "square":
        painter.setPen(QPen(QColor(colour), 1.4))
        painter.setBrush(shade(colour, 0.55 if strong else 0.30))
        painter.drawPolygon(shape)
        return
    paint_line(painter, view, shape, colour, 3.0 if strong else 2.0)
    if part.kind == "arrow":
        paint_tip(painter, part.places, colour)
    elif part.kind == "scale":
        painter.setPen(QPen(QColor(view.theme.panel), 1.2))
        painter.setBrush(QColor(colour))
        for place in part.places[9:72:18]:
            painter.drawRect(QRectF(place[0] - 4, place[1] - 4, 8, 8))


def paint_tip(painter: QPainter, line: np.ndarray, colour: str) -> None:
    """The head of an arrow at the end of a line (k, 2) [pixels]."""
    way = line[-1] - line[0]
    size = float(np.linalg.norm(way))
    if size < 8.0:
        return
    ahead = way / size
    aside = np.array([-ahead[1], ahead[0]])
    tip = line[-1] + ahead * 7.0
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawPolygon(polygon(np.stack([tip, tip - ahead * 14.0 + aside * 5.5, tip - ahead * 14.0 - aside * 5.5])))


def section(view: Viewport, origin: np.ndarray, normal: np.ndarray) -> np.ndarray | None:
    """Where a plane meets the box of all that there is, in order around it, shape (k, 3)."""
    box = view.scene.bounds()
    if box is None:
        return None
    grown = box + np.array([[-0.04], [0.04]]) * (box[1] - box[0])
    corners = _corners(grown)
    heights = (corners - origin) @ normal
    meets = [
        corners[a] + (corners[b] - corners[a]) * heights[a] / (heights[a] - heights[b])
        for a, b in BOX_EDGES
        if (heights[a] > 0) != (heights[b] > 0)
    ]
    if len(meets) < 3:
        return None
    points = np.stack(meets)
    middle = points.mean(axis=0)
    first = points[0] - middle
    turns = np.arctan2((points - middle) @ np.cross(normal, first), (points - middle) @ first * np.linalg.norm(normal))
    return points[np.argsort(turns)]


def _corners(box: np.ndarray) -> np.ndarray:
    """Corners of a box (2, 3) in the order that `BOX_EDGES` counts them in, shape (8, 3)."""
    return np.array([[box[bit][axis] for axis, bit in enumerate(bits)] for bits in product((0, 1), repeat=3)])
