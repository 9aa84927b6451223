"""The tree of a scene: bodies with their pins and creases, sensors, contact, time and gravity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from app.document.scene_items import Item, find, items, title_of
from app.panels.icons import icon
from app.panels.theme import current_tokens

if TYPE_CHECKING:
    from app.work.workbench import Workbench

ITEM = Qt.ItemDataRole.UserRole
EYE = 1
"""Column of the eye."""

OWN_KEYS = (Qt.Key.Key_F2, Qt.Key.Key_V, Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
"""Keys that mean the row here, whatever they do elsewhere in the window."""

ICONS = {
    "sheet": "sheet", "solid": "mesh", "obstacle": "obstacle", "gripper": "gripper", "pin": "pin", "crease": "crease",
    "sensor": "sensor", "contact": "contact", "time": "clock", "scene": "drop",
}  # fmt: skip


class SceneTree(QTreeWidget):
    """Delete takes away, F2 renames, V shows and hides; a double click fills the view with a body."""

    frame_wanted = Signal(str)

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._staging = workbench.staging
        self._drawing = workbench.scene_drawing
        self._shown: object = None
        self.setAccessibleName(self.tr("Scene"))
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(EYE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(EYE, 30)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda row, _: self.frame_wanted.emit(row.data(0, ITEM).name))
        self.itemSelectionChanged.connect(self._choose)
        self.itemChanged.connect(self._renamed)
        self.itemDelegate().closeEditor.connect(self._editor_closed)
        self._staging.chosen_changed.subscribe(self._show_chosen)
        self._soften()

    def refresh(self) -> None:
        """Draw the rows anew, where something in them changed."""
        scene = self._staging.scene
        rows = []
        for item in items(scene) if scene is not None else ():
            assert scene is not None
            visible = getattr(find(scene, item), "visible", None)
            rows.append((item, title_of(scene, item), visible, tuple(self._drawing.problems_of(item))))
        if rows == self._shown or self.state() == QAbstractItemView.State.EditingState:
            return
        self._shown = rows
        blocked = self.blockSignals(True)
        self.clear()
        owner: QTreeWidgetItem | None = None
        for item, title, visible, problems in rows:
            row = QTreeWidgetItem(owner if item.is_part and owner is not None else self.invisibleRootItem(), [title])
            owner = row if item.is_body else owner
            self._fill(row, item, visible, problems)
        self.expandAll()
        self.blockSignals(blocked)
        self._show_chosen()

    def rename_current(self) -> None:
        """Write another name in place."""
        row = self.currentItem()
        if row is not None and row.flags() & Qt.ItemFlag.ItemIsEditable:
            self.editItem(row, 0)

    # Keys and mouse -----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_own(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if row is None or not _is_own(event):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_F2:
            self.rename_current()
        elif event.key() == Qt.Key.Key_V:
            self._toggle(row)
        else:
            self._staging.remove(row.data(0, ITEM))

    def _clicked(self, row: QTreeWidgetItem, column: int) -> None:
        if column == EYE:
            self._toggle(row)

    def _toggle(self, row: QTreeWidgetItem) -> None:
        item = row.data(0, ITEM)
        scene = self._staging.scene
        if item.is_body and scene is not None:
            self._staging.show(item, not find(scene, item).visible)

    def _context_menu(self, place: QPoint) -> None:
        row = self.itemAt(place)
        if row is None:
            return
        item, staging = row.data(0, ITEM), self._staging
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        if row.flags() & Qt.ItemFlag.ItemIsEditable:
            menu.addAction(self.tr("Rename"), self.rename_current)
        if item.kind in ("sheet", "solid"):
            menu.addAction(icon("pin"), self.tr("Add a pin"), lambda: staging.add_pin(item.name))
        if item.is_body:
            menu.addAction(self.tr("Show or hide"), lambda: self._toggle(row))
            menu.addAction(icon("frame"), self.tr("Frame"), lambda: self.frame_wanted.emit(item.name))
        if item.is_body or item.kind == "sensor":
            menu.addAction(icon("copy"), self.tr("Duplicate"), staging.duplicate)
        if item.is_body or item.is_part or item.kind == "sensor":
            menu.addAction(icon("remove"), self.tr("Remove"), lambda: staging.remove(item))
        if not menu.isEmpty():
            menu.popup(self.viewport().mapToGlobal(place))

    # Rows ---------------------------------------------------------------------------------------------------------

    def _fill(self, row: QTreeWidgetItem, item: Item, visible: bool | None, problems: tuple[str, ...]) -> None:
        row.setData(0, ITEM, item)
        row.setIcon(0, icon("warning" if problems else ICONS[item.kind], colour=self._colour(item, bool(problems))))
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if item.is_body or item.is_part or item.kind == "sensor":
            flags |= Qt.ItemFlag.ItemIsEditable
        row.setFlags(flags)
        kinds = {
            "sheet": self.tr("Sheet"), "solid": self.tr("Solid"), "obstacle": self.tr("Obstacle"),
            "gripper": self.tr("Gripper"), "pin": self.tr("Pin"), "crease": self.tr("Crease"),
            "sensor": self.tr("Sensor"),
        }  # fmt: skip
        kind = kinds.get(item.kind, "")
        row.setToolTip(0, "\n".join([*([kind] if kind else []), *problems]))
        said = [row.text(0), *([kind] if kind else []), *problems]
        if visible is not None:
            row.setIcon(EYE, icon("eye" if visible else "eye-off"))
            row.setToolTip(EYE, self.tr("Hide") if visible else self.tr("Show"))
            row.setData(EYE, Qt.ItemDataRole.AccessibleTextRole, row.toolTip(EYE))
            if not visible:
                row.setForeground(0, QColor(current_tokens().text_off))
                said.append(self.tr("hidden"))
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(said))

    def _colour(self, item: Item, wrong: bool) -> str:
        if wrong:
            return current_tokens().warning
        return self._drawing.colour_of(item.name) if item.is_body else ""

    def _rows(self) -> list[QTreeWidgetItem]:
        return self.findItems("*", Qt.MatchFlag.MatchWildcard | Qt.MatchFlag.MatchRecursive)

    def _choose(self) -> None:
        rows = self.selectedItems()
        self._staging.choose(rows[0].data(0, ITEM) if rows else None)

    def _show_chosen(self) -> None:
        blocked = self.blockSignals(True)
        self.clearSelection()
        for row in self._rows():
            if row.data(0, ITEM) == self._staging.chosen:
                self.setCurrentItem(row)
                row.setSelected(True)
        self.blockSignals(blocked)
        self.viewport().update()

    def _renamed(self, row: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self._staging.rename(row.data(0, ITEM), row.text(0))

    def _editor_closed(self) -> None:
        """What was written may have been refused: the tree shows what holds."""
        self.setState(QAbstractItemView.State.NoState)
        self._shown = None
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._shown is not None:
            self._shown = None
            self._soften()
            self.refresh()

    def _soften(self) -> None:
        """What the style sheet does not reach, the place of the arrow, in the colour of a selected row."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(current_tokens().hover))
        self.setPalette(palette)


def _is_own(event: QKeyEvent) -> bool:
    return event.key() in OWN_KEYS and event.modifiers() == Qt.KeyboardModifier.NoModifier
