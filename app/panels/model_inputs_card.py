"""Scalars that a Model is given, as sliders over what it has learnt, and how far a part is out of the trust region."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.panels.number_field import NumberField, ValueSlider
from app.panels.schema import ParameterField
from app.panels.theme import current_tokens

if TYPE_CHECKING:
    from app.work.predicting import Input, Predicting

BEYOND = 0.25
"""Of the learnt range, that a slider goes beyond it on both sides."""


class ModelInputsCard(QFrame):
    """Seen while a Run of *Predict* has scalars to be given, or a trust region."""

    def __init__(self, predicting: Predicting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._predicting = predicting
        self.rows: dict[str, InputRow] = {}
        self.setProperty("card", True)
        self.setAccessibleName(self.tr("Scalars of the Model"))
        self._heading = QLabel(self.tr("Scalars of the Model"), self)
        self._heading.setProperty("heading", True)
        self.trust = TrustBar(self)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(9, 6, 8, 7)
        column.setSpacing(6)
        column.addWidget(self._heading)
        column.addLayout(self._grid)
        column.addWidget(self.trust)
        predicting.changed.subscribe(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is there now."""
        predicting = self._predicting
        inputs = predicting.inputs if predicting.there else ()
        self.setVisible(bool(inputs) or (predicting.there and predicting.trust is not None))
        self._heading.setVisible(bool(inputs))
        self.trust.show_trust(predicting.trust)
        wanted = {one.name: (one.low, one.high, one.unit) for one in inputs}
        if wanted != {name: row.range for name, row in self.rows.items()}:
            self._draw(inputs)
        for one in inputs:
            self.rows[one.name].show_input(one)

    def _draw(self, inputs: tuple[Input, ...]) -> None:
        for row in self.rows.values():
            row.remove()
        self.rows = {}
        for place, one in enumerate(inputs):
            self.rows[one.name] = InputRow(one, self._predicting, self._grid, 3 * place, self)


class InputRow:
    """Name, slider, number, and whether the descent may move it; below, that it is outside, where it is."""

    def __init__(self, one: Input, predicting: Predicting, grid: QGridLayout, place: int, parent: QWidget) -> None:
        self.range = (one.low, one.high, one.unit)
        field = _field(one)
        self.label = QLabel(one.name, parent)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.label.setToolTip(one.name)
        self.label.setWordWrap(True)
        self.slider = ValueSlider(field, parent)
        self.number = NumberField(field, parent)
        self.number.setMaximumWidth(116)
        self.label.setBuddy(self.number)
        self.vary = QCheckBox(_tr("vary"), parent)
        self.vary.setAccessibleName(_tr("Let {0} vary").format(one.name))
        self.vary.setToolTip(_tr("The descent may move it"))
        self.outside = QLabel(parent)
        self.outside.setProperty("soft", True)
        self.outside.setWordWrap(True)
        self.slider.value_dragged.connect(partial(predicting.set_input, one.name))
        self.slider.sliderPressed.connect(predicting.end_drag)
        self.slider.sliderReleased.connect(predicting.end_drag)
        self.number.value_changed.connect(lambda value: predicting.set_input(one.name, float(value)))
        self.number.gesture_ended.connect(predicting.end_drag)
        self.vary.clicked.connect(lambda on: predicting.set_varies(one.name, on))
        for column, widget in enumerate((self.label, self.number, self.vary)):
            grid.addWidget(widget, place, column)
        grid.addWidget(self.slider, place + 1, 0, 1, 3)
        grid.addWidget(self.outside, place + 2, 0, 1, 3)

    def show_input(self, one: Input) -> None:
        self.slider.set_value(one.value)
        self.number.set_value(float(f"{one.value:.5g}"))
        self.vary.setChecked(one.varies)
        self.outside.setVisible(one.is_outside)
        if one.is_outside:
            text = _tr("Outside of what was learnt: {0} to {1}")
            self.outside.setText(text.format(f"{one.low:.4g}", f"{one.high:.4g} {one.unit}".rstrip()))

    def remove(self) -> None:
        for widget in (self.label, self.slider, self.number, self.vary, self.outside):
            widget.hide()
            widget.deleteLater()


class TrustBar(QWidget):
    """How far the part is from the learnt shapes, on a line with the trust region's end marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trust: tuple[float, float] | None = None
        self._text = QLabel(self)
        self._text.setProperty("soft", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 16)
        column.addWidget(self._text)
        self.setAccessibleName(self.tr("Trust region"))
        self.setToolTip(self.tr("Distance from the learnt shapes; the line is where the trust region ends"))

    def text(self) -> str:
        return self._text.text()

    def show_trust(self, trust: tuple[float, float] | None) -> None:
        self.setVisible(trust is not None)
        if trust is None or trust == self._trust:
            return
        self._trust = trust
        distance, radius = trust
        share = distance / radius if radius > 0.0 else math.inf
        inside = _tr("Inside the trust region: {0} of its radius")
        beyond = _tr("Out of the trust region: {0} of its radius")
        self._text.setText((inside if share <= 1.0 else beyond).format(f"{100.0 * share:.0f} %"))
        self.setAccessibleDescription(self._text.text())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._trust is None:
            return
        tokens = current_tokens()
        distance, radius = self._trust
        reach = max(2.0 * radius, 1.1 * distance) or 1.0
        bar = QRectF(0.0, self.height() - 11.0, float(self.width()), 5.0)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.line))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(QColor(tokens.accent if distance <= radius else tokens.warning))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * distance / reach, bar.height()), 2, 2)
        end = bar.left() + bar.width() * radius / reach
        painter.setPen(QPen(QColor(tokens.text), 1.6))
        painter.drawLine(round(end), round(bar.top()) - 4, round(end), round(bar.bottom()) + 4)
        painter.end()


def _field(one: Input) -> ParameterField:
    """Over its range and a little beyond; what was learnt of one value only goes up and down by as much."""
    known = math.isfinite(one.low) and math.isfinite(one.high)
    low, high = (one.low, one.high) if known else (one.value, one.value)
    reach = BEYOND * (high - low) or abs(one.value) or 1.0
    help = _tr("Learnt from {0} to {1}").format(f"{one.low:.4g}", f"{one.high:.4g}") if known else ""
    return ParameterField(
        one.name, one.name, help, "number", one.value, unit=one.unit, soft_min=low - reach, soft_max=high + reach,
        live=True,
    )  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelInputsCard", text)
