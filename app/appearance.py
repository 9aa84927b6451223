"""Theme and layout of the window, kept between sessions."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow

from app.panels.theme import apply_theme, system_is_dark

LAYOUT_VERSION = 2
WORKSPACE = "Surface"


class Appearance:
    """settings : where it is kept; None keeps nothing. `themed` is called when the theme has changed."""

    def __init__(self, window: QMainWindow, settings: QSettings | None, themed: Callable[[], object]) -> None:
        self._window = window
        self._settings = settings
        self._themed = themed
        self._first_layout = QByteArray()
        self.theme = str(settings.value("theme", "system")) if settings else "system"
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def dark(self) -> bool:
        return system_is_dark() if self.theme == "system" else self.theme == "dark"

    def choose_theme(self, theme: str) -> None:
        """`system`, `light` or `dark`."""
        self.theme = theme
        if self._settings is not None:
            self._settings.setValue("theme", theme)
        self.apply()

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
        geometry, state = self._settings.value("geometry"), self._settings.value(f"layout/{WORKSPACE}")
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(state, QByteArray):
            self._window.restoreState(state, LAYOUT_VERSION)

    def keep_layout(self) -> None:
        if self._settings is not None:
            self._settings.setValue("geometry", self._window.saveGeometry())
            self._settings.setValue(f"layout/{WORKSPACE}", self._window.saveState(LAYOUT_VERSION))
            self._settings.sync()

    def reset_layout(self) -> None:
        """Docks as they were at first."""
        for dock in self._window.findChildren(QDockWidget):
            dock.show()
        self._window.restoreState(self._first_layout, LAYOUT_VERSION)

    def close(self) -> None:
        """Follow the system's theme no longer."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._follow_system)

    def _follow_system(self) -> None:
        if self.theme == "system":
            self.apply()
