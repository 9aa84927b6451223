"""The plots of the Run: losses of what descends, energies and sensors of what is simulated; shown what is chosen to be
looked at, and listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget

from app.panels.loss_plot import LossPlot
from app.panels.readings_plot import ReadingsPlot

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Plotting(QObject):
    """Joins one window's `LossPlot` with its `Curves`, and puts the `ReadingsPlot` in its place for a simulation."""

    def __init__(self, window: MainWindow, plot: LossPlot, readings: ReadingsPlot) -> None:
        super().__init__(window)
        self.stack = QStackedWidget(window)
        self.stack.addWidget(plot)
        self.stack.addWidget(readings)
        self._readings = readings
        readings.save_wanted.connect(lambda: window.dialogs.export_motion(".csv"))
        window.workbench.playing.frames_changed.subscribe(self.choose)
        window.document.study_changed.subscribe(self.choose)
        window.document.catalogue_changed.subscribe(self.choose)
        window.link.run_changed.subscribe(self.choose)
        self._window = window
        self._plot = plot
        self._curves = window.workbench.curves
        self._curves.changed.subscribe(self.show)
        plot.quantity_chosen.connect(self._curves.choose)
        plot.branch_toggled.connect(self._curves.toggle_branch)
        plot.save_wanted.connect(window.dialogs.save_losses)
        plot.copy_wanted.connect(self._copy)
        self.choose()

    def choose(self) -> None:
        """Show the plot that belongs to what is looked at."""
        playing, document = self._window.workbench.playing, self._window.document
        wanted = self._readings if playing.from_disk or document.run_simulates else self._plot
        if self.stack.currentWidget() is not wanted:
            self.stack.setCurrentWidget(wanted)

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
