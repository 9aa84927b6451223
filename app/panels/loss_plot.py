"""The live plot of the losses: one curve a Term on a logarithmic axis, its value under the pointer."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.document.run_record import LossCurves
from app.panels.icons import icon
from app.panels.theme import current_tokens


class DecadeAxis(pg.AxisItem):
    """A logarithmic axis with a number at each decade, and at 2 and 5 where only few decades are in sight."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        decades = [float(exponent) for exponent in range(math.floor(low), math.ceil(high) + 1)]
        thin = max(1, math.ceil(len(decades) * 15 / max(size, 1.0)))
        levels = [(float(thin), [value for value in decades[::thin] if low <= value <= high])]
        if high - low <= 1.2:
            between = [value + math.log10(part) for value in decades for part in (2, 5)]
            levels.append((0.3, [value for value in between if low <= value <= high]))
        return levels

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10**value:.0e}" if abs(value) > 3 else f"{10**value:.4g}" for value in values]


SETTLED = 40
"""Values of a curve until which the loss axis follows the curves; from then on it only grows."""
MOST_DECADES = 6.0
"""Of a curve further below the highest than this nothing is to be read beside the others."""
SLACK = 0.1
"""Decades by which a curve may leave the axis before it grows."""


class LossPlot(QWidget):
    """Curves of the present branch. Axes follow the first values, then only grow, by half decades, until a person
    takes them over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Losses"))
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._data: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._order: list[str] = []
        self._titles: dict[str, str] = {}
        self._follow = True
        self._decades: tuple[float, float] | None = None
        self._iterations = 100
        self._plot = pg.PlotWidget(self, axisItems={"left": DecadeAxis("left")})
        self._plot.setAccessibleName(self.tr("Loss curves"))
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setLogMode(x=False, y=True)
        self._plot.getViewBox().sigRangeChangedManually.connect(self.take_over)
        self._plot.setMinimumHeight(90)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        self._plot.addItem(self._line, ignoreBounds=True)
        self._plot.scene().sigMouseMoved.connect(self._hover)
        self._legend = QLabel(self)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        # Many Terms make a long line: it is cut at the end, and never makes the window wider.
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._legend.setAccessibleName(self.tr("Values of the losses"))
        self._fit = QToolButton(self)
        self._fit.setIcon(icon("fit"))
        self._fit.setAccessibleName(self.tr("Fit the axes"))
        self._fit.setToolTip(self.tr("Let the axes follow the curves again"))
        self._fit.clicked.connect(self.fit)
        header = QHBoxLayout()
        header.setContentsMargins(12, 4, 8, 0)
        header.addWidget(self._legend, 1)
        header.addWidget(self._fit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self._plot, 1)
        self.apply_theme()
        self.fit()

    def show_losses(self, curves: LossCurves, titles: dict[str, str], iterations: int) -> None:
        """Draw the curves of the Terms (name -> title), and the total, over `iterations` in all."""
        self._titles = titles
        x = np.asarray(curves.iterations, np.float64)
        self._order = ["loss", *titles]
        for name in [name for name in self._curves if name not in self._order]:
            self._plot.removeItem(self._curves.pop(name))
            self._data.pop(name, None)
        for index, name in enumerate(self._order, start=-1):
            key = "loss" if name == "loss" else f"term:{name}"
            values = np.asarray(curves.values.get(key, []), np.float64)
            positive = np.where(values > 0, values, np.nan)
            if name not in self._curves:
                self._curves[name] = self._plot.plot(connect="finite", autoDownsample=True, clipToView=True)
            self._curves[name].setPen(self._pen(name, index))
            self._curves[name].setData(x[: len(positive)], positive)
            self._data[name] = (x[: len(positive)], positive)
        self._iterations = max(iterations, int(x[-1]) if len(x) else 0, 10)
        if self._follow:
            self._grow()
        if not self._line.isVisible():
            self._show_values(None)

    def fit(self) -> None:
        """Give the axes back to the curves."""
        self._follow = True
        self._decades = None
        self._grow()
        self._fit.setEnabled(False)

    def clear(self) -> None:
        for curve in self._curves.values():
            self._plot.removeItem(curve)
        self._curves.clear()
        self._data.clear()
        self._legend.setText("")
        self.fit()

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        tokens = current_tokens()
        self._plot.setBackground(tokens.panel)
        self._line.setPen(pg.mkPen(tokens.text_off, width=1))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(tokens.line))
            axis.setTextPen(pg.mkPen(tokens.text_soft))
            axis.setStyle(tickLength=-4)
        self._plot.getAxis("left").setWidth(46)
        self._plot.showGrid(x=False, y=True, alpha=0.12)

    def _pen(self, name: str, index: int) -> object:
        tokens = current_tokens()
        if name == "loss":
            return pg.mkPen(tokens.text, width=1.2, style=Qt.PenStyle.DotLine)
        return pg.mkPen(tokens.series[index % len(tokens.series)], width=1.6)

    def _grow(self) -> None:
        found = [series[np.isfinite(series)] for _, series in self._data.values()]
        # The first iterations of a Term that begins at nothing would stretch the axis over empty decades.
        ends = [np.log10(np.percentile(series, (5, 100))) for series in found if series.size]
        if ends:
            low, high = min(end[0] for end in ends), max(end[1] for end in ends)
            low = max(low, high - MOST_DECADES)
            shown = self._decades
            if shown is None or max(series.size for series in found) <= SETTLED:
                shown = (_half_below(low), _half_above(high))
            if low < shown[0] - SLACK:
                shown = (_half_below(low), shown[1])
            if high > shown[1] + SLACK:
                shown = (shown[0], _half_above(high))
            self._decades = (shown[0], max(shown[1], shown[0] + 1.0))
        low, high = self._decades or (-4.0, 0.0)
        self._plot.setXRange(0, self._iterations, padding=0.01)
        self._plot.setYRange(low - 0.04, high + 0.04, padding=0)

    def take_over(self) -> None:
        """A person moved the axes: they stay as they are until `fit`."""
        self._follow = False
        self._fit.setEnabled(True)

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What the axes show: iterations, and the losses' decimal logarithms."""
        (left, right), (low, high) = self._plot.getViewBox().viewRange()
        return (left, right), (low, high)

    def _hover(self, place: QPointF) -> None:
        inside = self._plot.getViewBox().sceneBoundingRect().contains(place)
        self._line.setVisible(inside and bool(self._data))
        if not inside:
            self._show_values(None)
            return
        iteration = self._plot.getViewBox().mapSceneToView(place).x()
        self._line.setPos(iteration)
        self._show_values(iteration)

    def _show_values(self, iteration: float | None) -> None:
        """The legend: name and value of every curve, at `iteration` or now."""
        tokens = current_tokens()
        parts = []
        for index, name in enumerate(self._order, start=-1):
            x, values = self._data.get(name, (np.empty(0), np.empty(0)))
            if not len(values):
                continue
            at = len(values) - 1 if iteration is None else min(int(np.searchsorted(x, iteration)), len(values) - 1)
            colour = tokens.text if name == "loss" else tokens.series[index % len(tokens.series)]
            title = self.tr("Total") if name == "loss" else self._titles.get(name, name)
            number = f"{values[at]:.2e}" if math.isfinite(values[at]) else "–"
            parts.append(f'<span style="color:{colour}">●</span> {title} <b>{number}</b>')
        if iteration is not None and parts:
            parts.insert(0, f'<span style="color:{tokens.text_soft}">it {max(0, round(iteration))}</span>')
        self._legend.setText("&nbsp;&nbsp; ".join(parts))
        self._legend.setToolTip("<br>".join(parts))


def _half_below(exponent: float) -> float:
    return math.floor(2.0 * exponent) / 2.0


def _half_above(exponent: float) -> float:
    return math.ceil(2.0 * exponent) / 2.0
