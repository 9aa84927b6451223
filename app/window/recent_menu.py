"""The files opened lately, as a menu that is filled when it is shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class RecentMenu(QMenu):
    """Stands in the File menu, after Open."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(self.tr("Recent"), window)
        self._window = window
        self.setAccessibleName(self.tr("Recent files"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        self._window.furnish()
        recent, workbench = self._window.document.recent, self._window.workbench
        for path in recent.paths():
            self.addAction(path.name, partial(workbench.files.open, [path])).setToolTip(str(path))
        self.addSeparator()
        self.addAction(self.tr("Clear the list"), recent.clear).setEnabled(bool(recent.paths()))
