"""Arrows and planes of Terms: a build direction, a stream, a plane of symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewport.overlay.grips import paint_tip, section
from app.viewport.overlay.ink import paint_label, paint_line, shade, spots
from app.viewport.records import PlacedView
from app.viewport.tools.placed import arrow, placed_grips

if TYPE_CHECKING:
    from app.viewport.view import Viewport


def paint_placed(painter: QPainter, view: Viewport, placed: PlacedView) -> None:
    """The arrow with its name; of a plane also where it meets the box of everything."""
    foot, tip, direction = arrow(view, placed)
    strong = placed.selected or view.state.grip.endswith(f" of {placed.name}")
    colour = view.theme.accent if strong else view.theme.text
    if placed.point is not None:
        around = section(view, foot, direction)
        places = None if around is None else spots(view, around)
        if places is not None:
            painter.setPen(QPen(shade(colour, 0.6), 1.2))
            painter.setBrush(shade(view.theme.accent, 0.10 if strong else 0.05))
            painter.drawPolygon(QPolygonF(places))
    ends = spots(view, np.stack([foot, tip]))
    if ends is None:
        return
    paint_line(painter, view, QPolygonF(ends), colour, 3.0 if strong else 2.0)
    paint_tip(painter, np.array([[end.x(), end.y()] for end in ends]), colour)
    for grip in placed_grips(view):
        held = view.state.grip == grip.name
        # The head of the arrow is its grip; a dot shows that the pointer has it.
        places = spots(view, grip.place[None]) if grip.of is placed and (held or grip.part == "middle") else None
        if places is not None:
            size = 7.0 if held else 5.0
            painter.setPen(QPen(QColor(view.theme.panel), 1.8))
            painter.setBrush(QColor(colour))
            painter.drawEllipse(places[0], size, size)
    paint_label(painter, view, ends[1] + QPointF(14, -10), placed.label)
