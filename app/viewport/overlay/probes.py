"""Places on the surface that are kept in sight, with their values, and where nodes would go so that the loss falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.viewport.overlay.ink import paint_label, paint_line, polygon, spots
from app.viewport.viewing import SENSITIVITY
from engine.protocol.layers import DESCENT

if TYPE_CHECKING:
    from app.viewport.view import Viewport

WARNING = "#d98e04"
"""Of the place that a warning is about."""

ARROWS = 120
"""That are drawn at most."""
LONGEST = 34.0
"""Pixels of the longest of them."""


def paint_probes(painter: QPainter, view: Viewport) -> None:
    """A dot and its words; of a place that a message is about a ring."""
    for probe in view.probes:
        places = spots(view, np.array([probe.place]))
        if not places:
            continue
        place = places[0]
        if probe.warning:
            for colour, width in ((view.theme.panel, 5.0), (WARNING, 2.4)):
                painter.setPen(QPen(QColor(colour), width))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(place, 11, 11)
        else:
            painter.setPen(QPen(QColor(view.theme.panel), 1.6))
            painter.setBrush(QColor(view.theme.accent))
            painter.drawEllipse(place, 5, 5)
        # Below, for what is new is often where a handle holds the part, whose distance stands above.
        beside = QPointF(13, 22) if probe.warning else QPointF(11, -9)
        paint_label(painter, view, place + beside, probe.text)


def paint_descent(painter: QPainter, view: Viewport) -> None:
    """Arrows of where nodes would go so that the loss falls, where the surface shows what it depends on."""
    surface = view.scene.seen_surface
    ways = surface.vectors(DESCENT) if surface.coloured and surface.scalar == SENSITIVITY else None
    if ways is None:
        return
    sizes = np.linalg.norm(ways, axis=1)
    largest = float(sizes.max(initial=0.0))
    if not np.isfinite(largest) or largest <= 0.0:
        return
    vertices = surface.snapshot_positions()
    chosen = spread_over(vertices, np.flatnonzero(sizes > 0.02 * largest), ARROWS)
    reach = LONGEST * view.eye.pixel_size(vertices[chosen].mean(axis=0)) / largest
    starts, ends = (view.eye.project(vertices[chosen] + step * ways[chosen]) for step in (0.0, reach))
    for start, end in zip(starts, ends, strict=True):
        if start[2] > 0 and end[2] > 0 and np.hypot(*(end - start)[:2]) > 3.0:
            _paint_arrow(painter, view, start[:2], end[:2])


def spread_over(points: np.ndarray, candidates: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of `candidates` (indices of points, shape (n, 3)), spread evenly: one in each cell of a grid."""
    if len(candidates) <= most:
        return candidates
    places = points[candidates]
    low, high = places.min(axis=0), places.max(axis=0)
    cell = float((high - low).max()) / most or 1.0
    while True:
        numbers = np.floor((places - low) / cell).astype(np.int64)
        _, first = np.unique(numbers, axis=0, return_index=True)
        if len(first) <= most:
            return np.asarray(candidates[np.sort(first)])
        cell *= 1.25


def _paint_arrow(painter: QPainter, view: Viewport, start: np.ndarray, end: np.ndarray) -> None:
    along = (end - start) / np.hypot(*(end - start))
    across = np.array([-along[1], along[0]])
    paint_line(painter, view, QPolygonF([QPointF(*start), QPointF(*end)]), view.theme.text, 1.4)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(view.theme.text))
    painter.drawPolygon(polygon(np.stack([end + 4.0 * along, end + 3.5 * across, end - 3.5 * across])))
