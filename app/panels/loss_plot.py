"""The live plot of the losses: one curve a Term, or a branch, on a logarithmic axis, its value under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.document.run_record import LossCurves
from app.panels.curve_plot import CurvePlot
from app.panels.icons import icon
from app.panels.theme import branch_colour, current_tokens
from app.work.curves import BranchCurves


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


@dataclass
class Line:
    """A curve as it is drawn: its key and title, its colour, whether it is a branch that is not shown, x, the values,
    and y: of them what has a logarithm."""

    key: str
    title: str
    colour: str
    dotted: bool = False
    shown: bool = True
    x: np.ndarray = field(default_factory=lambda: np.empty(0))
    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    y: np.ndarray = field(default_factory=lambda: np.empty(0))

    @staticmethod
    def of(key: str, title: str, colour: str, curves: LossCurves, name: str, **look: bool) -> Line:
        """The quantity `name` of `curves`; what has no logarithm is a gap."""
        values = np.asarray(curves.values.get(name, []), np.float64)
        x = np.asarray(curves.iterations, np.float64)[: len(values)]
        return Line(key, title, colour, **look, x=x, values=values, y=np.where(values > 0, values, np.nan))


class LossPlot(CurvePlot):
    """Curves of the present branch, or one quantity of several branches. Axes follow the first values, then only grow,
    by half decades, until a person takes them over."""

    quantity_chosen = Signal(str)  # "" for the Terms of the present branch, else a name of `LossCurves.values`
    branch_toggled = Signal(str)
    copy_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Loss curves"), ordinate=DecadeAxis("left"), parent=parent)
        self.setAccessibleName(self.tr("Losses"))
        self._lines: list[Line] = []
        self._of_branches = False
        self._follow = True
        self._decades: tuple[float, float] | None = None
        self._iterations = 100
        self._plot.setLogMode(x=False, y=True)
        self._plot.getAxis("left").setWidth(46)
        # A right drag zooms: the menu comes with a right click that was none, see `_clicked`.
        self._plot.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._line.hide()
        self.legend.setAccessibleName(self.tr("Values of the losses"))
        self.legend.linkActivated.connect(self.branch_toggled)
        self.choice.setToolTip(self.tr("The terms of the present branch, or one loss of several branches"))
        self.choice.activated.connect(lambda index: self.quantity_chosen.emit(self.choice.itemData(index)))
        self.choice.hide()
        self.save.setAccessibleName(self.tr("Save the loss curves"))
        self.save.setToolTip(self.tr("Save as a picture (SVG) or a table"))
        self.save.setEnabled(False)
        self.apply_theme()
        self.fit()

    def show_losses(self, curves: LossCurves, titles: dict[str, str], iterations: int) -> None:
        """Draw the curves of the Terms (name -> title), and the total, over `iterations` in all."""
        tokens = current_tokens()
        lines = [Line.of("loss", self.tr("Total"), tokens.text, curves, "loss", dotted=True)]
        for index, (name, title) in enumerate(titles.items()):
            colour = tokens.series[index % len(tokens.series)]
            lines.append(Line.of(name, title, colour, curves, f"term:{name}"))
        self._show(lines, iterations, of_branches=False)

    def show_branches(self, branches: Sequence[BranchCurves], quantity: str, iterations: int) -> None:
        """Draw one quantity of the branches over each other, each in the colour that it has in the tree."""
        lines = [
            Line.of(item.branch, item.title, branch_colour(item.number), item.curves, quantity, shown=item.shown)
            for item in branches
        ]
        self._show(lines, iterations, of_branches=True)

    def fit(self) -> None:
        """Give the axes back to the curves."""
        super().fit()
        self._follow = True
        self._decades = None
        self._grow()

    def clear(self) -> None:
        self._show([], self._iterations, of_branches=False)
        self.legend.setText("")
        self.fit()

    def apply_theme(self) -> None:
        super().apply_theme()
        self._line.setPen(pg.mkPen(current_tokens().text_off, width=1))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done with the plot."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._of_branches:
            for line in self._lines:
                action = menu.addAction(line.title)
                action.setCheckable(True)
                action.setChecked(line.shown)
                action.triggered.connect(lambda _=False, key=line.key: self.branch_toggled.emit(key))
            menu.addSeparator()
        menu.addAction(icon("save"), self.tr("Save the loss curves…"), self.save_wanted.emit)
        menu.addAction(icon("copy"), self.tr("Copy the values"), self.copy_wanted.emit)
        menu.addSeparator()
        menu.addAction(icon("fit"), self.tr("Fit the axes"), self.fit)
        return menu

    def _show(self, lines: list[Line], iterations: int, *, of_branches: bool) -> None:
        keys = {line.key for line in lines if line.shown}
        if of_branches != self._of_branches:
            self._of_branches, self._decades = of_branches, None
            keys = set()
        self._keep_curves(keys)
        self._lines = lines
        self.save.setEnabled(any(len(line.values) for line in lines))
        for index, line in enumerate(lines):
            if line.shown:
                curve = self._curve(line.key)
                style = Qt.PenStyle.DotLine if line.dotted else Qt.PenStyle.SolidLine
                curve.setPen(pg.mkPen(line.colour, width=1.2 if line.dotted else 1.6, style=style))
                curve.setData(line.x, line.y)
                if of_branches:  # what a branch has of the one that it left lies below that one
                    curve.setZValue(-index)
        last = max((int(line.x[-1]) for line in lines if len(line.x)), default=0)
        self._iterations = max(iterations, last, 10)
        if not self.save.isEnabled():
            self._decades = None  # another run: the losses of the last one say nothing of these
        if self._follow:
            self._grow()
        if not self._line.isVisible():
            self._show_values(None)

    def _grow(self) -> None:
        found = [line.y[np.isfinite(line.y)] for line in self._lines if line.shown]
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
        super().take_over()
        self._follow = False

    def _clicked(self, event: object) -> None:
        if event.button() == Qt.MouseButton.RightButton:  # type: ignore[attr-defined]  # its MouseClickEvent
            place = event.screenPos()  # type: ignore[attr-defined]  # likewise
            self.menu().popup(QPoint(round(place.x()), round(place.y())))

    def _hover(self, place: QPointF) -> None:
        iteration = self._abscissa(place)
        self._line.setVisible(iteration is not None and bool(self._lines))
        if iteration is not None:
            self._line.setPos(iteration)
        self._show_values(iteration)

    def _show_values(self, iteration: float | None) -> None:
        """The legend: name and value of every curve, at `iteration` or now."""
        tokens = current_tokens()
        parts = []
        for line in self._lines:
            values = line.values  # also those that a logarithmic axis has no place for
            if not len(values):
                continue
            at = len(values) - 1 if iteration is None else int(np.searchsorted(line.x, iteration))
            known = at < len(values) and math.isfinite(values[at])
            if not self._of_branches:  # a branch that has ended has no value there; the present one has its last
                at = min(at, len(values) - 1)
                known = math.isfinite(values[at])
            number = f"{values[at]:.2e}" if known else "–"
            title, dot = escape(line.title), "●" if line.shown else "○"
            text = f'<span style="color:{line.colour}">{dot}</span> {title}'
            if self._of_branches:
                ink = tokens.text if line.shown else tokens.text_off
                style = f"color:{ink}; text-decoration:none"
                text = f'<a href="{escape(line.key)}" style="{style}">{text}</a>'
            parts.append(f"{text} <b>{number}</b>" if line.shown else text)
        if iteration is not None and parts:
            parts.insert(0, f'<span style="color:{tokens.text_soft}">it {max(0, round(iteration))}</span>')
        tip = self.tr("Click on a branch to show or hide its curve") if self._of_branches else ""
        self.legend.show_parts(parts, tip)


def _half_below(exponent: float) -> float:
    return math.floor(2.0 * exponent) / 2.0


def _half_above(exponent: float) -> float:
    return math.ceil(2.0 * exponent) / 2.0
