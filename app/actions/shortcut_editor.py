"""The shortcuts page of the preferences: every command with its keys; press keys to give it others."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions.registry import ActionRegistry
from app.actions.texts import menu_path
from app.panels.theme import current_tokens

ID = Qt.ItemDataRole.UserRole
NATIVE = QKeySequence.SequenceFormat.NativeText
PORTABLE = QKeySequence.SequenceFormat.PortableText


class KeysField(QKeySequenceEdit):
    """Takes the next keys that are pressed, whatever they mean elsewhere; Tab and Backtab move on, as everywhere."""

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            event.ignore()
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # or a window's shortcut would act instead of being read
            return True
        return super().event(event)


class ShortcutEditor(QWidget):
    """A page of the preferences dialog; what is set acts at once and is kept."""

    edited = Signal(str)  # id

    def __init__(self, registry: ActionRegistry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._registry = registry
        self.list = QTreeWidget(self)
        self.list.setAccessibleName(self.tr("Commands and their shortcuts"))
        self.list.setHeaderLabels([self.tr("Command"), self.tr("Menu"), self.tr("Shortcut")])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setColumnWidth(0, 240)
        self.list.setColumnWidth(1, 110)
        self.list.currentItemChanged.connect(lambda *_: self._show_current())
        self.keys = KeysField(self)
        self.keys.setAccessibleName(self.tr("New shortcut: press the keys"))
        self.keys.setToolTip(self.tr("Press the keys that the command shall have"))
        self.keys.setClearButtonEnabled(True)
        self.keys.setMaximumSequenceLength(1)  # it is there when the keys are, and not a second later
        self.keys.keySequenceChanged.connect(self._keys_pressed)
        for field in self.keys.findChildren(QLineEdit):
            field.setAccessibleName(self.keys.accessibleName())
        self.assign = self._button(self.tr("Assign"), self._assign)
        self.remove = self._button(self.tr("Remove"), self._remove)
        self.reset_one = self._button(self.tr("Reset"), self._reset_one)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setAccessibleName(self.tr("Who has these keys"))
        self.note.setMinimumHeight(self.note.fontMetrics().height() * 2)
        row = QHBoxLayout()
        row.addWidget(self.keys, 1)
        for button in (self.assign, self.remove, self.reset_one):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list, 1)
        column.addLayout(row)
        column.addWidget(self.note)
        self._fill()
        changed = self._show_shortcut
        registry.shortcuts.changed.subscribe(changed)
        self.destroyed.connect(lambda: registry.shortcuts.changed.unsubscribe(changed))
        self.installEventFilter(self)

    def narrow(self, query: str) -> int:
        """Show the commands whose title, menu or keys have every word of `query`."""
        words, count = query.lower().split(), 0
        for item in self._items():
            text = " ".join(item.text(column) for column in range(3)).lower()
            fits = all(word in text for word in words)
            item.setHidden(not fits)
            count += fits
        return count

    def reset(self) -> None:
        """Every command has the shortcut that it comes with."""
        self._registry.shortcuts.reset_all()
        self._show_current()

    def choose(self, id: str) -> None:
        """Turn to a command."""
        item = next((item for item in self._items() if item.data(0, ID) == id), None)
        if item is not None:
            self.list.setCurrentItem(item)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            for item in self._items():  # titles such as "Pause" follow the state of the window
                item.setText(0, self._registry.action(item.data(0, ID)).text)
        return False

    @property
    def chosen(self) -> str:
        item = self.list.currentItem()
        return str(item.data(0, ID)) if item is not None else ""

    def _fill(self) -> None:
        for action in self._registry.all():
            item = QTreeWidgetItem(self.list, [action.text, menu_path(action.menu), ""])
            item.setData(0, ID, action.id)
            item.setToolTip(0, action.help or action.text)
            self._show_shortcut(action.id, item)
        self.list.setCurrentItem(self._items()[0])

    def _items(self) -> list[QTreeWidgetItem]:
        found = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _show_shortcut(self, id: str, item: QTreeWidgetItem | None = None) -> None:
        item = item or next((item for item in self._items() if item.data(0, ID) == id), None)
        if item is None:
            return
        shortcuts = self._registry.shortcuts
        item.setText(2, ", ".join(QKeySequence(text).toString(NATIVE) for text in shortcuts.of(id)))
        font = item.font(2)
        font.setBold(not shortcuts.is_own(id))  # what a person has changed stands out
        item.setFont(2, font)

    def _show_current(self) -> None:
        id = self.chosen
        blocked = self.keys.blockSignals(True)
        self.keys.clear()
        self.keys.blockSignals(blocked)
        shortcuts = self._registry.shortcuts
        self.remove.setEnabled(bool(id and shortcuts.of(id)))
        self.reset_one.setEnabled(bool(id) and not shortcuts.is_own(id))
        self._keys_pressed()

    def _keys_pressed(self) -> None:
        """Say who has the keys that were pressed."""
        text, id = self._pressed(), self.chosen
        holder = self._registry.shortcuts.taken_by(text, other_than=id) if text else ""
        self.assign.setEnabled(bool(id and text))
        note, colour = "", current_tokens().text_soft
        if holder:
            title = self._registry.action(holder).text
            note = self.tr("{0} belongs to {1}; assigning takes it away from there.").format(
                QKeySequence(text).toString(NATIVE), title
            )
            colour = current_tokens().warning
        self.note.setText(note)
        self.note.setStyleSheet(f"color: {colour};")

    def _pressed(self) -> str:
        return self.keys.keySequence().toString(PORTABLE)

    def _assign(self) -> None:
        id, text = self.chosen, self._pressed()
        if id and text:
            self._registry.shortcuts.set(id, [text])
            self._changed(id)

    def _remove(self) -> None:
        self._registry.shortcuts.set(self.chosen, [])
        self._changed(self.chosen)

    def _reset_one(self) -> None:
        id = self.chosen
        self._registry.shortcuts.reset(id)
        self._changed(id)
        if not self._registry.shortcuts.is_own(id):
            self.note.setText(self.tr("Its own shortcut belongs to another command by now; that one keeps it."))

    def _changed(self, id: str) -> None:
        self._show_current()
        self.edited.emit(id)

    def _button(self, title: str, do: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setAccessibleName(title)
        button.setAutoDefault(False)
        button.clicked.connect(do)
        return button
