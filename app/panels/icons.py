"""Icons of one family: strokes 1.7 wide on a 24 grid, coloured by the theme, crisp at any scale.

Drawn for this project. `icon("run")` gives a QIcon whose colours follow the theme in force when it is made.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.panels.theme import current_tokens

SHAPES: dict[str, str] = {
    "blank": "",
    "run": '<path d="M8 5.5v13l10.5-6.5z" fill="C"/>',
    "pause": '<path d="M8.5 5.5v13M15.5 5.5v13" stroke-width="3"/>',
    "step": '<path d="M6 5.5v13l9-6.5z" fill="C"/><path d="M18 5.5v13" stroke-width="2.6"/>',
    "first": '<path d="M18 5.5v13l-9-6.5z" fill="C"/><path d="M6 5.5v13" stroke-width="2.6"/>',
    "last": '<path d="M6 5.5v13l9-6.5z" fill="C"/><path d="M18 5.5v13" stroke-width="2.6"/>',
    "loop": '<path d="M17 3.5 20.5 7 17 10.5"/><path d="M20 7H8a4.5 4.5 0 0 0-4.5 4.5"/>'
    '<path d="M7 20.5 3.5 17 7 13.5"/><path d="M4 17h12a4.5 4.5 0 0 0 4.5-4.5"/>',
    "pull": '<circle cx="7" cy="17" r="3" fill="C"/><path d="M9.5 14.5c1-3 3-1 4-3.5s2.5-2 3.5-4"/>'
    '<path d="M13.5 5.5 18 4l1.5 4.5"/>',
    "palette": '<path d="M12 4a8 8 0 1 0 0 16c2 0 2.4-1.3 1.8-2.6-.7-1.6.3-2.9 1.9-2.9H18a2.5 2.5 0 0 0 2-2.7'
    'A8 8 0 0 0 12 4z"/><path d="M8.2 12.5v.1M9.8 8.6v.1M14 8.3v.1" stroke-width="2.4"/>',
    "stop": '<rect x="6.5" y="6.5" width="11" height="11" rx="1.2" fill="C"/>',
    "open": '<path d="M3.5 18.5v-12h6l2 2.5h9v9.5z"/><path d="M3.5 11.5h17"/>',
    "save": '<path d="M5 4.5h11.5l3 3v12H5z"/><path d="M8.5 4.5v5h7v-5M8 19.5v-6h8v6"/>',
    "export": '<path d="M12 3.5v11M7.8 7.7 12 3.5l4.2 4.2"/><path d="M4.5 14v5.5h15V14"/>',
    "target": '<circle cx="12" cy="12" r="7.5"/><circle cx="12" cy="12" r="3" fill="C"/>',
    "undo": '<path d="M8.5 5 4.5 9l4 4"/><path d="M5 9h9a5 5 0 0 1 0 10h-4"/>',
    "redo": '<path d="m15.5 5 4 4-4 4"/><path d="M19 9h-9a5 5 0 0 0 0 10h4"/>',
    "navigate": '<circle cx="12" cy="12" r="8"/><path d="M4 12c2.6 2.8 13.4 2.8 16 0M12 4c-3.2 3-3.2 13 0 16"/>',
    "handle": '<circle cx="9" cy="15" r="3.5" fill="C"/><path d="M12 12 20 4M14.5 4H20v5.5"/>',
    "brush": '<path d="M20 4 11.5 12.5M13.8 14.6 9.4 10.2"/>'
    '<path d="M9.4 10.2c-4 0-4 4.8-6 8.3 4.5 1.5 9.5.6 10.4-3.9z"/>',
    "open-here": '<path d="M14.8 5.1a8 8 0 1 0 4.3 11"/><path d="M15.5 11.5 20 7M16.5 6.5H20.5v4"/>',
    "closed-here": '<path d="M14.8 5.1a8 8 0 1 0 4.3 11"/>'
    '<path d="M14.8 5.1a8 8 0 0 1 4.3 11" stroke-dasharray="2.2 2.2"/>'
    '<path d="M8.5 12.2 11 14.8l4.5-5"/>',
    "measure": '<path d="M3.8 15.5 15.5 3.8l4.7 4.7L8.5 20.2z"/><path d="m7 12.5 2 2M10.2 9.3l2 2M13.3 6.2l2 2"/>',
    "probe": '<circle cx="9" cy="15" r="5"/><path d="M9 15v.1" stroke-width="2.8"/><path d="M13 11 16 8"/>'
    '<path d="M14 3.5h6.5v5H14z"/>',
    "select": '<path d="M4 9V5.5A1.5 1.5 0 0 1 5.5 4H9M15 4h3.5A1.5 1.5 0 0 1 20 5.5V9"/>'
    '<path d="M9 20H5.5A1.5 1.5 0 0 1 4 18.5V15"/>'
    '<path d="m11.5 11.5 8.5 3.3-3.7 1.5-1.5 3.7z" fill="C"/>',
    "move": '<path d="M12 3.5v17M3.5 12h17"/><path d="m9.5 6 2.5-2.5L14.5 6M9.5 18l2.5 2.5 2.5-2.5M6 9.5 3.5 12 6 14.5'
    'M18 9.5l2.5 2.5-2.5 2.5"/>',
    "clip": '<path d="M4 20 20 4"/><path d="M5 13.5V8l5-3.5h4" stroke-dasharray="2.4 2.4"/>'
    '<path d="M10.5 19.5H15l4-4V11"/>',
    "sensitivity": '<path d="M12 3.5v17"/><path d="M9 7 4 12l5 5M15 7l5 5-5 5"/>',
    "lock": '<rect x="5.5" y="10.5" width="13" height="9.5" rx="1.5"/><path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5"/>',
    "frame": '<path d="M4 8.5V4h4.5M15.5 4H20v4.5M20 15.5V20h-4.5M8.5 20H4v-4.5"/><circle cx="12" cy="12" r="3"/>',
    "perspective": '<path d="M4 8.5 13 5v14l-9-3.5zM13 5l7 3.5v7L13 19"/>',
    "eye": '<path d="M2.8 12c4.3-7.3 14.1-7.3 18.4 0-4.3 7.3-14.1 7.3-18.4 0z"/><circle cx="12" cy="12" r="2.8"/>',
    "eye-off": '<path d="M2.8 12c4.3 7.3 14.1 7.3 18.4 0M6 16l-1.5 2M12 17.5V20M18 16l1.5 2"/>',
    "add": '<path d="M12 5v14M5 12h14"/>',
    "remove": '<path d="m6.5 6.5 11 11M17.5 6.5l-11 11"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5.5 5.5"/>',
    "branch": '<circle cx="6.5" cy="5.5" r="2.2"/><circle cx="6.5" cy="18.5" r="2.2"/>'
    '<circle cx="17.5" cy="12" r="2.2"/><path d="M6.5 7.7v8.6M6.5 12h8.8"/>',
    "live": '<circle cx="12" cy="12" r="3" fill="C"/><path d="M6.5 6.5a8 8 0 0 0 0 11M17.5 6.5a8 8 0 0 1 0 11"/>',
    "compare": '<path d="M12 3.5v17" stroke-dasharray="2.6 2.6"/><path d="M9 6H4.5v12H9"/><path d="M15 6h4.5v12H15"/>'
    '<path d="M17.2 12h.1M6.8 12h.1" stroke-width="2.8"/>',
    "exchange": '<path d="M4 8.5h15M15 4.5l4 4-4 4"/><path d="M20 15.5H5M9 11.5l-4 4 4 4"/>',
    "film": '<rect x="3.5" y="5.5" width="17" height="13" rx="1.5"/><path d="M7.5 5.5v13M16.5 5.5v13M3.5 10h4M3.5 14h4'
    'M16.5 10h4M16.5 14h4"/>',
    "bookmark": '<path d="M7 4.5h10v15l-5-4-5 4z"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="1.5"/><path d="M15.5 5.5v-1h-11v11h1"/>',
    "help": '<circle cx="12" cy="12" r="8.5"/><path d="M9.3 9.5a2.7 2.7 0 1 1 3.9 2.5c-.9.5-1.2 1-1.2 2"/>'
    '<path d="M12 17v.2" stroke-width="2.4"/>',
    "warning": '<path d="M12 4 21 19.5H3z"/><path d="M12 10v4.5"/><path d="M12 17v.2" stroke-width="2.4"/>',
    "folder": '<path d="M3.5 18.5v-12h6l2 2.5h9v9.5z"/>',
    "drop": '<path d="M12 3.5v11M7.8 10.3 12 14.5l4.2-4.2"/><path d="M4 14v6h16v-6" stroke-dasharray="2.6 2.6"/>',
    "mesh": '<path d="M12 3.5 20 8v8l-8 4.5L4 16V8z"/><path d="m4 8 8 4.5L20 8M12 12.5v8"/>',
    "points": '<path d="M6 7v.1M12 5v.1M18 8v.1M8.5 12v.1M15 12v.1M5 17v.1M11.5 18.5v.1M18.5 16.5v.1" '
    'stroke-width="2.8"/>',
    "fit": '<path d="M4 4v16h16"/><path d="M7 15c3-1 3-8 6.5-8 3 0 3.5 3 6.5 3"/>',
    "reset": '<path d="M5 12a7 7 0 1 0 2.5-5.3M5 4v4.5h4.5"/>',
    "settings": '<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2.2"/>'
    '<circle cx="9" cy="17" r="2.2"/>',
    "keyboard": '<rect x="3" y="6.5" width="18" height="11" rx="1.5"/>'
    '<path d="M6.5 10v.1M10 10v.1M13.5 10v.1M17 10v.1" '
    'stroke-width="2.2"/><path d="M8 14h8"/>',
    "log": '<path d="M5 4.5h14v15H5z"/><path d="M8 9h8M8 12.5h8M8 16h5"/>',
    "tasks": '<path d="m4 7 1.8 1.8L9 5.5M4 16l1.8 1.8L9 14.5M12.5 7.5H20M12.5 16.5H20"/>',
    "sheet": '<path d="M3.5 9.5 10 5.5l10.5 4-6.5 4.5z"/><path d="M3.5 9.5c0 3 1 5 1.5 8l9.5 1c0-2-.5-3-.5-4.5"/>',
    "obstacle": '<path d="M3 19.5h18" stroke-width="2.4"/><path d="M6 19.5a6 6 0 0 1 12 0"/>',
    "gripper": '<path d="M12 3.5V8M6.5 8h11M6.5 8v8l2.5 3M17.5 8v8L15 19"/>',
    "pin": '<path d="M9 3.5h6l-.8 6 3.3 3.5h-11l3.3-3.5z"/><path d="M12 13v7.5"/>',
    "crease": '<path d="M3.5 16 12 8l8.5 8"/><path d="M12 4v16" stroke-dasharray="2.4 2.4"/>',
    "outline": '<path d="M5 17 7.5 6 17 4.5l2.5 9.5-7 5.5z"/><circle cx="5" cy="17" r="1.9" fill="C"/>'
    '<circle cx="17" cy="4.5" r="1.9" fill="C"/>',
    "sensor": '<path d="M4.5 16.5a8 8 0 1 1 15 0"/><path d="m12 14 4-5"/><circle cx="12" cy="14.5" r="1.6" fill="C"/>',
    "contact": '<circle cx="8.5" cy="12" r="5"/><path d="M15 4.5v15"/><path d="M18 7v10" stroke-dasharray="2.4 2.4"/>',
    "clock": '<circle cx="12" cy="12" r="8"/><path d="M12 7v5l3.5 2.5"/>',
    "swatch": '<rect x="5" y="5" width="14" height="14" rx="3" fill="C"/>',
    "chevron-left": '<path d="m14 7.5-4.5 4.5 4.5 4.5"/>',
    "chevron-right": '<path d="m10 7.5 4.5 4.5-4.5 4.5"/>',
    "chevron": '<path d="m8 10 4 4 4-4"/>',
    "app": '<path d="M4 17C8 7 10 19 14 9c1-2.5 3.5-4 6-4"/><circle cx="14.2" cy="9" r="2.3" fill="C"/>',
}  # fmt: skip


def svg(name: str, colour: str) -> bytes:
    """The icon as an SVG file in one colour."""
    body = SHAPES[name].replace('fill="C"', f'fill="{colour}"')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke-linecap="round" '
        f'stroke-linejoin="round" stroke="{colour}" stroke-width="1.7">{body}</svg>'
    ).encode()


def icon(name: str, *, colour: str = "") -> QIcon:
    """The icon called `name`; `colour` overrides the theme's text colour. An empty name gives an empty icon."""
    return QIcon(_Engine(name, colour)) if name else QIcon()


class _Engine(QIconEngine):
    """Renders at the size that is asked for, in the theme of the moment."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name = name
        self._colour = colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        tokens = current_tokens()
        colour = self._colour or tokens.text
        if mode == QIcon.Mode.Disabled:
            colour = tokens.text_off
        QSvgRenderer(QByteArray(svg(self._name, colour))).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._colour)
