"""The range of the colour bar: as the data have it, or fixed ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from app.panels.number_field import NumberField
from app.panels.schema import ParameterField

if TYPE_CHECKING:
    from app.viewport.viewing import Viewing


class RangeRow(QWidget):
    """Two numbers, and a switch that fixes them."""

    def __init__(self, viewing: Viewing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewing = viewing
        self._ends: tuple[float, float] = (0.0, 1.0)
        self.fixed = QCheckBox(self.tr("Fixed"), self)
        self.fixed.setToolTip(self.tr("Keep the ends of the colour bar; else they follow the data"))
        self.fixed.setAccessibleName(self.tr("Fixed range of colours"))
        self.fixed.clicked.connect(self._toggle)
        self.low = self._number(self.tr("Lowest"), self.tr("What the first colour means"))
        self.high = self._number(self.tr("Highest"), self.tr("What the last colour means"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self.fixed, self.low, self.high):
            row.addWidget(widget)
        row.setStretch(1, 1)
        row.setStretch(2, 1)

    def refresh(self) -> None:
        """Show the ends as they are now."""
        viewing, viewport = self._viewing, self._viewing.viewport
        coloured = viewing.colouring != "plain"
        if viewport is not None and coloured:
            self._ends = viewport.colour_range
        fixed = viewing.range_locked
        self.fixed.setChecked(fixed)
        self.fixed.setEnabled(coloured)
        for field, value in zip((self.low, self.high), self._ends, strict=True):
            field.setVisible(fixed)
            if fixed:
                field.set_value(float(f"{value:.6g}"))

    def _number(self, title: str, help: str) -> NumberField:
        field = NumberField(ParameterField("", title, help, "number", 0.0), self, bare=True)
        field.setMinimumWidth(48)
        field.value_changed.connect(lambda _: self._fix())
        return field

    def _toggle(self) -> None:
        self._viewing.toggle_range_lock()

    def _fix(self) -> None:
        low, high = float(self.low.value() or 0.0), float(self.high.value() or 0.0)
        if low < high:
            self._viewing.fix_range((low, high))
        else:
            self.refresh()
