"""The tool strip beside the viewport: tools, colours and camera, one click away."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QToolButton, QWidget

from app.actions.registry import ActionRegistry

GROUPS = (
    (
        "tool.navigate",
        "tool.handle",
        "tool.brush",
        "tool.open-here",
        "tool.closed-here",
        "tool.select",
        "tool.move",
        "tool.measure",
        "tool.probe",
    ),
    ("tool.pin", "tool.crease", "tool.outline", "tool.pull", "view.setup"),
    ("view.sensitivity", "view.lock-range", "view.wireframe", "clip.plane"),
    ("view.frame", "view.perspective"),
)  # fmt: skip
"""Ids of the actions in it; a line parts the groups."""
SIDE = 34
"""Of a button [px]."""
GAP = 3


class ToolStrip(QWidget):
    """Icons below each other; where the window is too low for them they stand in more columns, and none is hidden."""

    def __init__(self, registry: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(QCoreApplication.translate("ToolStrip", "Tools of the viewport"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self._buttons = {id: self._button(registry, id) for ids in GROUPS for id in ids}
        self._left_out: frozenset[str] = frozenset()
        self._groups = [[self._buttons[id] for id in ids] for ids in GROUPS]
        self._lines = [self._line() for _ in GROUPS[1:]]
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(GAP, GAP, GAP, GAP)
        self._grid.setSpacing(GAP)
        self._arrange(1)

    def leave_out(self, ids: Iterable[str]) -> None:
        """Show all but these."""
        self._left_out = frozenset(ids)
        for id, button in self._buttons.items():
            button.setVisible(id not in self._left_out)
        self._groups = [
            group for ids in GROUPS if (group := [self._buttons[id] for id in ids if id not in self._left_out])
        ]
        self._columns = 0
        self._arrange(self._columns_for(self.height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self._columns_for(event.size().height()))

    def _columns_for(self, height: int) -> int:
        """How many columns it takes in this height [px]."""
        count = sum(map(len, self._groups))
        rows = max(1, (height - GAP) // (SIDE + GAP))
        lines = (len(self._groups) - 1) * (GAP + 2)
        fits = count * (SIDE + GAP) + lines + GAP <= height
        return 1 if fits else -(-count // rows)

    def sizeHint(self) -> QSize:
        return QSize(GAP + self._columns * (SIDE + GAP), 0)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _arrange(self, columns: int) -> None:
        """One column with lines between the groups, or more without."""
        if columns == self._columns:
            return
        self._columns = columns
        while self._grid.takeAt(0) is not None:
            pass
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        buttons = [button for group in self._groups for button in group]
        for place, line in enumerate(self._lines):
            line.setVisible(columns == 1 and place < len(self._groups) - 1)
        if columns == 1:
            row = 0
            for place, group in enumerate(self._groups):
                for widget in [*self._lines[place - 1 : place], *group]:
                    self._grid.addWidget(widget, row, 0)
                    row += 1
        else:
            for place, button in enumerate(buttons):
                self._grid.addWidget(button, place // columns, place % columns)
            row = -(-len(buttons) // columns)
        self._grid.setRowStretch(row, 1)
        self.updateGeometry()

    def _button(self, registry: ActionRegistry, id: str) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(registry.drawn(id))
        button.setIconSize(QSize(20, 20))
        button.setFixedSize(SIDE, SIDE)
        button.setAccessibleName(registry.action(id).text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _line(self) -> QFrame:
        line = QFrame(self)
        line.setProperty("line", True)
        line.setFixedHeight(1)
        return line
