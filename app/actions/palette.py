"""The command palette: type a few letters of what you want, press Return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.actions.fuzzy import search
from app.panels.icons import icon

ROWS_SHOWN = 12


@dataclass(frozen=True)
class Entry:
    """A line of the palette: an action, or a parameter to jump to."""

    title: str
    do: Callable[[], object]
    place: str = ""
    shortcut: str = ""
    icon: str = ""
    usable: bool = True


class CommandPalette(QFrame):
    """A search field over a list, on top of the window."""

    def __init__(self, window: QWidget, entries: Callable[[], list[Entry]]) -> None:
        super().__init__(window)
        self._window = window
        self._entries = entries
        self._shown: list[Entry] = []
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Command palette"))
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("Search commands and parameters"))
        self.field.setAccessibleName(self.tr("Search commands and parameters"))
        self.field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.field.setMinimumHeight(32)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Commands found"))
        self.list.setIconSize(QSize(16, 16))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemActivated.connect(lambda _: self._do())
        self.list.itemClicked.connect(lambda _: self._do())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.field)
        column.addWidget(self.list)
        self.hide()

    def open(self) -> None:
        """Show it, empty, with the focus in the field."""
        window = self._window
        width = min(560, window.width() - 40)
        self.setGeometry((window.width() - width) // 2, 64, width, 420)
        self.field.clear()
        self._search("")
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def titles(self) -> list[str]:
        """What is listed now, best first."""
        return [entry.title for entry in self._shown]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                row = self.list.currentRow() + (1 if event.key() == Qt.Key.Key_Down else -1)
                self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._do()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.hide()
                return True
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if escape and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # or the window's own Escape would leave a tool and the palette stay open
            return True
        if event.type() == QEvent.Type.FocusOut and not self.list.hasFocus():
            self.hide()
        return super().eventFilter(watched, event)

    def _search(self, query: str) -> None:
        self._shown = search(query, self._entries(), lambda entry: f"{entry.title} {entry.place}")
        self.list.clear()
        for entry in self._shown[: ROWS_SHOWN * 4]:
            item = QListWidgetItem(icon(entry.icon or "blank"), "")
            item.setData(Qt.ItemDataRole.AccessibleTextRole, entry.title)
            if not entry.usable:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            row = self._row(entry)
            item.setSizeHint(QSize(0, max(row.sizeHint().height(), 28)))
            self.list.addItem(item)
            self.list.setItemWidget(item, row)
        if self.list.count():
            self.list.setCurrentRow(0)

    def _row(self, entry: Entry) -> QWidget:
        row = QWidget(self.list)
        row.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        line = QHBoxLayout(row)
        line.setContentsMargins(4, 3, 6, 3)
        title = QLabel(entry.title, row)
        title.setEnabled(entry.usable)
        note = QLabel(entry.shortcut or entry.place, row)
        note.setProperty("soft", True)
        line.addWidget(title, 1)
        line.addWidget(note)
        return row

    def _do(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._shown) and self._shown[row].usable:
            entry = self._shown[row]
            self.hide()
            entry.do()
