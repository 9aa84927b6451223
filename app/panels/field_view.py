"""A mesh coloured by a field, in the plane or in space: moved, turned and enlarged by mouse, and read by hovering."""

from __future__ import annotations

import math
import time

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.panels.colour_scale import ColourScale
from app.panels.field_picture import chains, coloured, edges_of, from_the_front, normals, placed, turned
from app.panels.field_raster import Raster
from app.panels.theme import current_tokens

MARGIN = 14.0
"""Pixels round a mesh that fits."""
LEAST_ZOOM, MOST_ZOOM = 0.2, 400.0
SLOW_SECONDS = 0.03
"""A picture that takes longer is coarse while the mouse moves it."""
SETTLED_MILLISECONDS = 160
MOST_EDGES = 60_000
"""In view; more of them would be a dark area, and slow."""
STEP = 1.2
"""Factor of one step of the wheel or of + and −."""


class FieldView(QWidget):
    """Shows one mesh. `hovered` tells the node under the pointer, -1 for none."""

    hovered = Signal(int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 100)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._nodes = np.zeros((0, 3))
        self._triangles = np.zeros((0, 3), np.int32)
        self._values: np.ndarray | None = None
        self._scale = ColourScale(0.0, 1.0)
        self._border: list[np.ndarray] = []
        self._edges = np.zeros((0, 2), np.int64)
        self._note = ""
        self._marked = -1
        self._draw_edges = False
        self._flat = True
        self._turn = np.eye(3)
        self._zoom = 1.0
        self._shift = np.zeros(2)
        self._image: QImage | None = None
        self._raster: Raster | None = None
        self._raster_scale = 1.0
        self._coarse = 1.0
        self._seconds = 0.0
        self._grip: tuple[QPointF, bool] | None = None
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_MILLISECONDS)
        self._settling.timeout.connect(self._settle)

    # What is shown ------------------------------------------------------------------------------------------------

    def show_mesh(self, nodes: np.ndarray, triangles: np.ndarray, *, keep_view: bool = False) -> None:
        """Another mesh. nodes : shape (node_count, 2 or 3); keep_view : it is seen from where the last one was"""
        nodes = np.asarray(nodes, np.float64)
        flat = nodes.shape[1] == 2 or not len(nodes) or bool(np.ptp(nodes[:, 2]) == 0.0)
        keep_view = keep_view and flat == self._flat
        self._nodes = np.pad(nodes, ((0, 0), (0, 3 - nodes.shape[1])))
        self._triangles, self._flat = np.asarray(triangles), flat
        self._values, self._marked, self._note = None, -1, ""
        self._edges, border = edges_of(self._triangles)
        self._border = chains(border)
        if not keep_view:
            self.fit()
        self._changed()

    def show_nothing(self, note: str) -> None:
        """No mesh, and why."""
        self.show_mesh(np.zeros((0, 2)), np.zeros((0, 3), np.int32))
        self._note = note
        self.update()

    def show_values(self, values: np.ndarray | None, scale: ColourScale) -> None:
        """Colour it by values at the nodes, shape (node_count,); None leaves it grey."""
        self._values, self._scale = values, scale
        self._changed()

    def show_edges(self, wanted: bool) -> None:
        self._draw_edges = wanted
        self.update()

    def mark(self, node: int) -> None:
        """Ring a node; -1 rings none."""
        if node != self._marked:
            self._marked = node
            self.update()

    def fit(self) -> None:
        """See all of it, from the front."""
        self._zoom, self._shift = 1.0, np.zeros(2)
        self._turn = np.eye(3) if self._flat else from_the_front()
        self._changed()

    def note(self) -> str:
        """What stands in place of a mesh."""
        return self._note

    def node_at(self, place: QPointF) -> int:
        """The node nearest to a place of the widget, of what is seen there; -1 for none."""
        self._ready()
        if self._raster is None:
            return -1
        column, row = (math.floor(value * self._raster_scale) for value in (place.x(), place.y()))
        return self._raster.node_at(column, row, self._triangles)

    def place_of(self, node: int) -> QPointF:
        """Where a node is seen."""
        x, y = self._seen()[node, :2]
        return QPointF(float(x), float(y))

    def picture(self) -> QImage:
        """The mesh in colour without what is drawn over it."""
        self._ready()
        assert self._image is not None
        return self._image

    def sizeHint(self) -> QSize:
        return QSize(300, 300)

    # Painting -----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current_tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not len(self._triangles):
            painter.setPen(QColor(tokens.text_soft))
            how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 16, -16, -16), how, self._note)
            return
        self._ready()
        assert self._image is not None
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self.rect(), self._image)
        seen = self._seen()
        edges = self._edges_in_view(seen) if self._draw_edges else self._edges[:0]
        if 0 < len(edges) <= MOST_EDGES:
            ink = QColor("#000000" if self._values is not None or not tokens.dark else "#ffffff")
            ink.setAlpha(70)
            painter.setPen(QPen(ink, 0.6))
            painter.drawLines(_lines(seen, edges))
        if self._flat:
            painter.setPen(QPen(QColor(tokens.text_soft), 1.2))
            for chain in self._border:
                painter.drawPolyline([QPointF(x, y) for x, y in seen[chain, :2].tolist()])
        if 0 <= self._marked < len(seen):
            self._paint_mark(painter, QPointF(*map(float, seen[self._marked, :2])))
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _edges_in_view(self, seen: np.ndarray) -> np.ndarray:
        """Edges with an end that is seen; of a surface in space only those whose ends look at the viewer."""
        x, y = seen[:, 0], seen[:, 1]
        inside = (x >= 0.0) & (x <= self.width()) & (y >= 0.0) & (y <= self.height())
        chosen = inside[self._edges].any(axis=1)
        if not self._flat:
            chosen &= (normals(seen, self._triangles)[:, 2] > 0.0)[self._edges].all(axis=1)
        return self._edges[chosen]

    def _paint_mark(self, painter: QPainter, place: QPointF) -> None:
        """White between black: seen on every colour."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in (("#000000", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawEllipse(place, 6.0, 6.0)

    def _ready(self) -> None:
        """Make the picture where something has changed since."""
        if self._image is not None or not len(self._triangles):
            return
        began = time.perf_counter()
        self._raster_scale = self.devicePixelRatioF() / self._coarse
        width, height = (max(1, math.ceil(side * self._raster_scale)) for side in (self.width(), self.height()))
        seen = self._seen() * self._raster_scale
        self._raster, self._image = coloured(
            seen, self._triangles, self._values, self._scale, width, height, flat=self._flat
        )
        self._seconds = (time.perf_counter() - began) * self._coarse**2

    def _seen(self) -> np.ndarray:
        """Nodes in pixels of the widget, y down, and their depth, shape (node_count, 3)."""
        if not len(self._nodes):
            return self._nodes
        size = QSize(self.width(), self.height())
        return placed(self._nodes, self._turn, size, MARGIN, self._zoom, self._shift, flat=self._flat)

    def _changed(self) -> None:
        self._image = self._raster = None
        self.update()

    def _settle(self) -> None:
        """The mouse rests: what was coarse becomes fine."""
        if self._coarse != 1.0:
            self._coarse = 1.0
            self._changed()

    # Mouse and keys -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        turns = not self._flat and event.button() == Qt.MouseButton.LeftButton
        turns = turns and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        self._grip = (event.position(), turns)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is None:
            self.hovered.emit(self.node_at(event.position()))
            return
        before, turns = self._grip
        moved = event.position() - before
        self._grip = (event.position(), turns)
        if turns:
            self._turn = turned(self._turn, 0.01 * moved.x(), 0.01 * moved.y())
        else:
            self._shift = self._shift + np.array([moved.x(), moved.y()])
        self._move()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(-1)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom_by(STEP ** (event.angleDelta().y() / 120.0), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        middle = QPointF(0.5 * self.width(), 0.5 * self.height())
        steps = {
            Qt.Key.Key_Left: (30, 0), Qt.Key.Key_Right: (-30, 0), Qt.Key.Key_Up: (0, 30), Qt.Key.Key_Down: (0, -30),
        }  # fmt: skip
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom_by(STEP, middle)
        elif event.key() == Qt.Key.Key_Minus:
            self._zoom_by(1.0 / STEP, middle)
        elif event.key() in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.fit()
        elif event.key() in steps:
            self._shift = self._shift + np.array(steps[Qt.Key(event.key())])
            self._move()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._changed()
        super().resizeEvent(event)

    def _zoom_by(self, factor: float, about: QPointF) -> None:
        zoom = min(max(self._zoom * factor, LEAST_ZOOM), MOST_ZOOM)
        centre = np.array([0.5 * self.width(), 0.5 * self.height()])
        place = np.array([about.x(), about.y()]) - centre
        self._shift = place - (place - self._shift) * (zoom / self._zoom)
        self._zoom = zoom
        self._move()

    def _move(self) -> None:
        """It is seen from elsewhere."""
        if self._seconds > SLOW_SECONDS:
            self._coarse = min(math.sqrt(self._seconds / SLOW_SECONDS), 4.0)
        self._settling.start()
        self._changed()


def _lines(seen: np.ndarray, edges: np.ndarray) -> list[QLineF]:
    return [QLineF(*ends) for ends in seen[edges][:, :, :2].reshape(-1, 4).tolist()]
