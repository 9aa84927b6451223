"""The tool strip beside the viewport: tools, colours and camera, one click away."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtWidgets import QAbstractButton, QToolBar, QWidget

from app.actions.registry import ActionRegistry

GROUPS = (
    ("tool.navigate", "tool.handle", "tool.brush", "tool.measure"),
    ("view.sensitivity", "view.lock-range", "view.wireframe"),
    ("view.frame", "view.perspective"),
)
"""Ids of the actions in it; a line parts the groups."""


def build_tool_strip(registry: ActionRegistry, parent: QWidget) -> QToolBar:
    """A vertical bar of icons, each reachable by Tab and named."""
    strip = QToolBar(parent)
    strip.setOrientation(Qt.Orientation.Vertical)
    strip.setIconSize(QSize(20, 20))
    strip.setAccessibleName(QCoreApplication.translate("ToolStrip", "Tools of the viewport"))
    for ids in GROUPS:
        if ids is not GROUPS[0]:
            strip.addSeparator()
        registry.fill(strip, [registry.action(id) for id in ids])
    more = QCoreApplication.translate("ToolStrip", "More tools")
    for button in strip.findChildren(QAbstractButton):
        button.setAccessibleName(button.text() or button.toolTip() or more)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return strip
