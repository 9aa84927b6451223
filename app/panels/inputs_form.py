"""What a study on a scene is to meet: a row a role, with what plays it, and a menu of what could."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from app.document.document import Document
from app.document.project import FILE_ROLES
from app.document.workspaces import PART, PREDICT
from app.panels.icons import icon
from app.work.inputs import START
from engine.protocol.study import MODEL

if TYPE_CHECKING:
    from app.work.inputs import Inputs


class InputsForm(QWidget):
    """Asks for files by signals; hidden where the study has no roles of its own."""

    file_wanted = Signal(str)  # role
    folder_wanted = Signal(str)

    def __init__(self, document: Document, inputs: Inputs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._inputs = inputs
        self.buttons: dict[str, QToolButton] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnMinimumWidth(0, 92)
        self.lacking = QLabel(self)
        self.lacking.setWordWrap(True)
        self.lacking.setProperty("outside", True)
        document.catalogue_changed.subscribe(self.refresh)
        document.study_changed.subscribe(self.refresh)
        document.objects_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what plays each role now."""
        roles = self._inputs.roles
        if list(roles) != list(self.buttons):
            self._draw(roles)
        for role, button in self.buttons.items():
            name = self._inputs.playing(role)
            button.setText(name or self.tr("Choose…"))
            button.setIcon(icon("target" if name else "add"))
            path = self._document.study.inputs.get(role, "")
            button.setToolTip("\n".join(part for part in (roles[role], path) if part))
            button.setEnabled(not self._document.run.active)
        self.lacking.setText(self._inputs.lack)
        self.lacking.setVisible(bool(self._inputs.lack))
        self.setVisible(bool(roles))

    def _draw(self, roles: dict[str, str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self.lacking:
                widget.hide()
                widget.deleteLater()
        self.buttons.clear()
        for row, role in enumerate(roles):
            titles = {
                MODEL: self.tr("Model"),
                "recording": self.tr("Recording"),
                START: self.tr("Start from"),
                PART: self.tr("Part"),
            }
            title = titles.get(role, self.tr("Target"))
            label = QLabel(title, self)
            label.setToolTip(roles[role])
            button = QToolButton(self)
            button.setAccessibleName(title)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            button.setProperty("menuButton", True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            label.setBuddy(button)
            menu = QMenu(button)
            menu.setAccessibleName(title)
            menu.aboutToShow.connect(partial(self._fill, menu, role))
            button.setMenu(menu)
            self._grid.addWidget(label, row, 0)
            self._grid.addWidget(button, row, 1)
            self.buttons[role] = button
        self._grid.addWidget(self.lacking, len(roles), 0, 1, 2)

    def _fill(self, menu: QMenu, role: str) -> None:
        inputs = self._inputs
        menu.clear()
        if role == MODEL:
            menu.addAction(self.tr("Model file…"), partial(self.file_wanted.emit, role))
            if self._document.study.study != PREDICT:
                menu.addAction(
                    self.tr("Vases, learnt at the first use"), partial(inputs.use_file, role, Path("sample:vases"))
                )
            return
        for name in inputs.objects():
            menu.addAction(icon("mesh"), name, partial(inputs.use_object, role, name))
        menu.addSeparator()
        if role in FILE_ROLES:
            last = menu.addAction(
                icon("live"), self.tr("Use the last simulation"), partial(inputs.use_last_simulation, role)
            )
            last.setEnabled(inputs.last_simulation is not None)
            menu.addAction(self.tr("Folder of a trajectory…"), partial(self.folder_wanted.emit, role))
            menu.addAction(self.tr("Table of points (CSV), mesh or scan…"), partial(self.file_wanted.emit, role))
        else:
            menu.addAction(self.tr("Mesh or scan…"), partial(self.file_wanted.emit, role))
        if inputs.playing(role):
            menu.addSeparator()
            menu.addAction(self.tr("Nothing"), partial(inputs.use_nothing, role))
