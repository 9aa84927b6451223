"""An action: what a person can ask of the window, written once. No Qt in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """One command.

    id : "run.toggle": room and verb, the name that scripts and saved shortcuts use
    title : in the menu and the palette, sentence case; a callable gives a title that changes ("Undo add Handle 1")
    callback : does it
    menu : "File", "Edit", "View", "Study", "Run", "Tools", "Help", or "View/Camera" for a menu within one (its title
        stands in `app.actions.texts`); "" for the palette only
    shortcut : portable text ("Ctrl+O"); several are separated by "; "
    icon : a name of `app.panels.icons`
    enabled, checked : asked before it is shown; `checked` makes it a toggle
    group : actions of the same non-empty group stand together; a separator comes between groups
    help : the tooltip
    why_not : why it cannot be done now, in place of the tooltip; "" where there is nothing to say
    """

    id: str
    title: str | Callable[[], str]
    callback: Callable[[], object]
    menu: str = ""
    shortcut: str = ""
    icon: str = ""
    enabled: Callable[[], bool] | None = None
    checked: Callable[[], bool] | None = None
    group: str = ""
    help: str = ""
    why_not: Callable[[], str] | None = None

    @property
    def text(self) -> str:
        return self.title if isinstance(self.title, str) else self.title()

    @property
    def usable(self) -> bool:
        return self.enabled is None or self.enabled()
