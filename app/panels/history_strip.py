"""The tree of Checkpoints as strips: one a branch, along the iterations, with thumbnails where they fit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.panels.theme import branch_colour, current_tokens
from engine.protocol.snapshot import CheckpointInfo

MAIN = "main"
THUMBNAIL = 40
ROW = THUMBNAIL + 19
LEFT, RIGHT = 36, 36


class HistoryStrip(QWidget):
    """Draws the tree; a drag scrubs along a branch, a double click continues from a Checkpoint, a click with Shift
    compares it with the one that is selected (or with the present surface)."""

    scrubbed = Signal(int)  # checkpoint id
    continue_wanted = Signal(int)
    compare_wanted = Signal(int)  # checkpoint id, to compare with what is selected
    menu_wanted = Signal(int, object)  # checkpoint id, global position
    branch_menu_wanted = Signal(str, object)  # branch, global position
    naming_wanted = Signal(str)  # branch
    deleting_wanted = Signal(str)  # branch

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("History, one strip a branch"))
        self.setAccessibleDescription(
            self.tr("Left and right move along a branch, Return continues from there, F2 names and Delete deletes it.")
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setMouseTracking(True)
        self._checkpoints: dict[int, CheckpointInfo] = {}
        self._pixmaps: dict[int, QPixmap] = {}
        self._rows: dict[str, int] = {}
        self._last_iteration = 1
        self._scrubbing = ""
        self._labels: dict[str, QRectF] = {}
        self.selected: int | None = None
        self.present_branch = "main"
        self._now: int | None = None
        self.branch_title: Callable[[str], str] = str
        self.branch_number: Callable[[str], int] = lambda branch: 0
        self.term_title: Callable[[str], str] = str
        self.compared: dict[int, str] = {}

    def sizeHint(self) -> QSize:
        return QSize(320, max(1, len(self._rows)) * ROW + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def show_checkpoints(
        self, checkpoints: dict[int, CheckpointInfo], present_branch: str, iterations: int, now: int | None = None
    ) -> None:
        """Draw these; thumbnails are converted once. now : iteration at which the Run stands; None: it goes on"""
        self._checkpoints = checkpoints
        self._now = now
        self.present_branch = present_branch
        latest = max((info.iteration for info in checkpoints.values()), default=1)
        self._last_iteration = max(iterations, latest, 1)
        names = sorted(dict.fromkeys(c.branch for c in checkpoints.values()), key=lambda name: name != MAIN)
        rows = {branch: row for row, branch in enumerate(names)}
        if len(rows) != len(self._rows):
            self._rows = rows
            self.updateGeometry()
            self.setMinimumHeight(self.sizeHint().height())
        self._rows = rows
        for id in [id for id in self._pixmaps if id not in checkpoints]:
            del self._pixmaps[id]
        for id, info in checkpoints.items():
            if id not in self._pixmaps and info.thumbnail is not None:
                self._pixmaps[id] = picture_of(info.thumbnail)
        if self.selected not in checkpoints:
            self.selected = None
        self.update()

    def select(self, id: int | None) -> None:
        """Mark a Checkpoint; None marks none."""
        if id != self.selected:
            self.selected = id
            self.update()

    def place(self, id: int) -> QPointF:
        """Where a Checkpoint is drawn."""
        info = self._checkpoints[id]
        width = max(self.width() - LEFT - RIGHT, 1)
        x = LEFT + width * info.iteration / self._last_iteration
        return QPointF(x, self._rows.get(info.branch, 0) * ROW + THUMBNAIL / 2 + 4)

    def at(self, place: QPointF, *, branch: str = "") -> int | None:
        """The Checkpoint nearest to a point, on the branch in that row (or on `branch`)."""
        if not self._checkpoints:
            return None
        names = list(self._rows)
        branch = branch or names[min(max(int(place.y() // ROW), 0), len(names) - 1)]
        own = [id for id, info in self._checkpoints.items() if info.branch == branch]
        return min(own, key=lambda id: abs(self.place(id).x() - place.x())) if own else None

    def label_at(self, place: QPointF) -> str | None:
        """The branch whose name is written at a point."""
        return next((branch for branch, room in self._labels.items() if room.contains(place)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        id = self.at(event.position())
        if self.label_at(event.position()) is not None:
            return
        if event.button() != Qt.MouseButton.LeftButton or id is None:
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.compare_wanted.emit(id)
        else:
            self._scrubbing = self._checkpoints[id].branch
            self._scrub(id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._scrubbing:
            id = self.at(event.position(), branch=self._scrubbing)
            if id is not None:
                self._scrub(id)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._scrubbing = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        branch = self.label_at(event.position())
        id = self.at(event.position())
        if branch is not None:
            self.naming_wanted.emit(branch)
        elif id is not None:
            self.continue_wanted.emit(id)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        branch = None if by_key else self.label_at(QPointF(event.pos()))
        id = self.selected if by_key else self.at(QPointF(event.pos()))
        if branch is not None:
            self.branch_menu_wanted.emit(branch, event.globalPos())
        elif id is not None:
            self._scrub(id)
            self.menu_wanted.emit(id, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if self.selected is None and self._checkpoints and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._scrub(max(self._checkpoints))
        elif self.selected is not None and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._step(1 if key == Qt.Key.Key_Right else -1)
        elif self.selected is not None and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._change_branch(1 if key == Qt.Key.Key_Down else -1)
        elif self.selected is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.continue_wanted.emit(self.selected)
        elif self._checkpoints and key == Qt.Key.Key_F2:
            self.naming_wanted.emit(self.branch_in_hand)
        elif self.selected is not None and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.deleting_wanted.emit(self.branch_in_hand)
        else:
            super().keyPressEvent(event)

    @property
    def branch_in_hand(self) -> str:
        """That of the selected Checkpoint; with none, the one that descends."""
        return self._checkpoints[self.selected].branch if self.selected is not None else self.present_branch

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            id = self.at(QPointF(event.pos()))
            if id is not None and abs(self.place(id).x() - event.pos().x()) < THUMBNAIL:
                QToolTip.showText(event.globalPos(), self._words(self._checkpoints[id]), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        tokens = current_tokens()
        if not self._checkpoints:
            painter.setPen(QColor(tokens.text_soft))
            text = self.tr("Checkpoints appear here while the study runs")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        self._place_labels()
        self._draw_lines(painter)
        for branch in self._rows:
            self._draw_branch(painter, branch)
        for id, letter in self.compared.items():
            if id in self._checkpoints:
                self._draw_thumbnail(painter, id, QColor(tokens.text), 1.6)
                self._draw_letter(painter, id, letter)
        if self.selected is not None and self.selected not in self.compared:
            self._draw_thumbnail(painter, self.selected, QColor(tokens.accent), 2.0)

    def _colour(self, branch: str) -> QColor:
        """Of a branch: its own, once there are several."""
        if len(self._rows) > 1:
            return QColor(branch_colour(self.branch_number(branch)))
        return QColor(current_tokens().accent)

    @property
    def standing(self) -> int | None:
        """The Checkpoint at which the Run stands, or which it left last; None where the present branch has none yet."""
        own = [
            id for id, info in self._checkpoints.items()
            if info.branch == self.present_branch and (self._now is None or info.iteration <= self._now)
        ]  # fmt: skip
        return max(own, key=lambda id: self._checkpoints[id].iteration, default=None)

    def _draw_lines(self, painter: QPainter) -> None:
        for id, info in self._checkpoints.items():
            if info.parent is None or info.parent not in self._checkpoints:
                continue
            start, end = self.place(info.parent), self.place(id)
            present = info.branch == self.present_branch
            painter.setPen(QPen(self._colour(info.branch), 2.6 if present else 1.8))
            if start.y() == end.y():
                painter.drawLine(start, end)
                continue
            path = QPainterPath(start)
            middle = start.x() + min(12.0, max(end.x() - start.x(), 4.0))
            path.cubicTo(QPointF(middle, start.y()), QPointF(start.x(), end.y()), QPointF(middle + 4, end.y()))
            path.lineTo(end)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(path)

    def _draw_branch(self, painter: QPainter, branch: str) -> None:
        """Dots for all, thumbnails for as many as fit, the newest for certain."""
        tokens = current_tokens()
        own = sorted(
            (id for id, c in self._checkpoints.items() if c.branch == branch), key=lambda id: self.place(id).x()
        )
        present = branch == self.present_branch
        colour = self._colour(branch)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for id in own:
            painter.drawEllipse(self.place(id), 2.6, 2.6)
        last_x = self.place(own[-1]).x()
        free_from = -1e9
        for id in own:
            x = self.place(id).x()
            newest = id == own[-1]
            here = present and id == self.standing
            if newest or (x >= free_from and x + THUMBNAIL + 4 <= last_x):
                self._draw_thumbnail(painter, id, colour if here else QColor(tokens.line), 1.2)
                free_from = x + THUMBNAIL + 6
        if branch in self._labels:
            room = QRectF(self._labels[branch])
            painter.setPen(QColor(tokens.text if present else tokens.text_soft))
            if len(self._rows) > 1:
                painter.save()
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawEllipse(QPointF(room.left() + 4, room.center().y()), 4, 4)
                painter.restore()
                room.setLeft(room.left() + 13)
            name = self.fontMetrics().elidedText(self.title(branch), Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _place_labels(self) -> None:
        """Where the names of branches stand: behind the newest Checkpoint, or below where there is no room."""
        self._labels.clear()
        for branch in self._rows:
            if branch == MAIN and len(self._rows) == 1:
                continue
            places = sorted((self.place(id) for id, c in self._checkpoints.items() if c.branch == branch), key=_across)
            end = places[-1]
            room = QRectF(end.x() + THUMBNAIL / 2 + 5, end.y() - 9, self.width() - end.x() - THUMBNAIL / 2 - 8, 18)
            if room.width() < 40:
                room = QRectF(places[0].x() - THUMBNAIL / 2 + 34, places[0].y() + THUMBNAIL / 2 + 1, 160, 16)
            wanted = self.fontMetrics().horizontalAdvance(self.title(branch)) + 19
            self._labels[branch] = QRectF(room.topLeft(), QSizeF(min(wanted, room.width()), room.height()))

    def title(self, branch: str) -> str:
        """What is written beside a branch."""
        title = self.branch_title(branch)
        return self.tr("{0} (main)").format(title) if branch == MAIN and title != MAIN else title

    def _draw_letter(self, painter: QPainter, id: int, letter: str) -> None:
        """A or B, over the corner of the thumbnail."""
        tokens = current_tokens()
        corner = self.place(id) - QPointF(THUMBNAIL / 2, THUMBNAIL / 2)
        box = QRectF(corner.x() - 4, corner.y() - 2, 16, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.text))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(tokens.field))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)

    def _draw_thumbnail(self, painter: QPainter, id: int, colour: QColor, width: float) -> None:
        tokens = current_tokens()
        info = self._checkpoints[id]
        box = QRectF(0, 0, THUMBNAIL, THUMBNAIL)
        box.moveCenter(self.place(id))
        path = QPainterPath()
        path.addRoundedRect(box, 5, 5)
        painter.fillPath(path, QColor(tokens.field))
        pixmap = self._pixmaps.get(id)
        if pixmap is not None:
            painter.save()
            painter.setClipPath(path)
            painter.drawPixmap(box, pixmap, QRectF(pixmap.rect()))
            painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, width))
        painter.drawPath(path)
        painter.setPen(QColor(tokens.text_soft))
        font = painter.font()
        small = painter.font()
        small.setPointSizeF(max(font.pointSizeF() - 1.5, 6.5))
        painter.setFont(small)
        under = QRectF(box.left() - 12, box.bottom() + 1, box.width() + 24, 14)
        if not any(label.intersects(under.adjusted(10, 2, -10, -2)) for label in self._labels.values()):
            painter.drawText(under, Qt.AlignmentFlag.AlignCenter, f"{info.iteration:,}")
        painter.setFont(font)

    def _words(self, info: CheckpointInfo) -> str:
        name = info.label or self.tr("Iteration {0}").format(f"{info.iteration:,}")
        title = f"<b>{name}</b> · {self.title(info.branch)}"
        known = {name: value for name, value in info.losses.items() if math.isfinite(value)}  # the others rest
        losses = [f"{self._loss_title(name)}: {value:.3e}" for name, value in known.items()]
        where = self.tr("on disk") if info.on_disk else self.tr("in memory")
        size = f"{info.memory / 2**20:.1f} MB {where}"
        hints = [self.tr("Double click continues from here"), self.tr("Shift and click compares")]
        return "<br>".join([title, *losses, size, *(f"<i>{hint}</i>" for hint in hints)])

    def _loss_title(self, name: str) -> str:
        return self.term_title(name.removeprefix("term:")) if name.startswith("term:") else self.tr("Total")

    def _scrub(self, id: int) -> None:
        if id != self.selected:
            self.select(id)
            self.scrubbed.emit(id)

    def _step(self, by: int) -> None:
        own = self._checkpoints[self.selected or 0]
        line = sorted(
            (id for id, info in self._checkpoints.items() if info.branch == own.branch),
            key=lambda id: self._checkpoints[id].iteration,
        )
        self._scrub(line[min(max(line.index(own.id) + by, 0), len(line) - 1)])

    def _change_branch(self, by: int) -> None:
        names = list(self._rows)
        own = self._checkpoints[self.selected or 0]
        branch = names[min(max(names.index(own.branch) + by, 0), len(names) - 1)]
        id = self.at(self.place(own.id), branch=branch)
        if id is not None:
            self._scrub(id)


def picture_of(thumbnail: np.ndarray) -> QPixmap:
    """A thumbnail (height, width, 3) uint8, to be drawn."""
    data = np.ascontiguousarray(thumbnail, np.uint8)
    height, width = data.shape[:2]
    image = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())


def _across(place: QPointF) -> float:
    return place.x()
