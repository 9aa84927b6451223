"""A field for one number: expressions, units, percentages of the bounding box, wheel and Alt-drag. SI quantities are
shown and typed in handy units (see `app.panels.handy_units`)."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSlider, QToolTip, QWidget

from app.panels.handy_units import SCALES, HandyUnit, handy_unit, parse_handy, shown_quantity
from app.panels.schema import ParameterField, format_number
from engine.core.errors import ParameterError
from engine.core.units import parse_length

SLIDER_STEPS = 400


class NumberField(QLineEdit):
    """Shows a number with its unit and takes `2*25.4`, `3 mm`, `5 %`. Signals a changed value when it is committed."""

    value_changed = Signal(object)  # float, int, or None where the parameter is optional
    gesture_ended = Signal()

    def __init__(self, field: ParameterField, parent: QWidget | None = None, *, bare: bool = False) -> None:
        """bare : show the number alone; its unit stands beside it."""
        super().__init__(parent)
        self.field = field
        self._bare = bare
        self._value: float | None = None
        self._diagonal: float | None = None
        self._drag_from: tuple[float, float] | None = None
        self.setAccessibleName(parameter_text(field.title))
        self.setMinimumWidth(64)
        self.editingFinished.connect(self.commit)
        if field.optional:
            self.setPlaceholderText(self.tr("automatic"))
        self.set_value(field.default)

    def value(self) -> float | int | None:
        """What was last committed."""
        return self._value

    def set_value(self, value: float | int | None) -> None:
        """Show a value, unless the person is typing another one just now; signals nothing."""
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self._show()

    def set_diagonal(self, diagonal: float | None) -> None:
        """What a percentage refers to [mm]."""
        self._diagonal = diagonal
        self._explain()

    def commit(self) -> None:
        """Take over what was typed; what makes no sense stays, marked, and the reason is said below it."""
        if not self.isModified():
            return
        try:
            value = self._parse(self.text())
        except ParameterError as error:
            self._mark(str(error))
            if self.isVisible():
                QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), str(error), self)
            return
        self.setModified(False)
        self._change(value)

    def step(self, steps: float) -> None:
        """Up or down by steps: a factor where the slider is logarithmic."""
        if self._value is None or not self.isEnabled():
            return
        field, value = self.field, float(self._value)
        if field.logarithmic and value > 0:
            value *= 10 ** (steps / 20)
        elif field.step is not None or field.kind == "integer":
            value += steps * (field.step or 1.0)
        else:
            span = (field.high or 0.0) - (field.low or 0.0)
            value += steps * (span / 100 if span > 0 else max(abs(value) / 20, 0.01))
        if field.minimum is not None:
            value = max(value, field.minimum)
        if field.maximum is not None:
            value = min(value, field.maximum)
        if not limit(field, value):
            self._change(round(value) if field.kind == "integer" else float(f"{value:.4g}"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.commit()
            self.step(1 if event.key() == Qt.Key.Key_Up else -1)
        elif event.key() == Qt.Key.Key_Escape:
            self.setModified(False)
            self._show()
            event.ignore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Only with the focus: scrolling a panel must not change what lies under the pointer.
        if not self.hasFocus():
            event.ignore()
            return
        self.step(event.angleDelta().y() / 120)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and self._value is not None:
            self._drag_from = (event.globalPosition().x(), float(self._value))
            self.setCursor(Qt.CursorShape.SizeHorCursor)
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is None:
            super().mouseMoveEvent(event)
            return
        x, self._value = self._drag_from
        self.step((event.globalPosition().x() - x) / 6)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is None:
            super().mouseReleaseEvent(event)
            return
        self._drag_from = None
        self.unsetCursor()
        self.gesture_ended.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.setCursorPosition(0)

    def _parse(self, text: str) -> float | int | None:
        field, name = self.field, parameter_text(self.field.title)
        if not text.strip() and field.optional:
            return None
        body = text.strip()
        if field.unit == "mm":
            value = parse_length(body, diagonal=self._diagonal, name=name)
        else:
            value = parse_handy(body, field.unit, self._handy(), name=name)
        if field.kind == "integer":
            if value != round(value):
                wrong = self.tr("{0} is not a whole number.").format(format_number(value))
                raise ParameterError(name, wrong, remedy=self.tr("Write one."))
            value = round(value)
        reason = limit(field, value)
        if reason:
            wrong = self.tr("{0} is out of range.").format(shown_quantity(value, field.unit))
            raise ParameterError(name, wrong, remedy=self.tr("It must be {0}.").format(reason))
        return value

    def _change(self, value: float | int | None) -> None:
        different = value != self._value
        self._value = value
        self._show()
        if different:
            self.value_changed.emit(value)

    def _show(self) -> None:
        if self._value is None:
            self.setText("")
        else:
            handy = self._handy()
            whole = self.field.kind == "integer"
            number = str(self._value) if whole else format_number(self._value / handy.factor)
            self.setText(number if self._bare else f"{number} {handy.name}".strip())
        self.setModified(False)
        self.setCursorPosition(0)
        self._mark("")

    def _handy(self) -> HandyUnit:
        """The unit that is shown; beside a bare number stands always the same one."""
        return handy_unit(self.field.unit, None if self._bare else self._value)

    def _mark(self, reason: str) -> None:
        if bool(self.property("wrong")) != bool(reason):
            self.setProperty("wrong", bool(reason))
            self.style().unpolish(self)
            self.style().polish(self)
        self.setAccessibleDescription(reason)
        if reason:
            self.setToolTip(reason)
        else:
            self._explain()

    def _explain(self) -> None:
        """Tooltip: meaning, default, range, and a length as a share of the bounding box."""
        tip = field_tooltip(self.field)
        if self.field.unit == "mm" and self._diagonal and self._value is not None:
            share = 100 * self._value / self._diagonal
            tip += "<br>" + self.tr("Now {0} % of the bounding-box diagonal").format(format_number(share))
        self.setToolTip(tip)


class ValueSlider(QSlider):
    """A slider over a field's soft range, logarithmic where the field says so. Zero sits at the left end then."""

    value_dragged = Signal(float)

    def __init__(self, field: ParameterField, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.field = field
        low, high = field.low or 0.0, field.high if field.high is not None else 1.0
        self._with_zero = field.logarithmic and low <= 0.0
        self._low = (high / 1e4 if low <= 0.0 else low) if field.logarithmic else low
        self._high = high
        self.setRange(0, SLIDER_STEPS)
        self.setSingleStep(4)
        self.setPageStep(40)
        self.setMinimumWidth(56)
        self.setAccessibleName(self.tr("{0}, slider").format(parameter_text(field.title)))
        self.setToolTip(field_tooltip(field))
        self.valueChanged.connect(lambda position: self.value_dragged.emit(self._to_value(position)))

    def set_value(self, value: float | None) -> None:
        """Move the knob, without a signal; not while it is held."""
        if value is None or self.isSliderDown():
            return
        blocked = self.blockSignals(True)
        self.setValue(self._to_position(float(value)))
        self.blockSignals(blocked)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _to_value(self, position: int) -> float:
        if self._with_zero and position == 0:
            return 0.0
        share = position / SLIDER_STEPS
        if self.field.logarithmic:
            value = self._low * (self._high / self._low) ** share
        else:
            value = self._low + share * (self._high - self._low)
        return float(round(value)) if self.field.kind == "integer" else float(f"{value:.3g}")

    def _to_position(self, value: float) -> int:
        if self.field.logarithmic:
            share = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low) if value > 0 else 0.0
        else:
            share = (value - self._low) / ((self._high - self._low) or 1.0)
        return round(min(max(share, 0.0), 1.0) * SLIDER_STEPS)


