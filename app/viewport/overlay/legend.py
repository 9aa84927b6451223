"""What explains the picture, at its rim: axes, colour bar, and how much of it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from app.document.digits import shown
from app.viewport import camera as cameras
from app.viewport.colours import diverging_table, sequential_table
from app.viewport.overlay.ink import AXIS_COLOURS, MARGIN, paint_label, paint_panel, paint_text

if TYPE_CHECKING:
    from app.viewport.shades import Shade
    from app.viewport.surface import RunSurface
    from app.viewport.view import Viewport


def paint_axes(painter: QPainter, view: Viewport) -> None:
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


def paint_colour_bar(painter: QPainter, view: Viewport) -> None:
    surface = view.scene.seen_surface
    if not surface.coloured:
        return
    shade = surface.shade
    width, line = min(290.0, view.width() - 2 * MARGIN - 80), QFontMetricsF(painter.font()).height()
    if shade.map == "categories":
        height = (len(shade.categories) + 1) * line + 22
    else:
        height = (3 if shade.map == "diverging" or any(shade.ends) else 2) * line + 32
    height += line if surface.gaps else 0.0
    box = QRectF(view.width() - MARGIN - width - 20, view.height() - MARGIN - height, width + 20, height)
    paint_panel(painter, view, box)
    left, top = box.left() + 10, box.top() + 6
    title = shade.title
    title += "  " + view.tr("(range locked)") if surface.range.locked is not None else ""
    head = QRectF(left, top, width, line)
    paint_text(painter, view.theme.text, head, Qt.AlignmentFlag.AlignLeft, title)
    paint_text(painter, view.theme.faint, head, Qt.AlignmentFlag.AlignRight, shade.unit)
    if shade.map == "categories":
        _paint_categories(painter, view, shade, QRectF(left, top + line + 5, width, line))
    else:
        _paint_bar(painter, view, surface, QRectF(left, top + line + 5, width, 10), line)
    if surface.gaps:
        below = QRectF(left, box.bottom() - line - 6, width, line)
        paint_text(painter, view.theme.faint, below, Qt.AlignmentFlag.AlignLeft, view.tr("grey: no value here"))


def _paint_bar(painter: QPainter, view: Viewport, surface: RunSurface, bar: QRectF, line: float) -> None:
    """A gradient, with the numbers and the words of its ends below."""
    shade, limits = surface.shade, surface.range.limits
    limit = max(abs(limits[0]), abs(limits[1]))
    sequential = shade.map == "sequential"
    one_sided = not sequential and view.scene.comparison is not None and surface.one_sided
    table = sequential_table(33) if sequential else diverging_table(33)[16 if one_sided else 0 :]
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    for at, colour in enumerate(table):
        gradient.setColorAt(at / (len(table) - 1), QColor(*map(int, colour)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, 2, 2)
    numbers = QRectF(bar.left(), bar.bottom() + 3, bar.width(), line)
    below = numbers.translated(0, line)
    ends = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    write = shown if shade.whole else "{:.2g}".format
    scale = (f"−{write(limit)}", "0", f"+{write(limit)}")
    words = (shade.ends[0], "", shade.ends[1])
    if sequential:
        low, high = limits
        scale = (write(low), write((low + high) / 2), write(high))
    elif one_sided:
        scale, words = (
            ("0", f"{limit / 2:.2g}", f"{limit:.2g}"),
            (view.tr("A lies on B"), "", view.tr("A is away from B")),
        )
    for place, number, word in zip(ends, scale, words, strict=True):
        paint_text(painter, view.theme.text, numbers, place, number)
        paint_text(painter, view.theme.faint, below, place, word)


def _paint_categories(painter: QPainter, view: Viewport, shade: Shade, row: QRectF) -> None:
    """A patch of colour and a word for each."""
    for word, colour in shade.categories:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(row.left(), row.top() + 2, row.height() - 4, row.height() - 4), 2, 2)
        words = row.adjusted(row.height() + 4, 0, 0, 0)
        paint_text(painter, view.theme.text, words, Qt.AlignmentFlag.AlignLeft, word)
        row = row.translated(0, row.height())


def paint_notice(painter: QPainter, view: Viewport) -> None:
    thinned = view.scene.thinned()
    if thinned is None:
        return
    text = view.tr("Drawn with {0} of {1} vertices").format(f"{thinned[0]:,}", f"{thinned[1]:,}")
    box = QRectF(MARGIN + 66, view.height() - MARGIN - 18, 320, 18)
    paint_text(painter, view.theme.faint, box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


def paint_out_of_sight(painter: QPainter, view: Viewport) -> None:
    """The way back, where all that there is has left the view: a body that fell, or a view that was moved away."""
    if view.out_of_sight:
        paint_label(painter, view, QPointF(MARGIN, MARGIN + 24), view.tr("Out of sight. F brings it back"))
