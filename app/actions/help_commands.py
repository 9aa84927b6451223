"""The Help menu: about the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.actions.action import Action
from app.actions.texts import tr

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


def help_commands(window: MainWindow) -> list[Action]:
    """About the program."""
    return [
        Action("help.diagnostics", tr("Copy diagnostics"), lambda: window.sharing.copy_diagnostics(), "Help",
               icon="copy", group="help",
               help=tr("Versions, devices, memory, what is open and the log, for a bug report")),
        Action("help.about", tr("About Formwright"), window.about, "Help", icon="app", group="help"),
    ]  # fmt: skip
