"""Where a Term counts: everywhere, or where a selection is, and how much outside of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.panels.editors import CalmComboBox
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField

OUTSIDE = ParameterField(
    name="outside", title="Outside",
    help="How much the Term counts outside of the selection: 0 not at all, 1 as within.", kind="number", default=0.0,
    minimum=0.0, maximum=1.0, step=0.1, live=True,
)  # fmt: skip
WORKING = "\0working"
"""Stands in the list for the working selection, which has no name yet."""


class MaskChooser(QWidget):
    """One row: a list of selections and a factor. It is hidden while there is nothing to choose."""

    chosen = Signal(object)  # name of a selection, "" for the working one, None for everywhere
    outside_changed = Signal(float)
    gesture_ended = Signal()

    def __init__(self, term: str, *, needs_mask: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._needs_mask = needs_mask
        self._entries: list[tuple[str, str | None]] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        label = QLabel(self.tr("Where"), self)
        label.setProperty("soft", True)
        self.choice = CalmComboBox(self)
        self.choice.setAccessibleName(self.tr("Where {0} counts").format(term))
        self.choice.setToolTip(self.tr("Everywhere, or where a selection is"))
        self.choice.setMinimumContentsLength(6)
        self.choice.setSizeAdjustPolicy(CalmComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.activated.connect(self._activated)
        self._outside_label = QLabel(self.tr("outside ×"), self)
        self._outside_label.setProperty("soft", True)
        self.outside = NumberField(OUTSIDE, self)
        self.outside.setMinimumWidth(40)
        self.outside.setMaximumWidth(52)
        self.outside.setAccessibleName(self.tr("How much {0} counts outside").format(term))
        self.outside.value_changed.connect(lambda value: self.outside_changed.emit(float(value)))
        self.outside.gesture_ended.connect(self.gesture_ended)
        self.outside.editingFinished.connect(self.gesture_ended)
        row.addWidget(label)
        row.addWidget(self.choice, 1)
        row.addWidget(self._outside_label)
        row.addWidget(self.outside)

    def show_mask(self, mask: str, outside: float, names: list[str], *, working: bool) -> None:
        """Show what holds, of these selections; `working`: something is selected that has no name yet."""
        entries: list[tuple[str, str | None]] = [] if self._needs_mask else [(self.tr("Everywhere"), None)]
        entries += [(name, name) for name in names]
        if mask and mask not in names:
            entries.append((mask, mask))
        if working:
            entries.append((self.tr("What is selected now"), WORKING))
        if entries != self._entries:
            self._entries = entries
            blocked = self.choice.blockSignals(True)
            self.choice.clear()
            for title, value in entries:
                self.choice.addItem(title, value)
            self.choice.blockSignals(blocked)
        place = next((index for index, (_, value) in enumerate(entries) if value == (mask or None)), -1)
        self.choice.setCurrentIndex(place)
        self.outside.set_value(outside)
        masked = bool(mask) and not self._needs_mask
        self.outside.setVisible(masked)
        self._outside_label.setVisible(masked)
        self.setVisible(len(entries) > 1 or bool(mask))

    def _activated(self, index: int) -> None:
        value = self._entries[index][1]
        self.chosen.emit("" if value == WORKING else value)
