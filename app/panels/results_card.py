"""What a study on a scene has found so far, with what can be done with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.document.digits import with_band
from app.panels.handy_units import handy_unit
from app.panels.icons import icon
from app.work.results import Found

if TYPE_CHECKING:
    from app.work.results import Results


class ResultsCard(QFrame):
    """Seen while a Run of the study that is chosen has something to tell."""

    export_wanted = Signal()

    def __init__(self, results: Results, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._results = results
        self._shown: list[tuple[str, str]] = []
        self._labels: list[tuple[QLabel, QLabel]] = []
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Found so far"))
        heading = QLabel(self.tr("Found so far"), self)
        heading.setProperty("heading", True)
        self._rows = QWidget(self)
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self.copy = self._button("copy", self.tr("Copy"), self.tr("Copy the numbers as a table"))
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(results.text()))
        self.certain = self._button(
            "measure", self.tr("How certain?"),
            self.tr("One standard deviation of each number, from the curvature of the loss: simulates twice for each"),
        )  # fmt: skip
        self.certain.clicked.connect(results.ask_deviations)
        self.export = self._button("export", self.tr("Export…"), self.tr("The pattern as a flat mesh"))
        self.export.clicked.connect(self.export_wanted)
        self.apply = self._button(
            "add", self.tr("Write into the scene"), self.tr("So that Simulate goes on with it; undo takes it back")
        )
        self.apply.clicked.connect(results.apply)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 7)
        column.setSpacing(5)
        column.addWidget(heading)
        column.addWidget(self._rows)
        for pair in ((self.copy, self.certain, self.export), (self.apply,)):
            row = QHBoxLayout()
            row.setSpacing(6)
            for button in pair:
                row.addWidget(button)
            row.addStretch(1)
            column.addLayout(row)
        results.changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is there now."""
        results = self._results
        self.setVisible(results.there)
        if not results.there:
            return
        rows = [(row.name, value_text(row)) for row in results.rows]
        rows += [(name, travel_text(path)) for name, path in results.paths.items()]
        if results.pattern:
            rows = [(_tr("Flat pattern"), _tr("as a mesh"))]
        if rows != self._shown:
            self._shown = rows
            self._fill(rows)
        self.copy.setVisible(not results.pattern)
        self.export.setVisible(results.pattern)
        self.certain.setVisible(results.can_say_how_certain)

    def texts(self) -> list[tuple[str, str]]:
        """Names and values as they are shown."""
        return list(self._shown)

    def _fill(self, rows: list[tuple[str, str]]) -> None:
        while len(self._labels) > len(rows):
            for label in self._labels.pop():
                label.hide()
                label.deleteLater()
        while len(self._labels) < len(rows):
            name, value = QLabel(self._rows), QLabel(self._rows)
            name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            for column, label in enumerate((name, value)):
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self._grid.addWidget(label, len(self._labels), column)
            self._labels.append((name, value))
        for labels, texts in zip(self._labels, rows, strict=True):
            for label, text in zip(labels, texts, strict=True):
                label.setText(text)
                label.setToolTip(text)

    def _button(self, symbol: str, title: str, help: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icon(symbol))
        button.setText(title)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setAccessibleName(title)
        button.setToolTip(help)
        return button


LEAST_ANGLE = 1e-9
"""[rad] What is less is rounding."""


def value_text(row: Found) -> str:
    """ "101.3 ± 0.4 kPa" """
    handy = handy_unit(row.unit, row.value)
    value = row.value / handy.factor
    if row.unit == "rad" and abs(row.value) < LEAST_ANGLE:
        value = 0.0
    if row.deviation is None or not math.isfinite(row.deviation):
        unknown = "" if row.deviation is None else _tr(" ± unknown")
        return f"{value:.5g}{unknown} {handy.name}".rstrip()
    return with_band(value, row.deviation / handy.factor, handy.name)


def travel_text(path: np.ndarray) -> str:
    """How far it goes from where it began, at the most."""
    far = float(np.linalg.norm(path[:, :3] - path[0, :3], axis=1).max())
    turns = float(np.degrees(np.linalg.norm(path[:, 3:6] - path[0, 3:6], axis=1).max()))
    text = _tr("moves {0} mm").format(f"{1000.0 * far:.3g}")
    return text + _tr(", turns {0}°").format(f"{turns:.3g}") if turns > 0.0 else text


def _tr(text: str) -> str:
    return QCoreApplication.translate("ResultsCard", text)
