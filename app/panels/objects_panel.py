"""The objects dock: what is open, the Run's result and its handles, each with an eye."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from app.document.document import Document
from app.panels.icons import icon
from app.panels.theme import current_tokens
from app.viewport.viewing import RESULT
from engine.core.units import MILLIMETRES_PER
from engine.geometry.mesh import Mesh

NAME = Qt.ItemDataRole.UserRole
KIND = Qt.ItemDataRole.UserRole + 1

EYE, ROLE = 1, 2
"""Columns. The role stands between the name and the eye."""


class ObjectsPanel(QTreeWidget):
    """A tree: the name, the word *target* at the object that the study is about, the eye that shows or hides."""

    visibility_changed = Signal(str, str, bool)  # kind ("object", "result"), name, visible
    frame_wanted = Signal(str)
    close_wanted = Signal(str)
    target_wanted = Signal(str)
    term_removal_wanted = Signal(str)
    unit_wanted = Signal(str, str)  # name, unit of its file

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.result_visible = True
        self.setAccessibleName(self.tr("Objects"))
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setIndentation(14)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(EYE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(EYE, 30)
        self.header().setSectionResizeMode(ROLE, QHeaderView.ResizeMode.ResizeToContents)
        self.header().setMinimumSectionSize(0)
        self.header().moveSection(ROLE, EYE)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda item, _: self.frame_wanted.emit(item.data(0, NAME)))
        self.currentItemChanged.connect(lambda item, _: document.select(item.data(0, NAME) if item else ""))
        for topic in (document.objects_changed, document.study_changed):
            topic.subscribe(self.refresh)
        self._shown: list[tuple[str, ...]] = []
        self.refresh()

    def refresh(self) -> None:
        """Draw the tree anew when something in it changed."""
        document = self._document
        rows: list[tuple[str, ...]] = [
            (item.name, item.describe(), item.unit, str(item.visible), document.role_of(item.name))
            for item in document.objects
        ]
        rows += [("handle", spec.name) for spec in document.handles()]
        rows.append((RESULT, str(self.result_visible), str(document.run.exists)))
        if rows == self._shown:
            return
        self._shown = rows
        blocked = self.blockSignals(True)
        selected = document.selected
        self.clear()
        for item in document.objects:
            kind = "mesh" if isinstance(item.geometry, Mesh) else "points"
            row = self._row(self, "object", item.name, kind, item.visible)
            role = document.role_of(item.name)
            row.setToolTip(0, f"{item.name}\n{item.describe()}, {item.unit}" + (f"\n{role}" if role else ""))
            if role:
                row.setText(ROLE, self.tr("target") if role == "target" else role)
                row.setForeground(ROLE, QColor(current_tokens().accent))
                row.setToolTip(ROLE, self.tr("The study is about this one"))
                row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{item.name}, {row.text(ROLE)}")
            row.setForeground(0, self.palette().text() if item.visible else QColor(self.palette().mid().color()))
        if document.run.exists:
            result = self._row(self, RESULT, RESULT, "app", self.result_visible)
            result.setText(0, self.tr("Result"))
            for spec in document.handles():
                handle = self._row(result, "handle", spec.name, "handle", None)
                handle.setToolTip(0, self.tr("A Term that pulls the surface here"))
        self.expandAll()
        for row in self.findItems(selected, Qt.MatchFlag.MatchRecursive):
            self.setCurrentItem(row)
        self.blockSignals(blocked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if item is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(item)
        elif item is not None and event.key() == Qt.Key.Key_V:
            self._clicked(item, EYE)
        else:
            super().keyPressEvent(event)

    def _row(
        self, parent: QTreeWidget | QTreeWidgetItem, kind: str, name: str, symbol: str, visible: bool | None
    ) -> QTreeWidgetItem:
        row = QTreeWidgetItem(parent, [name])
        row.setData(0, NAME, name)
        row.setData(0, KIND, kind)
        row.setIcon(0, icon(symbol))
        if visible is not None:
            row.setIcon(EYE, icon("eye" if visible else "eye-off"))
            row.setToolTip(EYE, self.tr("Hide") if visible else self.tr("Show"))
            row.setData(EYE, Qt.ItemDataRole.AccessibleTextRole, row.toolTip(EYE))
        return row

    def _clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column != EYE:
            return
        kind, name = item.data(0, KIND), item.data(0, NAME)
        if kind == RESULT:
            self.result_visible = not self.result_visible
            self.visibility_changed.emit(RESULT, name, self.result_visible)
            self.refresh()
        elif kind == "object":
            shown = self._document.object(name)
            if shown is not None:
                self.visibility_changed.emit("object", name, not shown.visible)

    def _context_menu(self, place: QPoint) -> None:
        item = self.itemAt(place)
        if item is None:
            return
        menu = QMenu(self)
        menu.addAction(icon("frame"), self.tr("Frame"), lambda: self.frame_wanted.emit(item.data(0, NAME)))
        if item.data(0, KIND) != "handle":
            menu.addAction(icon("eye"), self.tr("Show or hide"), lambda: self._clicked(item, EYE))
        if item.data(0, KIND) == "object":
            name = item.data(0, NAME)
            use = menu.addAction(icon("target"), self.tr("Use as target"), lambda: self.target_wanted.emit(name))
            use.setEnabled(self._document.role_of(name) != "target")
            self._add_units(menu, name)
        if item.data(0, KIND) != RESULT:
            menu.addAction(icon("remove"), self.tr("Remove"), lambda: self._remove(item))
        menu.popup(self.viewport().mapToGlobal(place))

    def _add_units(self, menu: QMenu, name: str) -> None:
        """A file that declares no unit was taken for millimetres; here a person says otherwise."""
        shown = self._document.object(name)
        units = menu.addMenu(self.tr("Unit of the file"))
        for unit in MILLIMETRES_PER:
            action = units.addAction(unit)
            action.setCheckable(True)
            action.setChecked(shown is not None and shown.unit == unit)
            action.triggered.connect(lambda _=False, unit=unit: self.unit_wanted.emit(name, unit))

    def _remove(self, item: QTreeWidgetItem) -> None:
        if item.data(0, KIND) == "object":
            self.close_wanted.emit(item.data(0, NAME))
        elif item.data(0, KIND) == "handle":
            self.term_removal_wanted.emit(item.data(0, NAME))
