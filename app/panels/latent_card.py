"""Sliders through the shapes of a Model: its principal axes, and the way from one shape to another."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.panels.editors import CalmComboBox
from app.panels.number_field import ValueSlider
from app.panels.schema import ParameterField
from app.work.latent import FARTHEST, Latent
from engine.protocol.study import MODEL

MOST = 12
"""Sliders that are shown: the axes are in the order of how much they change."""


class LatentCard(QFrame):
    """Seen while the study is about a Model."""

    def __init__(self, document: Document, latent: Latent, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._latent = latent
        self.sliders: list[ValueSlider] = []
        self._numbers: list[QLabel] = []
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Shape of the Model"))
        heading = QLabel(self.tr("Shape of the Model"), self)
        heading.setProperty("heading", True)
        self.reset = QPushButton(self.tr("Mean shape"), self)
        self.reset.setAccessibleName(self.tr("Mean shape"))
        self.reset.setToolTip(self.tr("All sliders to the middle"))
        self.reset.clicked.connect(latent.reset)
        self.begin = QPushButton(self.tr("Move by hand"), self)
        self.begin.setAccessibleName(self.tr("Move by hand"))
        self.begin.setToolTip(self.tr("Show the mean shape and wait: the sliders move it, Run lets it descend"))
        self.begin.clicked.connect(latent.begin)
        buttons = QHBoxLayout()
        buttons.addWidget(self.reset)
        buttons.addWidget(self.begin)
        buttons.addStretch(1)
        self._rows = QWidget(self)
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self.first, self.second = self._choice(self.tr("From")), self._choice(self.tr("To"))
        self.share = ValueSlider(_field(self.tr("Between"), self.tr("From the one shape to the other"), 0.0, 1.0), self)
        self.share.value_dragged.connect(self._go_between)
        self.share.sliderPressed.connect(latent.end_drag)
        self.share.sliderReleased.connect(latent.end_drag)
        self._way = QWidget(self)
        way = QGridLayout(self._way)
        way.setContentsMargins(0, 4, 0, 0)
        way.setColumnStretch(0, 1)
        way.setColumnStretch(1, 1)
        way.addWidget(self.first, 0, 0)
        way.addWidget(self.second, 0, 1)
        way.addWidget(self.share, 1, 0, 1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 7)
        column.addWidget(heading)
        column.addLayout(buttons)
        column.addWidget(self._rows)
        column.addWidget(self._way)
        latent.changed.subscribe(self.refresh)
        document.study_changed.subscribe(self.refresh)
        document.catalogue_changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show where the shape is now."""
        latent = self._latent
        there = bool(latent.values) and MODEL in self._document.study.inputs
        self.setVisible(there or latent.can_begin)
        self.begin.setVisible(latent.can_begin)
        self.reset.setVisible(there)
        self._rows.setVisible(there)
        count = min(len(latent.values), MOST)
        if len(self.sliders) != count:
            self._draw(count)
        for slider, number, value in zip(self.sliders, self._numbers, latent.values, strict=False):
            slider.set_value(value)
            number.setText(f"{value:+.2f}")
        names = list(latent.shapes)
        self._way.setVisible(there and len(names) > 1)
        for place, box in enumerate((self.first, self.second)):
            if [box.itemText(row) for row in range(box.count())] != names:
                box.clear()
                box.addItems(names)
                box.setCurrentIndex(min(place, len(names) - 1))

    def _draw(self, count: int) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.sliders, self._numbers = [], []
        for index in range(count):
            title = self.tr("Axis {0}").format(index + 1)
            slider = ValueSlider(
                _field(title, self.tr("In standard deviations of what was learnt; 0 is the mean"), -FARTHEST, FARTHEST),
                self._rows,
            )
            slider.value_dragged.connect(partial(self._latent.set_value, index))
            slider.sliderPressed.connect(self._latent.end_drag)
            slider.sliderReleased.connect(self._latent.end_drag)
            number = QLabel(self._rows)
            number.setAccessibleName(self.tr("Value of axis {0}").format(index + 1))
            number.setMinimumWidth(number.fontMetrics().horizontalAdvance("+8.88"))
            for column, widget in enumerate((QLabel(title, self._rows), slider, number)):
                self._grid.addWidget(widget, index, column)
            self.sliders.append(slider)
            self._numbers.append(number)

    def _choice(self, title: str) -> CalmComboBox:
        box = CalmComboBox(self)
        box.setAccessibleName(title)
        box.setToolTip(title)
        box.give_way(6)
        return box

    def _go_between(self, share: float) -> None:
        self._latent.between(self.first.currentText(), self.second.currentText(), share)


def _field(title: str, help: str, low: float, high: float) -> ParameterField:
    return ParameterField("", title, help, "number", low if low == 0.0 else 0.0, soft_min=low, soft_max=high)