def field_tooltip(field: ParameterField) -> str:
    """Rich text: help, default, range, how to reset."""
    lines = [f"<b>{parameter_text(field.title)}</b>", *([parameter_text(field.help)] if field.help else [])]
    facts = []
    if field.default not in (None, ""):
        facts.append(_tr("default {0}").format(_default_text(field)))
    if field.minimum is not None:
        facts.append(_tr("at least {0}").format(_limit_text(field, field.minimum)))
    elif field.above is not None:
        facts.append(_tr("more than {0}").format(_limit_text(field, field.above)))
    if field.maximum is not None:
        facts.append(_tr("at most {0}").format(_limit_text(field, field.maximum)))
    if facts:
        lines.append(f"<i>{', '.join(facts)}</i>")
    return "<br>".join(lines)


def limit(field: ParameterField, value: float) -> str:
    """The hard limit that a number is beyond, in words; "" when it is inside."""
    if field.minimum is not None and value < field.minimum:
        return _tr("at least {0}").format(_limit_text(field, field.minimum))
    if field.above is not None and value <= field.above:
        return _tr("more than {0}").format(_limit_text(field, field.above))
    if field.maximum is not None and value > field.maximum:
        return _tr("at most {0}").format(_limit_text(field, field.maximum))
    return ""


def _limit_text(field: ParameterField, value: float) -> str:
    """A limit with its unit where that is a handy one: "3.2 rad" would not be what the field shows."""
    return shown_quantity(value, field.unit) if field.unit in SCALES else format_number(value)


def _default_text(field: ParameterField) -> str:
    if isinstance(field.default, float):
        return shown_quantity(field.default, field.unit)
    if isinstance(field.default, (list, tuple)):
        factor = handy_unit(field.unit, None).factor
        numbers = ", ".join(format_number(value / factor) for value in field.default)
        return f"({numbers}) {handy_unit(field.unit, None).name}".strip()
    return f"{field.default} {field.unit}".strip()


def parameter_text(text: str) -> str:
    """The title or the help of a declared parameter, translated."""
    return QCoreApplication.translate("Parameter", text) if text else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("NumberField", text)
