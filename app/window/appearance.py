"""Theme and layout of the window, kept between sessions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow

from app.document.settings_file import SettingsFile
from app.panels.theme import apply_theme, system_is_dark
from app.window.docks import RARE

LAYOUT_VERSION = 2
FIRST = "Surface"
"""The workspace that the window begins with."""


class Appearance:
    """settings : where the layout is kept; None keeps nothing
    settings_file : the preferences, among them the theme
    themed : called when the theme has changed
    """

    def __init__(
        self,
        window: QMainWindow,
        settings: QSettings | None,
        settings_file: SettingsFile,
        themed: Callable[[], object],
    ) -> None:
        self._window = window
        self._settings = settings
        self._settings_file = settings_file
        self._themed = themed
        self._first_layout = QByteArray()
        self._layouts: dict[str, QByteArray] = {}
        self.workspace = FIRST
        self.arrange: Callable[[str], object] = lambda workspace: None
        """Gives the docks of a workspace their first places, over those of the one that the window begins with."""
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def theme(self) -> str:
        """The preference: `light`, `dark`, or `system` for whatever the desktop has."""
        return str(self._settings_file.get("theme", "system"))

    @property
    def dark(self) -> bool:
        return self.theme == "dark" or (self.theme != "light" and system_is_dark())

    def apply(self) -> None:
        """Give the application the theme that is chosen."""
        application = QApplication.instance()
        if isinstance(application, QApplication):
            apply_theme(application, dark=self.dark)
            self._themed()

    def restore_layout(self) -> None:
        """Docks and window as they were left; remembers what they were before, for `reset_layout`."""
        self._first_layout = self._window.saveState(LAYOUT_VERSION)
        self._window.resize(1440, 900)
        if self._settings is None:
            return
        geometry, state = self._settings.value("geometry"), self._settings.value(f"layout/{FIRST}")
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(state, QByteArray):
            self._window.restoreState(state, LAYOUT_VERSION)

    def switch(self, workspace: str) -> None:
        """Docks as they were left in another workspace; what they are in this one is remembered."""
        if workspace == self.workspace:
            return
        self._layouts[self.workspace] = self._window.saveState(LAYOUT_VERSION)
        self.workspace = workspace
        state = self._layouts.get(workspace)
        if state is None and self._settings is not None:
            kept = self._settings.value(f"layout/{workspace}")
            state = kept if isinstance(kept, QByteArray) else None
        if state is None or not self._window.restoreState(state, LAYOUT_VERSION):
            self.arrange(workspace)

    def keep_layout(self) -> None:
        if self._settings is not None:
            self._layouts[self.workspace] = self._window.saveState(LAYOUT_VERSION)
            self._settings.setValue("geometry", self._window.saveGeometry())
            for workspace, state in self._layouts.items():
                self._settings.setValue(f"layout/{workspace}", state)
            self._settings.sync()

    def reset_layout(self) -> None:
        """Docks as they were at first."""
        for dock in self._window.findChildren(QDockWidget):
            if dock.objectName() in RARE:
                self._window.removeDockWidget(dock)
            else:
                dock.show()
        self._window.restoreState(self._first_layout, LAYOUT_VERSION)
        self.arrange(self.workspace)

    def close(self) -> None:
        """Follow the system's theme no longer."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._follow_system)

    def _follow_system(self) -> None:
        if self.theme not in ("light", "dark"):
            self.apply()
