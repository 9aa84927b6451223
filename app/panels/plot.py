"""A plot as all of the window's are: axes in the theme's colours, units as they are given, no menu of its own."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtWidgets import QWidget

from app.panels.theme import current_tokens

SIDES = ("left", "bottom")


class Plot(pg.PlotWidget):
    """Whoever owns one calls `apply_theme` when the theme changes."""

    def __init__(self, title: str, *, ordinate: pg.AxisItem | None = None, parent: QWidget | None = None) -> None:
        """title : what a screen reader says of it; ordinate : the vertical axis, None: a linear one"""
        super().__init__(parent, axisItems={} if ordinate is None else {"left": ordinate})
        self.setAccessibleName(title)
        self.setMenuEnabled(False)
        self.hideButtons()
        for side in SIDES:
            # Once, and before there is a label: the call itself takes a prefix for the range that is shown just then.
            self.getAxis(side).enableAutoSIPrefix(False)

    def apply_theme(self) -> None:
        """Take the colours of the theme in force."""
        tokens = current_tokens()
        self.setBackground(tokens.panel)
        for side in SIDES:
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(tokens.line))
            axis.setTextPen(pg.mkPen(tokens.text_soft))
            axis.setStyle(tickLength=-4)
        self.showGrid(x=False, y=True, alpha=0.12)
