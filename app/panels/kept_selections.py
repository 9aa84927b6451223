"""The list of selections that were kept under a name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from app.document.document import Document
from app.document.project import RESULT, Selection
from app.panels.icons import icon
from app.panels.selections_menu import fill_use_menu
from app.work.selected_area import describe

if TYPE_CHECKING:
    from app.work.workbench import Workbench

NAME = Qt.ItemDataRole.UserRole
COUNT, EYE = 1, 2


class KeptSelections(QTreeWidget):
    """The selections that have a name: colour, name, how much, eye. Double click selects one again, to change it."""

    def __init__(self, document: Document, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._selecting = workbench.selecting
        self._masking = workbench.masking
        self._shown: list[tuple[object, ...]] = []
        self.setAccessibleName(self.tr("Kept selections"))
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(0)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(COUNT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(EYE, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(EYE, 30)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.itemClicked.connect(self._clicked)
        self.itemDoubleClicked.connect(lambda row, _: self._selecting.take(row.data(0, NAME)))
        self.itemChanged.connect(self._renamed)
        self.itemDelegate().closeEditor.connect(self._editor_closed)

    def refresh(self) -> None:
        """Draw the rows anew when something in them changed."""
        kept = [item for item in self._document.project.selections if item.name]
        masks = {spec.mask: self._document.term_title(spec.name) for spec in self._document.study.terms if spec.mask}
        follows = self._selecting.follows
        rows: list[tuple[object, ...]] = [
            (item.name, item.of, item.count, item.name in self._selecting.hidden, masks.get(item.name), follows)
            for item in kept
        ]
        if rows == self._shown or self.state() == QAbstractItemView.State.EditingState:
            return
        self._shown = rows
        row_now = self.currentItem()
        current = row_now.data(0, NAME) if row_now is not None else ""
        blocked = self.blockSignals(True)
        self.clear()
        for item in kept:
            row = self._row(item, masks.get(item.name, ""))
            if item.name == current:
                self.setCurrentItem(row)
        self.blockSignals(blocked)

    def edit_name(self, name: str) -> None:
        """Let the person write a name in place."""
        for row in self.findItems(name, Qt.MatchFlag.MatchExactly):
            self.setCurrentItem(row)
            self.editItem(row, 0)

    def event(self, event: QEvent) -> bool:
        """V shows and hides here, whatever tool of the window it chooses elsewhere."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and _is_v(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if row is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._selecting.remove(row.data(0, NAME))
        elif row is not None and event.key() == Qt.Key.Key_V:
            self._clicked(row, EYE)
        elif row is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._selecting.take(row.data(0, NAME))
        else:
            super().keyPressEvent(event)

    def _row(self, item: Selection, mask_of: str) -> QTreeWidgetItem:
        row = QTreeWidgetItem(self, [item.name, f"{item.count:,}"])
        row.setData(0, NAME, item.name)
        row.setFlags(row.flags() | Qt.ItemFlag.ItemIsEditable)
        row.setIcon(0, icon("swatch", colour=self._selecting.colour_of(item.name)))
        follows = item.name == self._selecting.follows
        font = row.font(0)
        font.setBold(follows)
        row.setFont(0, font)
        of = self.tr("the result") if item.of == RESULT else item.of
        tip = describe(self._document.project, item) + "\n" + self.tr("Selected on {0}").format(of)
        tip += "\n" + self.tr("Mask of {0}").format(mask_of) if mask_of else ""
        tip += "\n" + self.tr("It changes with what is selected now") if follows else ""
        row.setToolTip(0, tip)
        shown = item.name not in self._selecting.hidden
        row.setIcon(EYE, icon("eye" if shown else "eye-off"))
        row.setToolTip(EYE, self.tr("Hide") if shown else self.tr("Show"))
        row.setData(EYE, Qt.ItemDataRole.AccessibleTextRole, row.toolTip(EYE))
        return row

    def _clicked(self, row: QTreeWidgetItem, column: int) -> None:
        if column == EYE:
            name = row.data(0, NAME)
            self._selecting.show(name, name in self._selecting.hidden)
            self.refresh()

    def _context_menu(self, place: QPoint) -> None:
        row = self.itemAt(place)
        if row is None:
            return
        name = row.data(0, NAME)
        menu = QMenu(self)
        menu.addAction(self.tr("Select it again, to change it"), partial(self._selecting.take, name))
        save = menu.addAction(self.tr("Replace with what is selected now"), partial(self._selecting.keep, name))
        save.setEnabled(self._selecting.working is not None)
        menu.addAction(self.tr("Rename"), partial(self.edit_name, name))
        menu.addSeparator()
        fill_use_menu(menu, name, self._document, self._masking)
        menu.addSeparator()
        menu.addAction(icon("remove"), self.tr("Remove"), partial(self._selecting.remove, name))
        menu.popup(self.viewport().mapToGlobal(place))

    def _renamed(self, row: QTreeWidgetItem, column: int) -> None:
        if column == 0 and row.text(0) != row.data(0, NAME):
            self._masking.rename(row.data(0, NAME), row.text(0))

    def _editor_closed(self) -> None:
        self.setState(QAbstractItemView.State.NoState)
        self._shown = []
        self.refresh()


def _is_v(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_V and event.modifiers() == Qt.KeyboardModifier.NoModifier
