"""The window program: shows an empty window at once, then loads what it needs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from app.document.places import NAME, config_folder, state_folder
from app.document.settings_file import SettingsFile
from app.panels.theme import apply_theme, system_is_dark
from app.window.garbage import GarbageCollection
from app.window.main_window import MainWindow
from app.window.translation import SYSTEM, install_translation

if TYPE_CHECKING:
    from app.document.preferences import Preferences
    from app.viewport.view import Viewport
    from engine.protocol.catalogue import Catalogue
    from engine.protocol.session import Session

LOADER_MILLISECONDS = 4000
"""When the loader process is started for the first file: the engine needs the processor before."""
PATIENCE_MILLISECONDS = 2500
"""How long the engine waits for the first picture: loading torch would take the processor away from it."""


def run_window(files: list[Path], *, demo: bool = False) -> int:
    """Open the window on `files` (or running the demo) and wait until it is closed; returns the exit code."""
    application = make_application()
    settings_file = SettingsFile(config_folder() / "preferences.json")
    install_translation(application, str(settings_file.get("language", SYSTEM)))
    window = MainWindow(
        lambda: _engine(window.preferences.values, window.keeping.engine_folder),
        _viewport,
        settings=QSettings(str(state_folder() / "window.ini"), QSettings.Format.IniFormat),
        settings_file=settings_file,
        store=state_folder(),
        kept_catalogue=_kept_catalogue,
        bare=True,
    )
    if window.appearance.dark != application.property("darkTheme"):
        apply_theme(application, dark=window.appearance.dark)
    garbage = GarbageCollection(window, starting=True)
    start = _Start(window, files, demo, garbage)
    window.resize(window.size().boundedTo(window.screen().availableSize()))  # first it is as on a large screen
    window.show()
    # Ctrl-C in the terminal closes the window as its button does; Python hears signals only while it runs code, which
    # the window's timer makes sure of.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    code = int(application.exec())
    garbage.stop()
    start.deleteLater()
    return code


class _Start(QObject):
    """Fills the window step by step after its first paint; between two steps it answers to the person."""

    def __init__(self, window: MainWindow, files: list[Path], demo: bool, garbage: GarbageCollection) -> None:
        super().__init__(window)
        self._window = window
        self._files = files
        self._demo = demo
        self._garbage = garbage
        window.menuBar().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self, self._furnish)
        return False

    def _furnish(self) -> None:
        self._window.furnish(self._files)
        self._window.start_timer()
        QTimer.singleShot(0, self, self._add_viewport)

    def _add_viewport(self) -> None:
        window = self._window
        window.add_viewport()
        if self._demo:
            window.workbench.files.run_demo()
        if self._files and not self._demo and window.viewport is not None:
            window.viewport.content_shown.connect(self._finish)
            QTimer.singleShot(PATIENCE_MILLISECONDS, self, self._finish)
        else:
            QTimer.singleShot(0, self, self._finish)

    def _finish(self) -> None:
        self._window.start_engine()
        self._window.add_plot()
        QTimer.singleShot(LOADER_MILLISECONDS, self, self._settle)

    def _settle(self) -> None:
        self._garbage.settle()
        self._window.workbench.files.opener.warm_up()


def make_application() -> QApplication:
    """The one QApplication, with what must be set before it exists and before the first window."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    from app.viewport.opengl import prepare_opengl

    prepare_opengl()
    application = QApplication(sys.argv[:1])
    application.setApplicationName(NAME)
    application.setApplicationDisplayName("Formwright")
    apply_theme(application, dark=system_is_dark())
    return application


def _engine(preferences: Preferences, folder: Path | None) -> Session:
    """folder : where Runs are kept for recovery; None: nowhere, they go with the window"""
    from app.document.preferences import MEGABYTE
    from app.worker.messages import Settings
    from app.worker.session import EngineSession
    from engine.core.process_folder import make_process_folder

    return EngineSession(
        Settings(
            folder=folder or make_process_folder("sessions"),
            temporary=folder is None,
            threads=preferences.threads,
            device=preferences.device,
            history_budget=preferences.history_memory * MEGABYTE,
        )
    )


def _kept_catalogue() -> Catalogue | None:
    from app.worker.catalogue_cache import CatalogueCache

    return CatalogueCache().read()


def _viewport(parent: QWidget) -> Viewport:
    from app.viewport.create import create_viewport

    return create_viewport(parent)
