"""Where the panels stand: docks around the viewport."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QWidget

LEFT, RIGHT, BOTTOM = (
    Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea,
)
LOW = 170
"""Pixels of the bottom where samples need the height."""
RARE = {
    "tasks": (BOTTOM, "history"),
    "log": (BOTTOM, "history"),
    "scene": (RIGHT, "study"),
    "samples": (LEFT, "gallery"),
    "model": (RIGHT, "study"),
}
"""Docks that are hidden until they are asked for, or their workspace is: where they come, and in whose place."""


def build_docks(window: QMainWindow, *, run: QWidget, blank: Callable[[], QWidget]) -> dict[str, QDockWidget]:
    """Objects and gallery left, the study right, run and history at the bottom; by name.

    `blank` makes what stands in the docks until their panels come.
    """
    window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
    window.setCorner(Qt.Corner.BottomLeftCorner, BOTTOM)
    areas = {"objects": LEFT, "gallery": LEFT, "properties": LEFT, "selections": LEFT, "study": RIGHT}
    docks = {
        name: _dock(window, name, title, run if name == "run" else blank(), areas.get(name, BOTTOM))
        for name, title in dock_titles().items()
    }
    vertical, horizontal = Qt.Orientation.Vertical, Qt.Orientation.Horizontal
    window.splitDockWidget(docks["objects"], docks["gallery"], vertical)
    window.splitDockWidget(docks["run"], docks["history"], vertical)
    window.resizeDocks([docks["objects"], docks["study"]], [250, 330], horizontal)
    window.resizeDocks([docks["run"], docks["history"]], [235, 175], vertical)
    window.resizeDocks([docks["objects"], docks["gallery"]], [200, 300], vertical)
    for name in ("properties", "selections"):
        window.tabifyDockWidget(docks["gallery"], docks[name])
    docks["gallery"].raise_()
    return docks


def show_dock(window: QMainWindow, docks: dict[str, QDockWidget], name: str) -> None:
    """Bring a dock into sight, before those that share its place."""
    dock = docks[name]
    if name in RARE and window.dockWidgetArea(dock) == Qt.DockWidgetArea.NoDockWidgetArea and not dock.isFloating():
        area, beside = RARE[name]
        window.addDockWidget(area, dock)
        window.tabifyDockWidget(docks[beside], dock)
    dock.show()
    dock.raise_()


def make_room_for_samples(window: QMainWindow, docks: dict[str, QDockWidget]) -> None:
    """Let the table of samples be high and the bottom low: the history stands behind the run."""
    vertical, horizontal = Qt.Orientation.Vertical, Qt.Orientation.Horizontal
    window.tabifyDockWidget(docks["run"], docks["history"])
    docks["run"].raise_()
    window.resizeDocks([docks["run"]], [LOW], vertical)
    window.resizeDocks([docks["objects"], docks["samples"]], [132, 860], vertical)
    window.resizeDocks([docks["samples"], docks["model"]], [330, 340], horizontal)


def scrolling(panel: QWidget, *, across: bool = True) -> QScrollArea:
    """A panel that would make the window too high for a small screen, in a frame that scrolls it.

    across : it may be scrolled sideways too; else it is as wide as its frame, whatever it asks for
    """
    area = QScrollArea(panel.parentWidget())
    area.setProperty("panel", True)
    area.setAccessibleName(panel.accessibleName())
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(panel)
    if not across:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        panel.setMinimumWidth(1)  # in place of what its rows ask for
    return area


def dock_titles() -> dict[str, str]:
    """How the docks are called, in the order of the View menu."""
    return {
        "objects": _tr("Objects"),
        "gallery": _tr("Gallery"),
        "properties": _tr("Properties"),
        "selections": _tr("Selections"),
        "scene": _tr("Scene"),
        "samples": _tr("Samples"),
        "study": _tr("Study"),
        "model": _tr("Model"),
        "run": _tr("Run"),
        "history": _tr("History"),
        "tasks": _tr("Tasks"),
        "log": _tr("Log"),
    }


def _dock(window: QMainWindow, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
    dock = QDockWidget(title, window)
    dock.setObjectName(name)
    dock.setAccessibleName(title)
    dock.setWidget(widget)
    if name in RARE:
        dock.hide()  # it gets its place when it is shown first: the tabs of docks that were never seen stand about
    else:
        window.addDockWidget(area, dock)
    return dock


def _tr(text: str) -> str:
    return QCoreApplication.translate("Docks", text)
