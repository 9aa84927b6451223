"""The plots of a training and of a model's card: one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.plot import Plot
from app.panels.plot_legend import PlotLegend
from app.panels.theme import current_tokens

MANY = 150
"""Points from which on they are drawn small."""
PARTS = ("interpolation", "truncation", "regression")


class CardPlot(QWidget):
    """Draws what it is given; what was there before goes."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._again: tuple[Any, ...] | None = None
        self.plot = Plot(title, parent=self)
        self.plot.setFixedHeight(210)
        self.legend = PlotLegend(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.legend)
        column.addWidget(self.plot)
        self.apply_theme()

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        self.plot.apply_theme()
        if self._again is not None:
            draw, *arguments = self._again
            draw(*arguments)

    def show_reports(self, reports: Sequence[Mapping[str, Any]]) -> None:
        """Errors on what is held out, over the samples that were held out by now."""
        self._begin(self.show_reports, reports)
        held = [float(report["samples"]) for report in reports]
        names = list(reports[-1]["errors"]) if reports else []
        curves = {name: [float(report["errors"].get(name, np.nan)) for report in reports] for name in names}
        self._curves(held, curves, [float(report["mean"]) for report in reports])
        self._label(self.tr("samples held out"), self.tr("RRMSE so far"))

    def show_predictions(
        self, predicted: Sequence[float], true: Sequence[float], band: Sequence[float] | None, title: str
    ) -> None:
        """Predicted over true, with the bands, of samples that were held out."""
        self._begin(self.show_predictions, predicted, true, band, title)
        tokens = current_tokens()
        x, y = np.asarray(true, float), np.asarray(predicted, float)
        ends = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
        self.plot.plot(ends, ends, pen=pg.mkPen(tokens.text_soft, width=1))
        colour = tokens.series[0]
        if band is not None:
            pen = pg.mkPen(pg.mkColor(colour + "70"), width=1)
            self.plot.addItem(pg.ErrorBarItem(x=x, y=y, height=2.0 * np.asarray(band, float), pen=pen))
            inside = float(np.mean(np.abs(y - x) <= np.asarray(band, float)))
            self._say([self.tr("{0} of {1} bands hold the true value").format(f"{100.0 * inside:.0f} %", len(x))])
        brush = pg.mkBrush(colour)
        self.plot.addItem(pg.ScatterPlotItem(x=x, y=y, size=5 if len(x) < MANY else 3, pen=None, brush=brush))
        self._label(self.tr("true {0}").format(title), self.tr("predicted"))

    def show_coverage(self, coverage: Mapping[str, Mapping[str, Any]]) -> None:
        """How many true values bands hold, over how many they should."""
        self._begin(self.show_coverage, coverage)
        tokens = current_tokens()
        levels = [level for each in coverage.values() for level in each["levels"]]
        ends = [min(levels), max(levels)]
        self.plot.plot(ends, ends, pen=pg.mkPen(tokens.text_soft, width=1))
        for name, each in coverage.items():
            self._curve(name, each["levels"], each["shares"])
        self._label(self.tr("wanted coverage"), self.tr("measured"))

    def show_learning(self, curve: Mapping[str, Any]) -> None:
        """Errors over the number of samples that were learnt from."""
        self._begin(self.show_learning, curve)
        self._curves(curve["samples"], curve["errors"], curve["mean"])
        self._label(self.tr("samples learnt from"), self.tr("RRMSE"))

    def show_parts(self, split: Mapping[str, Mapping[str, float]]) -> None:
        """What the error of each field is made of."""
        self._begin(self.show_parts, split)
        tokens = current_tokens()
        titles = {
            "interpolation": self.tr("mesh"), "truncation": self.tr("modes"), "regression": self.tr("regression"),
        }  # fmt: skip
        at = np.arange(len(split), dtype=float)
        said = []
        for k, part in enumerate(PARTS):
            colour = tokens.series[k]
            heights = [float(each[part]) for each in split.values()]
            bars = pg.BarGraphItem(x=at + 0.27 * (k - 1), height=heights, width=0.25, brush=colour, pen=None)
            self.plot.addItem(bars)
            said.append(f'<span style="color:{colour}">■</span> {titles[part]}')
        self._say(said)
        self.plot.getAxis("bottom").setTicks([list(zip(at, split, strict=True))])
        self._label("", self.tr("part of the RRMSE"))

    # --------------------------------------------------------------------------------------------------------------

    def _begin(self, draw: Any, *arguments: Any) -> None:
        self._again = (draw, *arguments)
        self.plot.clear()
        self.plot.getAxis("bottom").setTicks(None)
        self.plot.enableAutoRange()
        self._say([])

    def _curves(self, x: Sequence[float], curves: Mapping[str, Sequence[float]], mean: Sequence[float]) -> None:
        for name, values in curves.items():
            self._curve(name, x, values)
        self._curve(self.tr("mean"), x, mean, colour=current_tokens().text, width=2.4)
        self.plot.setYRange(
            0.0, max([*np.nan_to_num(mean), *(v for c in curves.values() for v in np.nan_to_num(c))], default=1)
        )

    def _curve(
        self, name: str, x: Sequence[float], y: Sequence[float], *, colour: str = "", width: float = 1.5
    ) -> None:
        tokens = current_tokens()
        if not colour:
            colour = tokens.series[len(self._said) % len(tokens.series)]
        pen, brush = pg.mkPen(colour, width=width), pg.mkBrush(colour)
        self.plot.plot(
            np.asarray(x, float),
            np.asarray(y, float),
            pen=pen,
            symbol="o",
            symbolSize=4,
            symbolPen=None,
            symbolBrush=brush,
            connect="finite",
        )
        self._say([*self._said, f'<span style="color:{colour}">●</span> {name}'])

    def _label(self, bottom: str, left: str) -> None:
        tokens = current_tokens()
        self.plot.setLabel("bottom", bottom, color=tokens.text_soft)
        self.plot.setLabel("left", left, color=tokens.text_soft)

    def _say(self, parts: list[str]) -> None:
        self._said = parts
        self.legend.show_parts(parts)
