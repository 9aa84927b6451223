"""The preferences: pages of a form each, drawn from their declaration, and a search over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.document.preferences import SECTIONS, KeptPreferences, Preferences
from app.panels.icons import icon
from app.panels.parameter_form import ParameterForm
from app.panels.schema import ParameterField, declared
from app.panels.theme import current_tokens
from engine.core.errors import ParameterError

LABEL_WIDTH = 150


class Page(Protocol):
    """What a page of the dialog can do, beside being a QWidget."""

    def narrow(self, query: str) -> int:
        """Show only what fits `query` ("" shows all); how much that is."""
        ...

    def reset(self) -> None:
        """Everything on it as it was at first."""
        ...


class PreferencesDialog(QDialog):
    """Changes act at once; nothing needs to be confirmed.

    more : further pages by title, each a QWidget and a `Page`
    choices : what can be chosen for a preference that is declared as a text: value and title
    """

    def __init__(
        self,
        preferences: KeptPreferences,
        more: dict[str, Any] | None = None,
        choices: dict[str, dict[str, str]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Preferences"))
        self.setAccessibleName(self.tr("Preferences"))
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search preferences and shortcuts"))
        self.search.setAccessibleName(self.tr("Search preferences and shortcuts"))
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.narrow)
        self.sections = QListWidget(self)
        self.sections.setAccessibleName(self.tr("Pages"))
        self.sections.setFixedWidth(150)
        self._stack = QStackedWidget(self)
        self._pages: list[Any] = []
        self._nothing = QLabel(self.tr("Nothing is called like that."), self)
        self._nothing.setProperty("soft", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        fields = {field.name: field for field in declared(Preferences)}
        titles = section_titles()
        for section, names in SECTIONS.items():
            page = PreferencesPage(preferences, titles[section], [fields[name] for name in names], choices or {}, self)
            self._add_page(titles[section], page)
        for title, page in (more or {}).items():
            self._add_page(title, page)
        self._stack.addWidget(self._nothing)
        self.sections.currentRowChanged.connect(self._stack.setCurrentIndex)
        self.sections.setCurrentRow(0)
        self._lay_out()
        self.search.setFocus()

    def narrow(self, query: str) -> None:
        """Show the pages and rows that fit, and the first such page if the present one has none."""
        fits = [page.narrow(query.strip()) for page in self._pages]
        for row, count in enumerate(fits):
            self.sections.item(row).setHidden(not count)
        row = self.sections.currentRow()
        if not any(fits):
            self._stack.setCurrentWidget(self._nothing)
        elif row < 0 or not fits[row]:
            self.sections.setCurrentRow(next(row for row, count in enumerate(fits) if count))
        else:
            self._stack.setCurrentIndex(row)

    def show_page(self, title: str) -> None:
        """Turn to a page by its title."""
        found = self.sections.findItems(title, Qt.MatchFlag.MatchExactly)
        if found:
            self.search.clear()
            self.sections.setCurrentItem(found[0])

    def page(self) -> Any:
        """The page that is shown."""
        return self._pages[self.sections.currentRow()]

    def sizeHint(self) -> QSize:
        return QSize(760, 520)

    def _add_page(self, title: str, page: Any) -> None:
        item = QListWidgetItem(title)
        item.setSizeHint(QSize(0, 30))
        self.sections.addItem(item)
        self._pages.append(page)
        self._stack.addWidget(page)

    def _lay_out(self) -> None:
        reset = QPushButton(icon("reset"), self.tr("Reset this page"), self)
        reset.setAutoDefault(False)
        reset.setAccessibleName(self.tr("Reset this page"))
        reset.clicked.connect(lambda: self.page().reset())
        close = QPushButton(self.tr("Close"), self)
        close.setAutoDefault(False)
        close.setAccessibleName(self.tr("Close"))
        close.clicked.connect(self.close)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.sections)
        middle.addWidget(self._stack, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(reset)
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 12)
        column.setSpacing(10)
        column.addWidget(self.search)
        column.addLayout(middle, 1)
        column.addLayout(buttons)


class PreferencesPage(QScrollArea):
    """The form of one section, and what was wrong with what was typed last."""

    def __init__(
        self,
        preferences: KeptPreferences,
        title: str,
        fields: list[ParameterField],
        choices: dict[str, dict[str, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._title = title
        self.setAccessibleName(title)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        fields = [
            replace(field, kind="choice", choices=tuple(choices[field.name])) if field.name in choices else field
            for field in fields
        ]
        self.form = ParameterForm(fields, label_width=LABEL_WIDTH, parent=self)
        for name, titles in choices.items():
            editor = self.form.editors.get(name)
            for index, text in enumerate(titles.values() if editor is not None else ()):
                if editor is not None and editor.choice is not None:
                    editor.choice.setItemText(index, text)
        self.form.value_changed.connect(self._change)
        self.wrong = QLabel(self)
        self.wrong.setWordWrap(True)
        self.wrong.setAccessibleName(self.tr("What cannot be"))
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 2, 10, 2)
        column.addWidget(self.form)
        column.addWidget(self.wrong)
        column.addStretch(1)
        self.setWidget(body)
        self._refresh()
        refresh = self._refresh
        preferences.changed.subscribe(refresh)
        self.destroyed.connect(lambda: preferences.changed.unsubscribe(refresh))

    def narrow(self, query: str) -> int:
        names = self.form.fitting(query)
        whole = query.lower() in self._title.lower()
        self.form.show_only(None if whole else names)
        return len(self.form.editors) if whole else len(names)

    def reset(self) -> None:
        for name, editor in self.form.editors.items():
            self._preferences.set(name, editor.field.default)

    def _change(self, name: str, value: Any) -> None:
        try:
            self._preferences.set(name, value)
        except ParameterError as error:
            self.wrong.setText(str(error))
            self.wrong.setStyleSheet(f"color: {current_tokens().error};")
        else:
            self.wrong.setText("")
        self._refresh()

    def _refresh(self, name: str = "") -> None:
        self.form.set_values(self._preferences.values.model_dump())


def section_titles() -> dict[str, str]:
    """How the pages are called, by the names of SECTIONS."""
    return {
        "Window": QCoreApplication.translate("Preferences", "Window"),
        "Memory": QCoreApplication.translate("Preferences", "Memory"),
        "Engine": QCoreApplication.translate("Preferences", "Engine"),
    }
