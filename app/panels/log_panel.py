"""The log dock: what window and engine wrote down, filtered by level and words, to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QLineEdit, QToolButton, QTreeView, QVBoxLayout, QWidget

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.theme import current_tokens

if TYPE_CHECKING:
    from app.work.logbook import Line, Logbook

LEVELS = ("debug", "info", "warning", "error")
TIME, LEVEL, SOURCE, TEXT = range(4)
Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class LogPanel(QWidget):
    """Shows the lines of a Logbook; `refresh` takes in the new ones."""

    def __init__(self, logbook: Logbook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._logbook = logbook
        self.setProperty("panel", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._lines = LogLines(logbook, self)
        self.shown = ChosenLines(self)
        self.shown.setSourceModel(self._lines)
        self.level = CalmComboBox(self)
        self.level.setAccessibleName(self.tr("Least level"))
        self.level.setToolTip(self.tr("Show lines of this level and above"))
        for name, title in level_titles().items():
            self.level.addItem(title, name)
        self.level.currentIndexChanged.connect(lambda _: self.shown.set_level(str(self.level.currentData())))
        self.level.setCurrentIndex(LEVELS.index("info"))
        self.words = QLineEdit(self)
        self.words.setPlaceholderText(self.tr("Search the log"))
        self.words.setAccessibleName(self.tr("Search the log"))
        self.words.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.words.setClearButtonEnabled(True)
        self.words.textChanged.connect(self.shown.set_words)
        self.view = QTreeView(self)
        self.view.setAccessibleName(self.tr("Log"))
        self.view.setModel(self.shown)
        self.view.setRootIsDecorated(False)
        self.view.setUniformRowHeights(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setHeaderHidden(True)
        widths = self.view.fontMetrics()
        self.view.setColumnWidth(TIME, widths.horizontalAdvance("00:00:00") + 20)
        self.view.setColumnWidth(LEVEL, max(map(widths.horizontalAdvance, level_titles().values())) + 28)
        self.view.setColumnWidth(SOURCE, widths.horizontalAdvance("app.work.task_rows") + 20)
        copy = self._button("copy", self.tr("Copy the lines that are chosen, or all that are shown"), self.copy)
        clear = self._button("remove", self.tr("Clear the list; the file keeps its lines"), logbook.clear)
        keys = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.view, self.copy)
        keys.setContext(Qt.ShortcutContext.WidgetShortcut)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.level)
        row.addWidget(self.words, 1)
        row.addWidget(copy)
        row.addWidget(clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 0, 12, 8)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        logbook.cleared.subscribe(self._lines.forget)

    def refresh(self) -> None:
        """Take in what was written since; costs nothing while the dock is hidden."""
        if not self.isVisible():
            return
        bar = self.view.verticalScrollBar()
        at_the_end = bar.value() >= bar.maximum()
        if self._lines.take_in() and at_the_end:  # who has scrolled up to read stays there
            self.view.scrollToBottom()

    def copy(self) -> None:
        """Put the chosen lines on the clipboard, or all that are shown."""
        chosen = self.view.selectionModel().selectedRows()
        rows = chosen or [self.shown.index(row, 0) for row in range(self.shown.rowCount())]
        lines = [self._lines.lines[self.shown.mapToSource(row).row()] for row in sorted(rows)]
        QGuiApplication.clipboard().setText("\n".join(map(str, lines)))

    def _button(self, shape: str, title: str, do: object) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(shape))
        button.setAccessibleName(title)
        button.setToolTip(title)
        button.clicked.connect(do)
        return button


class LogLines(QAbstractTableModel):
    """The lines that have been taken in so far."""

    def __init__(self, logbook: Logbook, parent: QWidget) -> None:
        super().__init__(parent)
        self._logbook = logbook
        self._titles = level_titles()
        self._count = 0
        self.lines: list[Line] = []

    def take_in(self) -> int:
        """New lines go to the end, the oldest go where there are too many; how many came."""
        logbook = self._logbook
        new = (
            logbook.recent(min(logbook.count - self._count, len(logbook.lines))) if logbook.count > self._count else []
        )
        self._count = logbook.count
        if not new:
            return 0
        too_many = len(self.lines) + len(new) - (logbook.lines.maxlen or 0)
        if too_many > 0:
            self.beginRemoveRows(ROOT, 0, min(too_many, len(self.lines)) - 1)
            del self.lines[:too_many]
            self.endRemoveRows()
        self.beginInsertRows(ROOT, len(self.lines), len(self.lines) + len(new) - 1)
        self.lines += new
        self.endInsertRows()
        return len(new)

    def forget(self) -> None:
        self.beginResetModel()
        self.lines.clear()
        self._count = self._logbook.count
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 4

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            texts = (f"{line.time:%H:%M:%S}", self._titles[line.level], line.source, line.text.partition("\n")[0])
            return texts[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return line.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return str(line)
        if role == Qt.ItemDataRole.ForegroundRole:
            tokens = current_tokens()
            if index.column() in (TIME, SOURCE):
                return QColor(tokens.text_soft)
            return {"error": QColor(tokens.error), "warning": QColor(tokens.warning)}.get(line.level)
        return None


class ChosenLines(QSortFilterProxyModel):
    """Those of a level and above that have every word."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._least = 0
        self._words: list[str] = []

    def set_level(self, level: str) -> None:
        self._least = LEVELS.index(level)
        self.invalidate()

    def set_words(self, words: str) -> None:
        self._words = words.lower().split()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        model = self.sourceModel()
        if not isinstance(model, LogLines):
            return False
        line = model.lines[row]
        text = f"{line.source} {line.text}".lower()
        return LEVELS.index(line.level) >= self._least and all(word in text for word in self._words)


def level_titles() -> dict[str, str]:
    """How the levels are called."""
    return {
        "debug": _tr("Debug"),
        "info": _tr("Information"),
        "warning": _tr("Warning"),
        "error": _tr("Error"),
    }


def _tr(text: str) -> str:
    return QCoreApplication.translate("Log", text)
