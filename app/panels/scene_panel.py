"""The scene dock: what is simulated as a tree, and below it the form of what is chosen there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.document.document import Document
from app.panels.icons import icon
from app.panels.scene_form import SceneForm
from app.panels.scene_menu import fill_add_menu
from app.panels.scene_tree import SceneTree

if TYPE_CHECKING:
    from app.work.workbench import Workbench


class ScenePanel(QWidget):
    """Shows the scene of the study; says how to begin where there is nothing in it."""

    outline_wanted = Signal()
    open_wanted = Signal()

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._workbench = workbench
        self._staging = workbench.staging
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(self.tr("Scene"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._build_buttons())
        self.empty = self._build_empty()
        column.addWidget(self.empty)
        self.tree = SceneTree(workbench, self)
        self.form = SceneForm(document, workbench, self)
        self.split = QSplitter(Qt.Orientation.Vertical, self)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.tree)
        self.split.addWidget(self.form)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 2)
        self.split.setSizes([190, 380])
        column.addWidget(self.split, 1)
        self.divided = self._build_divided()
        column.addWidget(self.divided)
        workbench.scene_drawing.changed.subscribe(self.refresh)
        document.objects_changed.subscribe(self.refresh)
        workbench.link.begun.subscribe(self._tell_divided)
        workbench.link.snapshot_arrived.subscribe(lambda _: self._tell_divided())
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(330, super().sizeHint().height())

    def refresh(self) -> None:
        """Show the scene as it is now."""
        scene = self._staging.scene
        empty = scene is None or not any(True for _ in scene.bodies())
        self.empty.setVisible(empty)
        self.add.setEnabled(scene is not None)
        chosen = self._staging.chosen
        body = chosen is not None and (chosen.is_body or chosen.kind == "sensor")
        self.duplicate.setEnabled(body)
        self.remove.setEnabled(body or (chosen is not None and chosen.is_part))
        self.tree.refresh()
        self.form.refresh()

    def _tell_divided(self) -> None:
        """Say which steps of the Run were divided; nothing where none was."""
        told = self._document.run.info.get("divided")
        self.divided.setVisible(isinstance(told, dict))
        if isinstance(told, dict):
            text = self.tr("Step {0} was taken in {1} parts").format(told["step"], told["parts"])
            others = told["count"] - 1
            more = self.tr(" · 1 more was divided") if others == 1 else self.tr(" · {0} more were divided")
            self.divided.setText(text + more.format(others) if others else text)

    # Building -----------------------------------------------------------------------------------------------------

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(4)
        self.add = QToolButton(self)
        self.add.setText(self.tr("Add"))
        self.add.setIcon(icon("add"))
        self.add.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setProperty("menuButton", True)
        self.add.setAccessibleName(self.tr("Add to the scene"))
        self.add.setToolTip(self.tr("A sheet, a solid, an obstacle, a gripper or a sensor"))
        menu = QMenu(self.add)
        menu.setAccessibleName(self.add.accessibleName())
        menu.aboutToShow.connect(partial(self._fill_add, menu))
        self.add.setMenu(menu)
        row.addWidget(self.add)
        row.addStretch(1)
        self.duplicate = self._button("copy", self.tr("Duplicate"), self._staging.duplicate)
        self.remove = self._button("remove", self.tr("Remove from the scene"), self._staging.remove)
        row.addWidget(self.duplicate)
        row.addWidget(self.remove)
        return row

    def _build_empty(self) -> QWidget:
        holder = QWidget(self)
        column = QVBoxLayout(holder)
        column.setContentsMargins(10, 0, 10, 0)
        column.setSpacing(6)
        hint = QLabel(
            self.tr("A scene needs a sheet or a solid, and something that it falls on or hangs from."), holder
        )
        hint.setWordWrap(True)
        hint.setProperty("soft", True)
        column.addWidget(hint)
        for symbol, title, do in (
            ("sheet", self.tr("Add a sheet"), lambda: self._staging.add_body("sheet", "rectangle")),
            ("outline", self.tr("Draw a sheet's outline"), self.outline_wanted.emit),
            ("open", self.tr("Open a scene…"), self.open_wanted.emit),
        ):
            button = QPushButton(icon(symbol), title, holder)
            button.setAccessibleName(title)
            button.clicked.connect(do)
            column.addWidget(button)
        return holder

    def _build_divided(self) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        label.setProperty("bar", "note")
        label.setMargin(6)
        label.setAccessibleName(self.tr("Divided steps"))
        label.setToolTip(
            self.tr(
                "Whole, it would have led through something, or found no end. Smaller steps follow fast motion better; "
                "how many parts are allowed is set under Time."
            )
        )
        label.hide()
        return label

    def _button(self, symbol: str, title: str, do: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setAutoRaise(True)
        button.setToolTip(title)
        button.setAccessibleName(title)
        button.clicked.connect(lambda _=False: do())
        return button

    def _fill_add(self, menu: QMenu) -> None:
        menu.clear()
        fill_add_menu(menu, self._document, self._staging, self.outline_wanted.emit)
