"""The mouse of tests: real Qt events, sent to the widget itself.

`QTest.mouseMove` without a button moves the pointer of the display instead: on X the event comes later, or to
another window that lies there. A test that looks at once would see nothing follow the pointer, now and then.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

LEFT = Qt.MouseButton.LeftButton
MIDDLE = Qt.MouseButton.MiddleButton
RIGHT = Qt.MouseButton.RightButton
NO_BUTTON = Qt.MouseButton.NoButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier

Pixel = tuple[float, float]


def press(view: QWidget, at: Pixel, keys: Qt.KeyboardModifier = NO_KEYS, button: Qt.MouseButton = LEFT) -> None:
    _send(view, QEvent.Type.MouseButtonPress, at, button, button, keys)


def move(view: QWidget, at: Pixel, keys: Qt.KeyboardModifier = NO_KEYS, button: Qt.MouseButton = LEFT) -> None:
    """With a button down."""
    _send(view, QEvent.Type.MouseMove, at, NO_BUTTON, button, keys)


def release(view: QWidget, at: Pixel, keys: Qt.KeyboardModifier = NO_KEYS, button: Qt.MouseButton = LEFT) -> None:
    _send(view, QEvent.Type.MouseButtonRelease, at, button, NO_BUTTON, keys)


def hover(view: QWidget, at: Pixel, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    _send(view, QEvent.Type.MouseMove, at, NO_BUTTON, NO_BUTTON, keys)


def leave(view: QWidget) -> None:
    """The pointer goes, wherever the display's own one is."""
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))


def click(view: QWidget, at: Pixel, keys: Qt.KeyboardModifier = NO_KEYS, button: Qt.MouseButton = LEFT) -> None:
    press(view, at, keys, button)
    release(view, at, keys, button)


def drag(
    view: QWidget,
    start: Pixel,
    end: Pixel,
    keys: Qt.KeyboardModifier = NO_KEYS,
    button: Qt.MouseButton = LEFT,
    steps: int = 6,
) -> None:
    press(view, start, keys, button)
    for step in range(1, steps + 1):
        share = step / steps
        x, y = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
        move(view, (x, y), keys, button)
    release(view, end, keys, button)


def double_click(view: QWidget, at: Pixel) -> None:
    QTest.mouseDClick(view, LEFT, NO_KEYS, QPointF(*at).toPoint())


def wheel(view: QWidget, at: Pixel, steps: int, keys: Qt.KeyboardModifier = NO_KEYS) -> None:
    event = QWheelEvent(
        QPointF(*at), view.mapToGlobal(QPointF(*at)), QPoint(), QPoint(0, 120 * steps),
        NO_BUTTON, keys, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def _send(
    view: QWidget,
    kind: QEvent.Type,
    at: Pixel,
    button: Qt.MouseButton,
    held: Qt.MouseButton,
    keys: Qt.KeyboardModifier,
) -> None:
    place = QPointF(*at)
    QApplication.sendEvent(view, QMouseEvent(kind, place, view.mapToGlobal(place), button, held, keys))
