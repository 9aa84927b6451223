"""By what one selects: the selection tool and its modes, in one button."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from app.panels.icons import icon


class SelectTools(QToolButton):
    """Says by what the mouse selects now; its menu takes the tool in another mode."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._modes: list[QAction] = []
        self.setProperty("menuButton", True)
        self.setIcon(icon("chevron"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("By what to select"))
        self.setToolTip(self.tr("Click, box, lasso, brush …, and how the rim of the brush fades"))
        self._say()

    def set_actions(self, groups: Sequence[Sequence[QAction]]) -> None:
        """Actions of the menu, a line between two groups; those of the first are the modes."""
        menu = QMenu(self)
        menu.setAccessibleName(self.accessibleName())
        for place, group in enumerate(groups):
            if place:
                menu.addSeparator()
            menu.addActions(list(group))
        self.setMenu(menu)
        self._modes = list(groups[0]) if groups else []
        for action in self._modes:
            action.toggled.connect(self._say)
        self._say()

    def _say(self) -> None:
        chosen = next((action.text() for action in self._modes if action.isChecked()), "")
        self.setText(self.tr("Select {0}").format(chosen[:1].lower() + chosen[1:]) if chosen else self.tr("Select by…"))
