"""The preferences in the window: what they do, and the dialog that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtWidgets import QApplication

from app.actions.shortcut_editor import ShortcutEditor
from app.document.digits import set_digits
from app.document.preferences import MEGABYTE, Preferences
from app.panels.preferences_dialog import PreferencesDialog
from app.window.translation import languages

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Preferring:
    """Lets each preference act when it changes and at the start. Those of the engine are not here: it is started with
    them (see `app.main`)."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._effects = {
            "theme": self._theme,
            "reduced_motion": self._reduced_motion,
            "digits": self._digits,
            "undo_memory": self._undo_memory,
            "autosave_seconds": self._autosave,
        }
        self.dialog: PreferencesDialog | None = None
        window.preferences.changed.subscribe(self.apply)
        for name in self._effects:
            if name != "theme":  # the window was shown with it
                self.apply(name)
        for problem in window.preferences.problems:
            window.status_line.say(problem)

    def apply(self, name: str) -> None:
        """Let a preference act; one that acts at the next start does nothing now."""
        effect = self._effects.get(name)
        if effect is not None:
            effect(self._window.preferences.values)

    def show(self) -> None:
        """The dialog, beside the window at work."""
        if self.dialog is None:
            shortcuts = ShortcutEditor(self._window.registry)
            choices = {"language": _language_titles()}
            self.dialog = PreferencesDialog(
                self._window.preferences, {_tr("Shortcuts"): shortcuts}, choices, self._window
            )
            self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self.dialog.destroyed.connect(self._forget)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def show_shortcuts(self) -> None:
        """The dialog, at its page of shortcuts."""
        self.show()
        if self.dialog is not None:
            self.dialog.show_page(_tr("Shortcuts"))

    def _forget(self) -> None:
        self.dialog = None

    def _theme(self, values: Preferences) -> None:
        self._window.appearance.apply()
        self._window.registry.refresh()

    def _reduced_motion(self, values: Preferences) -> None:
        self._window.status_line.calm = values.reduced_motion
        effects = Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_AnimateCombo, Qt.UIEffect.UI_AnimateTooltip
        for effect in effects:
            QApplication.setEffectEnabled(effect, not values.reduced_motion)

    def _digits(self, values: Preferences) -> None:
        set_digits(values.digits)
        if self._window.viewport is not None:
            self._window.viewport.update()

    def _autosave(self, values: Preferences) -> None:
        self._window.keeping.interval = float(values.autosave_seconds)

    def _undo_memory(self, values: Preferences) -> None:
        self._window.document.undo_stack.budget = values.undo_memory * MEGABYTE


def _language_titles() -> dict[str, str]:
    """What can be chosen, each language in its own words."""
    own = {code: QLocale(code).nativeLanguageName().capitalize() for code in languages()}
    return {"system": _tr("As the system"), **own}


def _tr(text: str) -> str:
    return QCoreApplication.translate("Preferences", text)
