"""Three numbers that belong together, one field an axis: x, y, z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.panels.number_field import NumberField
from app.panels.schema import ParameterField

AXES = ("x", "y", "z")


class VectorField(QWidget):
    """Signals the axis that was changed, with its value. A component that differs among several objects is empty."""

    component_changed = Signal(int, float)
    gesture_ended = Signal()

    def __init__(self, field: ParameterField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.numbers: list[NumberField] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for axis, letter in enumerate(AXES):
            one = replace(field, name=f"{field.name}.{letter}", title=f"{field.title} {letter}", optional=True)
            number = NumberField(one, self, bare=True)
            number.setMinimumWidth(44)
            number.setPlaceholderText("–")
            number.value_changed.connect(lambda value, axis=axis: self._changed(axis, value))
            number.gesture_ended.connect(self.gesture_ended)
            number.editingFinished.connect(self.gesture_ended)
            row.addWidget(number, 1)
            self.numbers.append(number)

    def set_values(self, values: Sequence[float | None]) -> None:
        """Show values; None where there is no one value."""
        for number, value in zip(self.numbers, values, strict=True):
            number.set_value(None if value is None else float(f"{value:.7g}"))

    def set_diagonal(self, diagonal: float | None) -> None:
        """What a percentage refers to [mm]."""
        for number in self.numbers:
            number.set_diagonal(diagonal)

    def _changed(self, axis: int, value: float | None) -> None:
        if value is not None:
            self.component_changed.emit(axis, float(value))
