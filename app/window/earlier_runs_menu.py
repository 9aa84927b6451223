"""The runs that came before the present one, as a menu that is filled when it is shown."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.window.main_window import MainWindow
    from app.work.earlier_runs import EarlierRun


class EarlierRunsMenu(QMenu):
    """Stands in the Run menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(self.tr("Earlier runs"), window)
        self._window = window
        self.setAccessibleName(self.tr("Earlier runs"))
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        self._window.furnish()
        from app.panels.history_strip import picture_of  # not before the window's first paint

        earlier = self._window.workbench.earlier
        found = earlier.found()
        if not found:
            self.addAction(self.tr("None since the window was opened")).setEnabled(False)
        for run in found:
            action = self.addAction(self._title(run), partial(earlier.bring_back, run))
            action.setToolTip(self.tr("Bring it back, paused, with its branches; the present run is kept in its place"))
            if run.summary.thumbnail is not None:
                action.setIcon(QIcon(picture_of(run.summary.thumbnail)))

    def _title(self, run: EarlierRun) -> str:
        summary = run.summary
        return self.tr("{0}: {1}, iteration {2} of {3}, {4} checkpoints").format(
            time.strftime("%H:%M", time.localtime(summary.saved)),
            summary.study.study,
            summary.iteration,
            summary.iterations,
            summary.checkpoint_count,
        )
