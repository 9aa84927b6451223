"""In which order Tab goes through the window: as one reads it.

Qt goes by when widgets were made, and a form that is drawn anew for what is chosen would come last of all.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenuBar, QStatusBar, QWidget


def next_in_reading_order(window: QMainWindow, now: QWidget | None, *, forward: bool) -> QWidget | None:
    """What Tab (or Shift+Tab) comes to from `now`; None where nothing takes the focus."""
    chain = list(reading_order(window))
    if not chain:
        return None
    if now not in chain:
        return chain[0 if forward else -1]
    return chain[(chain.index(now) + (1 if forward else -1)) % len(chain)]


def reading_order(window: QMainWindow) -> Iterator[QWidget]:
    """All that takes the focus by Tab: the bar at the top, the left docks, tools, the middle with what lies below it,
    the right docks; in each of them row by row, a box wholly before the next one."""
    # Docks that share a place go by their names: which of them is seen changes with every Tab that comes to another.
    places = {part: (*_place(window, part), part.objectName()) for part in _parts(window)}
    for part in sorted(places, key=lambda part: places[part]):
        yield from _within(part)


def _parts(window: QMainWindow) -> list[QWidget]:
    return [child for child in _children(window) if child.isVisible()]


def _place(window: QMainWindow, part: QWidget) -> tuple[int, int, int]:
    """Column, and where in it; a dock that lies behind another is where that one is."""
    centre = window.centralWidget()
    middle = centre.geometry() if centre is not None else window.rect()
    box = part.geometry()
    if isinstance(part, QDockWidget) and part.visibleRegion().isEmpty():
        seen = [other for other in window.tabifiedDockWidgets(part) if not other.visibleRegion().isEmpty()]
        box = seen[0].geometry() if seen else box
    if isinstance(part, QMenuBar):
        return -1, 0, 0
    if isinstance(part, QStatusBar):
        return 3, 0, 0
    across = box.center().x()
    if across < middle.left():
        return 0, box.left(), box.top()
    if across > middle.right():
        return 2, box.left(), box.top()
    return 1, box.top(), box.left()


def _within(widget: QWidget) -> Iterator[QWidget]:
    if not widget.isVisible() or not widget.isEnabled():
        return
    if (widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and widget.focusProxy() is None:
        yield widget
    for child in _by_rows([child for child in _children(widget) if child.isVisible()]):
        yield from _within(child)


def _children(widget: QWidget) -> list[QWidget]:
    return [child for child in widget.children() if isinstance(child, QWidget) and not child.isWindow()]


def _by_rows(widgets: list[QWidget]) -> list[QWidget]:
    """Siblings, from the top, and in a row from the left; a row is what the middle of its first lies beside."""
    rows: list[tuple[QRect, list[QWidget]]] = []
    for widget in sorted(widgets, key=lambda one: (one.geometry().center().y(), one.x())):
        box = widget.geometry()
        if rows and rows[-1][0].contains(QPoint(rows[-1][0].left(), box.center().y())):
            rows[-1][1].append(widget)
        else:
            rows.append((box, [widget]))
    return [widget for _, row in rows for widget in sorted(row, key=QWidget.x)]
