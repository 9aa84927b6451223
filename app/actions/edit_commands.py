"""The Edit menu: undo, redo, search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def edit_commands(window: MainWindow) -> list[Action]:
    """Undo, redo, search."""

    def undo_name() -> str:
        return window.document.undo_stack.undo_name if window.furnished else ""

    def redo_name() -> str:
        return window.document.undo_stack.redo_name if window.furnished else ""

    return [
        Action("edit.undo", lambda: tr("Undo {0}").format(undo_name()).strip(), lambda: window.document.undo(),
               "Edit", "Ctrl+Z", "undo", enabled=lambda: bool(undo_name()), group="undo"),
        Action("edit.redo", lambda: tr("Redo {0}").format(redo_name()).strip(), lambda: window.document.redo(),
               "Edit", "Ctrl+Shift+Z; Ctrl+Y", "redo", enabled=lambda: bool(redo_name()), group="undo"),
        Action("edit.palette", tr("Search commands…"), window.open_palette, "Edit", "Ctrl+P", "search",
               group="search"),
        Action("edit.preferences", tr("Preferences…"), lambda: window.preferring.show(), "Edit", "Ctrl+,",
               "settings", group="preferences", help=tr("Theme, memory, device, and the shortcuts of every command")),
        Action("edit.shortcuts", tr("Keyboard shortcuts…"), lambda: window.preferring.show_shortcuts(), "Edit",
               icon="keyboard", group="preferences"),
    ]  # fmt: skip
