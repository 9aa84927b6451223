"""The plot of the losses, shown what is chosen to be looked at, and listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.panels.loss_plot import LossPlot

if TYPE_CHECKING:
    from app.window import MainWindow


class Plotting(QObject):
    """Joins one window's `LossPlot` with its `Curves`."""

    def __init__(self, window: MainWindow, plot: LossPlot) -> None:
        super().__init__(window)
        self._window = window
        self._plot = plot
        self._curves = window.workbench.curves
        self._curves.changed.subscribe(self.show)
        plot.quantity_chosen.connect(self._curves.choose)
        plot.branch_toggled.connect(self._curves.toggle_branch)
        plot.save_wanted.connect(window.dialogs.save_losses)
        plot.copy_wanted.connect(self._copy)

    def show(self) -> None:
        """Draw the curves as they are now."""
        run, curves = self._window.document.run, self._curves
        choices = [("", self.tr("Terms of this branch"))]
        if len(run.curves) > 1:
            choices += [(column.name, self.tr("Branches: {0}").format(column.title)) for column in curves.columns()]
        self._plot.offer(choices, curves.quantity if curves.over_each_other else "")
        if curves.over_each_other:
            self._plot.show_branches(curves.branches(), curves.quantity, run.iterations)
        else:
            titles = self._window.document.term_titles()
            self._plot.show_losses(run.present_curves(), titles, run.iterations)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._curves.table())
        self._window.workbench.notices.noted(self.tr("Copied the values of the losses"))
