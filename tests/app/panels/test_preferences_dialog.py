"""The preferences dialog: drawn from the declaration, searchable, in force at once."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.document.digits import shown as shown_number
from app.document.preferences import MEGABYTE, Preferences
from app.panels.preferences_dialog import PreferencesPage


@pytest.fixture
def dialog(window: Any) -> Any:
    window.registry.trigger("edit.preferences")
    return window.preferring.dialog


def shown(dialog: Any) -> list[str]:
    """Titles of the pages that can be chosen."""
    items = [dialog.sections.item(row) for row in range(dialog.sections.count())]
    return [item.text() for item in items if not item.isHidden()]


def rows(page: Any) -> list[str]:
    return [name for name, editor in page.form.editors.items() if editor.isVisible()]


def test_every_preference_has_an_editor(dialog: Any) -> None:
    pages = dialog.findChildren(PreferencesPage)
    assert {name for page in pages for name in page.form.editors} == set(Preferences.model_fields)


def test_search_finds_by_title_help_and_page(dialog: Any, qtbot: Any) -> None:
    qtbot.keyClicks(dialog.search, "checkpoints disk")
    assert shown(dialog) == ["Memory"] and rows(dialog.page()) == ["history_memory"]
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "threads")
    assert rows(dialog.page()) == ["threads"], "a folded one is unfolded"
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "export surface")
    assert shown(dialog) == ["Shortcuts"]
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "xyzzy")
    assert shown(dialog) == []
    dialog.search.clear()
    assert shown(dialog) == ["Window", "Memory", "Engine", "Shortcuts"]
    dialog.show_page("Memory")
    assert set(rows(dialog.page())) == {"autosave_seconds", "undo_memory", "history_memory"}


def test_changes_act_at_once_and_the_page_can_be_reset(window: Any, dialog: Any, qtbot: Any) -> None:
    dialog.show_page("Memory")
    field = dialog.page().form.editors["undo_memory"].number
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "64")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.document.undo_stack.budget == 64 * MEGABYTE
    dialog.page().reset()
    assert window.document.undo_stack.budget == 512 * MEGABYTE and field.value() == 512


def test_the_theme_changes_here_and_in_the_menu_alike(window: Any, dialog: Any) -> None:
    choice = dialog.page().form.editors["theme"].choice
    choice.setCurrentIndex(choice.findData("dark"))
    assert window.appearance.dark and window.registry.drawn("view.theme-dark").isChecked()
    window.registry.trigger("view.theme-light")
    assert choice.currentData() == "light" and not window.appearance.dark


def test_every_preference_does_something(window: Any, dialog: Any, session: Any) -> None:
    preferences = window.preferences
    preferences.set("digits", 2)
    preferences.set("autosave_seconds", 10)
    preferences.set("reduced_motion", True)
    assert shown_number(123.456) == "123" and window.keeping.interval == 10.0
    window.status_line.flash_topology()
    assert not any("background" in label.styleSheet() for label in window.status_line.findChildren(QLabel))
    preferences.reset()
    assert shown_number(123.456) == "123.5" and window.keeping.interval == 30.0
    window.status_line.flash_topology()
    assert any("background" in label.styleSheet() for label in window.status_line.findChildren(QLabel))


def test_what_cannot_be_is_said_and_changes_nothing(window: Any, dialog: Any, qtbot: Any) -> None:
    dialog.show_page("Engine")
    page = dialog.page()
    text = page.form.editors["device"].text
    text.clear()
    qtbot.keyClicks(text, "abacus")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    assert "abacus" in page.wrong.text() and window.preferences.values.device == "auto"


def test_the_dialog_opens_once_and_again_after_it_was_closed(window: Any, dialog: Any, qtbot: Any) -> None:
    window.registry.trigger("edit.preferences")
    assert window.preferring.dialog is dialog
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.preferring.dialog is None)
    window.registry.trigger("view.theme-dark")
    window.registry.trigger("edit.preferences")
    assert window.preferring.dialog.isVisible()
