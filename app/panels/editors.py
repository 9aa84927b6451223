"""One editor a parameter, drawn from its declaration, with a label that resets it on double click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QRect, Qt, Signal
from PySide6.QtGui import QIcon, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from app.panels.handy_units import handy_unit
from app.panels.icons import icon
from app.panels.names_editor import NamesEditor
from app.panels.number_field import NumberField, ValueSlider, field_tooltip, parameter_text
from app.panels.offers import OF_MODEL, PLACE, SEVERAL, offers
from app.panels.schema import ParameterField
from engine.protocol.scene import Scene


class FieldLabel(QLabel):
    """The name of a parameter. Double click resets it to its default."""

    reset_wanted = Signal()

    def __init__(self, field: ParameterField, buddy: QWidget, parent: QWidget | None = None) -> None:
        title = parameter_text(field.title)
        unit = handy_unit(field.unit, None).name if field.kind == "vector" else ""
        super().__init__(f"{title} <span style='color: gray'>{unit}</span>" if unit else title, parent)
        self.setToolTip("<br>".join([field_tooltip(field), self.tr("Double click resets it.")]))
        self.setAccessibleName(parameter_text(field.title))
        self.setBuddy(buddy)
        self.setWordWrap(True)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset_wanted.emit()


class CalmComboBox(QComboBox):
    """A combo box that the wheel changes only when it has the focus, with an arrow of the icons' family."""

    def give_way(self, letters: int) -> None:
        """Show so many letters at least: a long entry is no reason to make a panel wider."""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(letters)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        side = 16
        place = QRect(self.width() - side - 5, (self.height() - side) // 2, side, side)
        mode = QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled
        icon("chevron").paint(painter, place, Qt.AlignmentFlag.AlignCenter, mode)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ParameterEditor(QWidget):
    """Edits one parameter, whatever its type."""

    value_changed = Signal(object)
    gesture_ended = Signal()
    pick_wanted = Signal()

    def __init__(self, field: ParameterField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self.number: NumberField | None = None
        self.slider: ValueSlider | None = None
        self.choice: QComboBox | None = None
        self.flag: QCheckBox | None = None
        self.numbers: list[NumberField] = []
        self.pick: QToolButton | None = None
        self.text: QLineEdit | None = None
        self.names: NamesEditor | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        {"number": self._build_number, "integer": self._build_number, "choice": self._build_choice,
         "flag": self._build_flag, "vector": self._build_vector, "text": self._build_text}[field.kind](row)  # fmt: skip
        self.set_value(field.default)

    def value(self) -> Any:
        """The value now, as the study takes it."""
        if self.number is not None:
            return self.number.value()
        if self.choice is not None:
            return self.choice.currentData()
        if self.flag is not None:
            return self.flag.isChecked()
        if self.numbers:
            return [number.value() for number in self.numbers]
        if self.names is not None:
            return self.names.value()
        return self.text.text() if self.text is not None else None

    def set_value(self, value: Any) -> None:
        """Show a value; signals nothing."""
        if self.number is not None:
            self.number.set_value(value)
            if self.slider is not None:
                self.slider.set_value(value)
        elif self.choice is not None:
            blocked = self.choice.blockSignals(True)
            if self.field.picks in OF_MODEL and value and value == self.choice.itemText(0):
                value = ""
            if self.field.picks and self.choice.findData(value) < 0:
                self.choice.addItem(self._lost(value) if value else _tr("None"), value)
            self.choice.setCurrentIndex(max(self.choice.findData(value), 0))
            self.choice.blockSignals(blocked)
        elif self.flag is not None:
            blocked = self.flag.blockSignals(True)
            self.flag.setChecked(bool(value))
            self.flag.blockSignals(blocked)
        elif self.numbers:
            for number, component in zip(self.numbers, value or (0.0, 0.0, 0.0), strict=False):
                number.set_value(component)
        elif self.names is not None:
            self.names.set_value(value or "")
        elif self.text is not None and not self.text.hasFocus():
            self.text.setText("" if value is None else str(value))

    def _lost(self, value: str) -> str:
        if self.field.picks in OF_MODEL:
            return _tr("{0}: not of this Model").format(value)
        return _tr("{0}: not in the scene").format(value)

    def reset(self) -> None:
        """Back to the default, as if a person had typed it."""
        self.set_value(self.field.default)
        self.value_changed.emit(self.field.default)

    def set_diagonal(self, diagonal: float | None) -> None:
        for number in [*self.numbers, *([self.number] if self.number else [])]:
            number.set_diagonal(diagonal)

    def set_scene(self, scene: Scene | None) -> None:
        """Offer what of the scene can be named; signals nothing."""
        if not self.field.picks or self.field.picks in (*OF_MODEL, PLACE):
            return
        found = offers(scene, self.field.picks, parameter_text)
        if self.names is not None:
            self.names.set_offers(found)
        elif self.choice is not None:
            value, blocked = self.choice.currentData() or "", self.choice.blockSignals(True)
            self.choice.clear()
            for offer in found:
                self.choice.addItem(offer.title, "" if offer.taken else offer.name)
            self.choice.blockSignals(blocked)
            self.set_value(value)

    def set_names(self, names: Mapping[str, Sequence[str]]) -> None:
        """Offer what a Model predicts, by what of it is picked; where nothing is named the first is meant. Signals
        nothing."""
        choice = self.choice
        if choice is None or self.field.picks not in OF_MODEL:
            return
        known = names.get(self.field.picks, ())
        entries = [(name, name if place else "") for place, name in enumerate(known)]
        if [(choice.itemText(row), choice.itemData(row)) for row in range(choice.count())] == entries:
            return
        value = choice.currentData() or ""
        blocked = choice.blockSignals(True)
        choice.clear()
        for title, data in entries:
            choice.addItem(title, data)
        choice.blockSignals(blocked)
        self.set_value(value)

    def _build_number(self, row: QHBoxLayout) -> None:
        field = self.field
        number = NumberField(field, self)
        self.number = number
        row.addWidget(number, 1)
        number.value_changed.connect(self._number_committed)
        number.gesture_ended.connect(self.gesture_ended)
        if field.soft_max is not None and not field.optional:
            slider = ValueSlider(field, self)
            self.slider = slider
            slider.value_dragged.connect(self._slider_dragged)
            slider.sliderReleased.connect(self.gesture_ended)
            row.addWidget(slider, 1)

    def _number_committed(self, value: float | int | None) -> None:
        if self.slider is not None:
            self.slider.set_value(value)
        self.value_changed.emit(value)

    def _slider_dragged(self, value: float) -> None:
        if self.number is not None:
            exact = round(value) if self.field.kind == "integer" else value
            self.number.set_value(exact)
            self.value_changed.emit(exact)

    def _build_choice(self, row: QHBoxLayout) -> None:
        choice = CalmComboBox(self)
        self.choice = choice
        for option in self.field.choices:
            choice.addItem(str(option) if self.field.names and option else choice_title(option), option)
        choice.give_way(8)
        choice.setAccessibleName(parameter_text(self.field.title))
        choice.setToolTip(field_tooltip(self.field))
        choice.currentIndexChanged.connect(lambda _: self.value_changed.emit(choice.currentData()))
        row.addWidget(choice, 1)

    def _build_flag(self, row: QHBoxLayout) -> None:
        flag = QCheckBox(self)
        self.flag = flag
        flag.setAccessibleName(parameter_text(self.field.title))
        flag.setToolTip(field_tooltip(self.field))
        flag.toggled.connect(self._flag_toggled)
        row.addWidget(flag, 1, Qt.AlignmentFlag.AlignLeft)

    def _flag_toggled(self, on: bool) -> None:
        self.value_changed.emit(on)

    def _build_vector(self, row: QHBoxLayout) -> None:
        for index, axis in enumerate("xyz"):
            part = ParameterField(
                name=axis, title=f"{self.field.title} {axis}", help=self.field.help, kind="number",
                default=float((self.field.default or (0.0, 0.0, 0.0))[index]), unit=self.field.unit,
            )  # fmt: skip
            number = NumberField(part, self, bare=True)
            number.setMinimumWidth(44)
            number.value_changed.connect(lambda _: self.value_changed.emit(self.value()))
            self.numbers.append(number)
            row.addWidget(number, 1)
        if self.field.picks == PLACE:
            self.pick = QToolButton(self)
            self.pick.setIcon(icon("probe"))
            self.pick.setAccessibleName(_tr("Pick in the view"))
            self.pick.setToolTip(_tr("Pick in the view: the next click on the part"))
            self.pick.clicked.connect(lambda _=False: self.pick_wanted.emit())
            row.addWidget(self.pick)

    def _build_text(self, row: QHBoxLayout) -> None:
        if self.field.picks in SEVERAL:
            self.names = NamesEditor(parameter_text(self.field.title), self)
            self.names.names_changed.connect(self.value_changed.emit)
            row.addWidget(self.names, 1)
            return
        if self.field.picks:
            self._build_choice(row)
            return
        text = QLineEdit(self)
        self.text = text
        text.setAccessibleName(parameter_text(self.field.title))
        text.setToolTip(field_tooltip(self.field))
        text.editingFinished.connect(lambda: self.value_changed.emit(text.text()))
        row.addWidget(text, 1)


def choice_title(option: Any) -> str:
    """How a choice reads: names as their field writes them, plain words capitalised."""
    known = {
        "sdf": _tr("Signed distance"), "cpu": "CPU", "cuda": "CUDA", "adam": "Adam", "l-bfgs": "L-BFGS",
        "flexicubes": "FlexiCubes", "g-shell": "G-Shell", "deepmesh": "DeepMesh",
        "system": _tr("As the system"), "light": _tr("Light"), "dark": _tr("Dark"),
        "st-venant-kirchhoff": "St. Venant–Kirchhoff", "stable-neo-hookean": _tr("Stable Neo-Hookean"), "bdf2": "BDF2",
        "implicit-euler": _tr("Implicit Euler"), "cma-es": "CMA-ES", "": _tr("None"),
    }  # fmt: skip
    return known.get(str(option), str(option).replace("-", " ").replace("_", " ").capitalize())


def _tr(text: str) -> str:
    return QCoreApplication.translate("Choice", text)
