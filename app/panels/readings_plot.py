"""Energies or sensors of a simulation over time; the line is the moment that is looked at, and scrubs."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.plot_legend import PlotLegend
from app.panels.theme import current_tokens
from app.work.readings import ENERGIES, Readings, without_unit


class ReadingsPlot(QWidget):
    """Linear axes that follow the curves until a person takes them over. A click looks at that moment."""

    save_wanted = Signal()

    def __init__(self, readings: Readings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._readings = readings
        self._playing = readings.playing
        self._curves: dict[str, pg.PlotDataItem] = {}
        self.setAccessibleName(self.tr("Energies and sensors"))
        self._plot = pg.PlotWidget(self)
        self._plot.setAccessibleName(self.tr("Curves over time"))
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMinimumHeight(90)
        self._plot.getViewBox().sigRangeChangedManually.connect(self._taken_over)
        self._plot.scene().sigMouseMoved.connect(self._hover)
        self._plot.scene().sigMouseClicked.connect(self._clicked)
        self._line = pg.InfiniteLine(angle=90, movable=True)
        self._line.sigDragged.connect(lambda line: self._playing.show_time(float(line.value())))
        self._plot.addItem(self._line, ignoreBounds=True)
        self.choice = CalmComboBox(self)
        self.choice.setAccessibleName(self.tr("What the plot shows"))
        self.choice.activated.connect(lambda index: readings.choose(self.choice.itemData(index)))
        self.legend = PlotLegend(self)
        self.legend.setAccessibleName(self.tr("Values"))
        self._fit = QToolButton(self)
        self._fit.setIcon(icon("fit"))
        self._fit.setAccessibleName(self.tr("Fit the axes"))
        self._fit.setToolTip(self.tr("Let the axes follow the curves again"))
        self._fit.clicked.connect(self.fit)
        self.save = QToolButton(self)
        self.save.setIcon(icon("save"))
        self.save.setAccessibleName(self.tr("Save the values"))
        self.save.setToolTip(self.tr("Save all energies, sensors and controls as a table (CSV)"))
        self.save.clicked.connect(self.save_wanted)
        header = QHBoxLayout()
        header.setContentsMargins(12, 4, 8, 0)
        header.setSpacing(10)
        header.addWidget(self.choice)
        header.addWidget(self.legend, 1)
        header.addWidget(self.save)
        header.addWidget(self._fit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self._plot, 1)
        self.apply_theme()
        self.fit()
        readings.changed.subscribe(self.refresh)
        self._playing.changed.subscribe(self._moment_changed)
        self.refresh()

    def refresh(self) -> None:
        """Draw the curves as they are now."""
        readings, tokens = self._readings, current_tokens()
        groups = readings.groups()
        known = [(self.choice.itemData(index), self.choice.itemText(index)) for index in range(self.choice.count())]
        if known != [(group.key, group.title) for group in groups]:
            self.choice.clear()
            for group in groups:
                self.choice.addItem(group.title, group.key)
        self.choice.setCurrentIndex(max(self.choice.findData(readings.group.key), 0))
        names = [curve.name for curve in readings.curves()]
        for name in [name for name in self._curves if name not in names]:
            self._plot.removeItem(self._curves.pop(name))
        for index, curve in enumerate(readings.curves()):
            if curve.name not in self._curves:
                self._curves[curve.name] = self._plot.plot(connect="finite", autoDownsample=True, clipToView=True)
            self._curves[curve.name].setPen(pg.mkPen(tokens.series[index % len(tokens.series)], width=1.6))
            self._curves[curve.name].setData(readings.times, curve.values)
        self._plot.setLabel("bottom", self.tr("time [s]"))
        self._plot.setLabel("left", self.ordinate())
        self._moment_changed()

    def fit(self) -> None:
        """Give the axes back to the curves."""
        self._plot.enableAutoRange()
        self._fit.setEnabled(False)

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        tokens = current_tokens()
        self._plot.setBackground(tokens.panel)
        self._line.setPen(pg.mkPen(tokens.accent, width=1))
        self._line.setHoverPen(pg.mkPen(tokens.accent, width=3))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(tokens.line))
            axis.setTextPen(pg.mkPen(tokens.text_soft))
            axis.setStyle(tickLength=-4)
            axis.enableAutoSIPrefix(False)
        self._plot.getAxis("left").setWidth(62)
        self._plot.showGrid(x=False, y=True, alpha=0.12)

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What the axes show: seconds, and the curves' unit."""
        (left, right), (low, high) = self._plot.getViewBox().viewRange()
        return (left, right), (low, high)

    def ordinate(self) -> str:
        """What stands at the vertical axis."""
        unit = self._readings.group.unit
        if self._readings.group.key == ENERGIES:
            return self.tr("energy [J]")
        return f"[{unit}]" if unit else ""

    def _taken_over(self) -> None:
        self._fit.setEnabled(True)

    def _moment_changed(self) -> None:
        self._line.setVisible(self._playing.there)
        self._line.setValue(self._playing.time)
        self._show_values(self._playing.time)

    def _hover(self, place: QPointF) -> None:
        inside = self._plot.getViewBox().sceneBoundingRect().contains(place)
        self._show_values(self._plot.getViewBox().mapSceneToView(place).x() if inside else self._playing.time)

    def _clicked(self, event: object) -> None:
        """A click that is no drag, as pyqtgraph tells it."""
        if event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]  # its MouseClickEvent
            place = event.scenePos()  # type: ignore[attr-defined]  # likewise
            self._playing.show_time(float(self._plot.getViewBox().mapSceneToView(place).x()))

    def _show_values(self, moment: float) -> None:
        """The legend: name and value of every curve at a moment."""
        tokens, readings = current_tokens(), self._readings
        if not len(readings.times):
            self.legend.setText("")
            return
        at = int(np.clip(np.searchsorted(readings.times, moment + 1e-12, side="right") - 1, 0, len(readings.times) - 1))
        parts = [f'<span style="color:{tokens.text_soft}">{readings.times[at]:.3f} s</span>']
        for index, curve in enumerate(readings.curves()):
            value = float(curve.values[at]) or 0.0  # no "-0"
            number = f"{value:.3g}" if math.isfinite(value) else "–"
            colour = tokens.series[index % len(tokens.series)]
            parts.append(f'<span style="color:{colour}">●</span> {escape(without_unit(curve.name))} <b>{number}</b>')
        self.legend.show_parts(parts)
