"""Where the panels stand: docks around the viewport."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)


def build_docks(window: QMainWindow, *, run: QWidget, blank: Callable[[], QWidget]) -> dict[str, QDockWidget]:
    """Objects and gallery left, the study right, run and history at the bottom; by name.

    `blank` makes what stands in the docks until their panels come.
    """
    window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
    window.setCorner(Qt.Corner.BottomLeftCorner, BOTTOM)
    docks = {
        "objects": _dock(window, "objects", _tr("Objects"), blank(), LEFT),
        "gallery": _dock(window, "gallery", _tr("Gallery"), blank(), LEFT),
        "study": _dock(window, "study", _tr("Study"), blank(), RIGHT),
        "run": _dock(window, "run", _tr("Run"), run, BOTTOM),
        "history": _dock(window, "history", _tr("History"), blank(), BOTTOM),
    }
    vertical, horizontal = Qt.Orientation.Vertical, Qt.Orientation.Horizontal
    window.splitDockWidget(docks["objects"], docks["gallery"], vertical)
    window.splitDockWidget(docks["run"], docks["history"], vertical)
    window.resizeDocks([docks["objects"], docks["study"]], [250, 330], horizontal)
    window.resizeDocks([docks["run"], docks["history"]], [180, 150], vertical)
    window.resizeDocks([docks["objects"], docks["gallery"]], [200, 300], vertical)
    return docks


def _dock(window: QMainWindow, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setAccessibleName(title)
    dock.setWidget(widget)
    window.addDockWidget(area, dock)
    return dock


def _tr(text: str) -> str:
    return QCoreApplication.translate("Docks", text)
