"""The objects dock: what is open, in groups, the Run's result and its handles, each with an eye."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QItemSelectionModel, QMimeData, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from app.document.document import Document
from app.document.project import RESULT, SceneObject
from app.document.scene import groups
from app.document.workspaces import PART
from app.panels.icons import icon
from app.panels.objects_menu import fill_objects_menu
from app.panels.theme import current_tokens
from engine.geometry.mesh import Mesh

if TYPE_CHECKING:
    from app.work.workbench import Workbench

NAME = Qt.ItemDataRole.UserRole
KIND = Qt.ItemDataRole.UserRole + 1  # "object", "group", "result", "handle"

EYE, ROLE = 1, 2
"""Columns. The role stands between the name and the eye."""
DRAGGED = "application/x-formwright-objects"
"""What a drag within the tree carries: names of objects, as JSON."""


class ObjectsPanel(QTreeWidget):
    """A tree: the name in its colour, the word *target* at the object that the study is about, the eye that shows or
    hides. Rows are dragged to another place or into a group."""

    result_visibility_changed = Signal(bool)
    frame_wanted = Signal(str)

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._workbench = workbench
        self._scene = workbench.scene
        self.result_visible = True
        self._folded: set[str] = set()
        self._shown: list[tuple[object, ...]] = []
        self.setAccessibleName(self.tr("Objects"))
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(EYE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(EYE, 30)
        header.setSectionResizeMode(ROLE, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(0)
        header.moveSection(ROLE, EYE)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda item, _: self.frame_wanted.emit(item.data(0, NAME)))
        self.itemSelectionChanged.connect(self._choose)
        self.itemChanged.connect(self._renamed)
        self.itemCollapsed.connect(lambda item: self._folded.add(item.data(0, NAME)))
        self.itemExpanded.connect(lambda item: self._folded.discard(item.data(0, NAME)))
        self.itemDelegate().closeEditor.connect(self._editor_closed)
        for topic in (document.objects_changed, document.study_changed):
            topic.subscribe(self.refresh)
        self._scene.chosen_changed.subscribe(self._show_chosen)
        self._soften()
        self.refresh()

    def refresh(self) -> None:
        """Draw the tree anew when something in it changed."""
        document = self._document
        rows: list[tuple[object, ...]] = [
            (item.name, item.describe(), item.unit, item.visible, item.colour, item.group, document.role_of(item.name))
            for item in document.objects
        ]
        rows += [("handle", spec.name) for spec in document.handles()]
        rows.append((RESULT, self.result_visible, document.run.exists))
        if rows == self._shown or self.state() == QAbstractItemView.State.EditingState:
            return
        self._shown = rows
        blocked = self.blockSignals(True)
        self.clear()
        self.setRootIsDecorated(bool(groups(document.project)))
        parents: dict[str, QTreeWidgetItem] = {}
        for item in document.objects:
            if item.group and item.group not in parents:
                parents[item.group] = self._group_row(item.group)
            self._object_row(parents.get(item.group, self), item)
        if document.run.exists:
            result = self._row(self, RESULT, RESULT, "app", self.result_visible)
            result.setText(0, self.tr("Result"))
            for spec in document.handles():
                handle = self._row(result, "handle", spec.name, "handle", None)
                handle.setToolTip(0, self.tr("A Term that pulls the surface here"))
            result.setExpanded(True)
        for name, row in parents.items():
            row.setExpanded(name not in self._folded)
        self.blockSignals(blocked)
        self._show_chosen()

    def rename_current(self) -> None:
        """Write another name in place."""
        row = self.currentItem()
        if row is not None and row.data(0, KIND) in ("object", "group"):
            self.editItem(row, 0)

    def chosen_groups(self) -> list[str]:
        """Groups whose own row is selected."""
        return [row.data(0, NAME) for row in self.selectedItems() if row.data(0, KIND) == "group"]

    # Keys and mouse -----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """V shows and hides here, whatever tool of the window it chooses elsewhere."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_v(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if row is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_selected()
        elif row is not None and event.key() == Qt.Key.Key_V:
            self._clicked(row, EYE)
        else:
            super().keyPressEvent(event)

    def remove_selected(self) -> None:
        """Take the selected objects out of the scene, and the selected handles out of the study."""
        for row in self.selectedItems():
            if row.data(0, KIND) == "handle":
                self._workbench.steering.remove_term(row.data(0, NAME))
                return
        self._scene.remove(self._scene.chosen)

    def toggle_visibility(self, row: QTreeWidgetItem) -> None:
        """Show or hide what a row stands for; with more rows selected, all of them."""
        kind, name = row.data(0, KIND), row.data(0, NAME)
        if kind == RESULT:
            self.result_visible = not self.result_visible
            self.result_visibility_changed.emit(self.result_visible)
            self.refresh()
        elif kind in ("object", "group"):
            names = groups(self._document.project).get(name, []) if kind == "group" else [name]
            if set(names) <= set(self._scene.chosen):
                names = list(self._scene.chosen)
            items = [item for item in self._document.objects if item.name in names]
            self._scene.show(names, not any(item.visible for item in items))

    def _clicked(self, row: QTreeWidgetItem, column: int) -> None:
        if column == EYE:
            self.toggle_visibility(row)

    def _context_menu(self, place: QPoint) -> None:
        row = self.itemAt(place)
        if row is not None:
            menu = QMenu(self)
            menu.setToolTipsVisible(True)
            fill_objects_menu(menu, self, row, self._document, self._workbench)
            menu.popup(self.viewport().mapToGlobal(place))

    # Dragging -----------------------------------------------------------------------------------------------------

    def mimeTypes(self) -> list[str]:
        return [DRAGGED]

    def mimeData(self, rows: list[QTreeWidgetItem]) -> QMimeData:  # type: ignore[override]  # PySide hands over a list
        """Objects, and the members of groups."""
        members = groups(self._document.project)
        names: list[str] = []
        for row in rows:
            kind, name = row.data(0, KIND), row.data(0, NAME)
            names += members.get(name, []) if kind == "group" else [name] if kind == "object" else []
        data = QMimeData()
        data.setData(DRAGGED, json.dumps(list(dict.fromkeys(names))).encode())
        return data

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(DRAGGED):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        super().dragMoveEvent(event)  # draws where it would go
        event.setAccepted(event.mimeData().hasFormat(DRAGGED))

    def dropEvent(self, event: QDropEvent) -> None:
        if not event.mimeData().hasFormat(DRAGGED):
            return
        names = json.loads(bytes(event.mimeData().data(DRAGGED).data()))
        before, group = self._place_of(self.itemAt(event.position().toPoint()), self.dropIndicatorPosition())
        event.setDropAction(Qt.DropAction.CopyAction)  # the tree is drawn anew: Qt must not take rows away itself
        event.accept()
        self.setState(QAbstractItemView.State.NoState)
        self._scene.move(names, before, group)

    def _place_of(
        self, row: QTreeWidgetItem | None, where: QAbstractItemView.DropIndicatorPosition
    ) -> tuple[str | None, str]:
        """Before which object, and in which group, a drop at a row puts things."""
        order = [item.name for item in self._document.objects]
        above = where == QAbstractItemView.DropIndicatorPosition.AboveItem
        if row is None or row.data(0, KIND) not in ("object", "group"):
            return None, ""
        if row.data(0, KIND) == "object":
            item = self._document.object(row.data(0, NAME))
            assert item is not None
            place = order.index(item.name) + (not above)
            return order[place] if place < len(order) else None, item.group
        group = row.data(0, NAME)
        members = groups(self._document.project)[group]
        if above:
            return members[0], ""
        place = order.index(members[-1]) + 1
        return order[place] if place < len(order) else None, group

    # Rows ---------------------------------------------------------------------------------------------------------

    def _object_row(self, parent: QTreeWidget | QTreeWidgetItem, item: SceneObject) -> None:
        kind = "mesh" if isinstance(item.geometry, Mesh) else "points"
        row = self._row(parent, "object", item.name, kind, item.visible, colour=item.colour)
        role = self._document.role_of(item.name)
        row.setToolTip(0, f"{item.name}\n{item.describe()}, {item.unit}" + (f"\n{role}" if role else ""))
        if role:
            row.setText(ROLE, self._role_title(item.name, role))
            row.setForeground(ROLE, QColor(current_tokens().accent))
            row.setToolTip(ROLE, self.tr("The study is about this one"))
            row.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{item.name}, {row.text(ROLE)}")
        if not item.visible:
            row.setForeground(0, QColor(current_tokens().text_off))

    def _role_title(self, name: str, role: str) -> str:
        """What stands beside an object: what the study calls it, where that says more than its name."""
        return {name: self.tr("in the scene"), "target": self.tr("target"), PART: self.tr("part")}.get(role, role)

    def _group_row(self, group: str) -> QTreeWidgetItem:
        members = [item for item in self._document.objects if item.group == group]
        row = self._row(self, "group", group, "folder", any(item.visible for item in members))
        row.setToolTip(0, self.tr("{0} objects").format(len(members)))
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, self.tr("Group {0}").format(group))
        return row

    def _row(
        self,
        parent: QTreeWidget | QTreeWidgetItem,
        kind: str,
        name: str,
        symbol: str,
        visible: bool | None,
        colour: str = "",
    ) -> QTreeWidgetItem:
        row = QTreeWidgetItem(parent, [name])
        row.setData(0, NAME, name)
        row.setData(0, KIND, kind)
        row.setIcon(0, icon(symbol, colour=colour))
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if kind in ("object", "group"):
            flags |= Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsDragEnabled
        if kind == "group":
            flags |= Qt.ItemFlag.ItemIsDropEnabled
        row.setFlags(flags)
        if visible is not None:
            row.setIcon(EYE, icon("eye" if visible else "eye-off"))
            row.setToolTip(EYE, self.tr("Hide") if visible else self.tr("Show"))
            row.setData(EYE, Qt.ItemDataRole.AccessibleTextRole, row.toolTip(EYE))
        return row

    def _all_rows(self) -> list[QTreeWidgetItem]:
        return self.findItems("*", Qt.MatchFlag.MatchWildcard | Qt.MatchFlag.MatchRecursive)

    # Choosing and renaming ----------------------------------------------------------------------------------------

    def _choose(self) -> None:
        """The rows that are selected are chosen; the current one counts most."""
        members = groups(self._document.project)
        rows = sorted(self.selectedItems(), key=lambda row: row is self.currentItem())
        names: list[str] = []
        for row in rows:
            kind, name = row.data(0, KIND), row.data(0, NAME)
            names += members.get(name, []) if kind == "group" else [name] if kind == "object" else []
        self._scene.choose(list(dict.fromkeys(names)))
        if rows and rows[-1].data(0, KIND) in ("handle", RESULT):
            self._document.select(rows[-1].data(0, NAME))

    def _show_chosen(self) -> None:
        """Select the rows of what is chosen."""
        chosen = self._scene.chosen
        members = groups(self._document.project)
        held = {name for group in self.chosen_groups() for name in members.get(group, [])}
        shown = {row.data(0, NAME) for row in self.selectedItems() if row.data(0, KIND) == "object"}
        if chosen and shown | held == set(chosen):
            return  # a group's own row stands for its members
        current = chosen[-1] if chosen else self._document.selected
        blocked = self.blockSignals(True)
        self.setAutoScroll(False)  # it would unfold the group of the current one
        self.clearSelection()
        for row in self._all_rows():
            kind, name = row.data(0, KIND), row.data(0, NAME)
            if kind != "group" and name == current:
                self.setCurrentItem(row, 0, QItemSelectionModel.SelectionFlag.NoUpdate)
                row.setSelected(True)
            elif kind == "object" and name in chosen:
                row.setSelected(True)
        self.setAutoScroll(True)
        self.blockSignals(blocked)
        self.viewport().update()

    def _renamed(self, row: QTreeWidgetItem, column: int) -> None:
        name, new = row.data(0, NAME), row.text(0)
        if column != 0 or new == name:
            return
        if row.data(0, KIND) == "group":
            self._scene.rename_group(name, new)
        else:
            self._scene.rename(name, new)

    def _editor_closed(self) -> None:
        """What was written may have been refused: the tree shows what holds."""
        self.setState(QAbstractItemView.State.NoState)
        self._shown = []
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._shown:
            self._shown = []
            self._soften()
            self.refresh()

    def _soften(self) -> None:
        """What the style sheet does not reach, the place of the arrow, in the colour of a selected row."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(current_tokens().hover))
        self.setPalette(palette)


def _is_v(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_V and event.modifiers() == Qt.KeyboardModifier.NoModifier
