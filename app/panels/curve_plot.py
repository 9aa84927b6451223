"""What the live plots have in common: curves, a line, a legend, and the row above them."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.panels.editors import CalmComboBox
from app.panels.icons import icon
from app.panels.plot import Plot
from app.panels.plot_legend import PlotLegend


class CurvePlot(QWidget):
    """Curves over something. The axes follow them until a person takes the axes over, and again after `fit`."""

    save_wanted = Signal()

    def __init__(self, title: str, *, ordinate: pg.AxisItem | None = None, parent: QWidget | None = None) -> None:
        """title : what a screen reader says of the curves; ordinate : the vertical axis, None: a linear one"""
        super().__init__(parent)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._plot = Plot(title, ordinate=ordinate, parent=self)
        self._plot.setMinimumHeight(90)
        self._plot.getViewBox().sigRangeChangedManually.connect(self.take_over)
        self._plot.scene().sigMouseMoved.connect(self._hover)
        self._plot.scene().sigMouseClicked.connect(self._clicked)
        self._line = pg.InfiniteLine(angle=90)
        self._plot.addItem(self._line, ignoreBounds=True)
        self.legend = PlotLegend(self)
        self.choice = CalmComboBox(self)
        self.choice.setAccessibleName(self.tr("What the plot shows"))
        self._fit = self._button("fit", self.tr("Fit the axes"), self.tr("Let the axes follow the curves again"))
        self._fit.clicked.connect(self.fit)
        self.save = self._button("save", "", "")
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

    def offer(self, choices: Sequence[tuple[str, str]], chosen: str) -> None:
        """What can be shown: key and title; with one choice there is none."""
        known = [(self.choice.itemData(index), self.choice.itemText(index)) for index in range(self.choice.count())]
        if known != list(choices):
            self.choice.clear()
            for key, title in choices:
                self.choice.addItem(title, key)
        self.choice.setCurrentIndex(max(self.choice.findData(chosen), 0))
        self.choice.setVisible(len(choices) > 1)

    def fit(self) -> None:
        """Give the axes back to the curves."""
        self._fit.setEnabled(False)

    def take_over(self) -> None:
        """A person moved the axes: they stay as they are until `fit`."""
        self._fit.setEnabled(True)

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What the axes show: the horizontal one, and the vertical one (of a logarithmic axis the logarithms)."""
        (left, right), (low, high) = self._plot.getViewBox().viewRange()
        return (left, right), (low, high)

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        self._plot.apply_theme()

    # What the plots do differently --------------------------------------------------------------------------------

    def _hover(self, place: QPointF) -> None:
        """The pointer is there, in the scene of the plot."""

    def _clicked(self, event: object) -> None:
        """A click that is no drag, as pyqtgraph tells it."""

    # --------------------------------------------------------------------------------------------------------------

    def _abscissa(self, place: QPointF) -> float | None:
        """Where on the horizontal axis a place of the scene is; None outside the axes."""
        box = self._plot.getViewBox()
        return float(box.mapSceneToView(place).x()) if box.sceneBoundingRect().contains(place) else None

    def _keep_curves(self, names: set[str]) -> None:
        """Take away the curves that are none of these."""
        for name in [name for name in self._curves if name not in names]:
            self._plot.removeItem(self._curves.pop(name))

    def _curve(self, name: str) -> pg.PlotDataItem:
        """The curve of that name, which may be a new one."""
        if name not in self._curves:
            self._curves[name] = self._plot.plot(connect="finite", autoDownsample=True, clipToView=True)
        return self._curves[name]

    def _button(self, symbol: str, name: str, help: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setAccessibleName(name)
        button.setToolTip(help)
        return button
