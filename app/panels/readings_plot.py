"""Energies or sensors of a simulation over time; the line is the moment that is looked at, and scrubs."""

from __future__ import annotations

import math
from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QWidget

from app.panels.curve_plot import CurvePlot
from app.panels.theme import current_tokens
from app.work.readings import ENERGIES, Readings, without_unit

PREFIXED = ("J", "N", "Pa")
"""Units that take a prefix: millijoules are read more easily than 0.00152 J, and fit beside the axis."""


class ReadingsPlot(CurvePlot):
    """Linear axes. A click looks at that moment."""

    def __init__(self, readings: Readings, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Curves over time"), parent=parent)
        self._readings = readings
        self._playing = readings.playing
        self._scale, self._prefix = 1.0, ""
        self.setAccessibleName(self.tr("Energies and sensors"))
        self._line.setMovable(True)
        self._line.sigDragged.connect(lambda line: self._playing.show_time(float(line.value())))
        self._plot.getAxis("left").setWidth(62)
        self.choice.activated.connect(lambda index: readings.choose(self.choice.itemData(index)))
        self.legend.setAccessibleName(self.tr("Values"))
        self.save.setAccessibleName(self.tr("Save the values"))
        self.save.setToolTip(self.tr("Save all energies, sensors and controls as a table (CSV)"))
        self.apply_theme()
        self.fit()
        readings.changed.subscribe(self.refresh)
        self._playing.changed.subscribe(self._moment_changed)

    def refresh(self) -> None:
        """Draw the curves as they are now."""
        readings, tokens = self._readings, current_tokens()
        self.offer([(group.key, group.title) for group in readings.groups()], readings.group.key)
        self._keep_curves({curve.name for curve in readings.curves()})
        for index, curve in enumerate(readings.curves()):
            drawn = self._curve(curve.name)
            drawn.setPen(pg.mkPen(tokens.series[index % len(tokens.series)], width=1.6))
            drawn.setData(readings.times, curve.values)
        self.save.setEnabled(self._playing.there)
        self._scale, self._prefix = self._wanted_prefix()
        self._plot.getAxis("left").setScale(self._scale)
        self._plot.setLabel("bottom", self.tr("time [s]"))
        self._plot.setLabel("left", self.ordinate())
        self._moment_changed()

    def fit(self) -> None:
        super().fit()
        self._plot.enableAutoRange()

    def apply_theme(self) -> None:
        super().apply_theme()
        tokens = current_tokens()
        self._line.setPen(pg.mkPen(tokens.accent, width=1))
        self._line.setHoverPen(pg.mkPen(tokens.accent, width=3))
        self.refresh()

    def ordinate(self) -> str:
        """What stands at the vertical axis."""
        unit = self._prefix + self._readings.group.unit
        if self._readings.group.key == ENERGIES:
            return self.tr("energy [{0}]").format(unit)
        return f"[{unit}]" if unit else ""

    def _wanted_prefix(self) -> tuple[float, str]:
        """By what the values are multiplied to be read easily, and the prefix of their unit then: 1000 and "m"."""
        largest = max((float(np.nanmax(np.abs(one.values), initial=0.0)) for one in self._readings.curves()), default=0)
        if self._readings.group.unit not in PREFIXED or not 0.0 < largest < math.inf:
            return 1.0, ""
        scale, prefix = pg.siScale(largest)
        return float(scale), str(prefix)

    def _moment_changed(self) -> None:
        self._line.setVisible(self._playing.there)
        self._line.setValue(self._playing.time)
        self._show_values(self._playing.time)

    def _hover(self, place: QPointF) -> None:
        moment = self._abscissa(place)
        self._show_values(self._playing.time if moment is None else moment)

    def _clicked(self, event: object) -> None:
        moment = self._abscissa(event.scenePos())  # type: ignore[attr-defined]  # pyqtgraph's MouseClickEvent
        if moment is not None and event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]  # likewise
            self._playing.show_time(moment)

    def _show_values(self, moment: float) -> None:
        """The legend: name and value of every curve at a moment."""
        tokens, readings = current_tokens(), self._readings
        if not len(readings.times):
            self.legend.setText("")
            return
        at = int(np.clip(np.searchsorted(readings.times, moment + 1e-12, side="right") - 1, 0, len(readings.times) - 1))
        parts = [f'<span style="color:{tokens.text_soft}">{readings.times[at]:.3f} s</span>']
        for index, curve in enumerate(readings.curves()):
            value = self._scale * float(curve.values[at]) or 0.0  # no "-0"
            number = f"{value:.3g}" if math.isfinite(value) else "–"
            colour = tokens.series[index % len(tokens.series)]
            parts.append(f'<span style="color:{colour}">●</span> {escape(without_unit(curve.name))} <b>{number}</b>')
        self.legend.show_parts(parts)
