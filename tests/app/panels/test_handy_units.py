"""SI quantities as people say them."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.panels.handy_units import handy_unit, parse_handy, shown_quantity
from app.panels.number_field import NumberField
from app.panels.schema import ParameterField
from engine.core.errors import ParameterError


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3e-4, "m", "0.3 mm"), (0.2, "m", "200 mm"), (1e7, "Pa", "10 MPa"), (5.5e9, "Pa", "5.5 GPa"),
        (500.0, "Pa", "500 Pa"), (0.005, "s", "5 ms"), (1.5, "s", "1.5 s"), (500.0, "kg/m³", "500 kg/m³"),
        (0.0, "Pa", "0 Pa"), (1.5707963267948966, "rad", "90 °"),
    ],
)  # fmt: skip
def test_quantities_are_shown_in_handy_units(value: float, unit: str, text: str) -> None:
    assert shown_quantity(value, unit) == text


@pytest.mark.parametrize(
    ("text", "unit", "before", "value"),
    [
        ("3", "m", 0.1, 0.003), ("2*3 cm", "m", 0.1, 0.06), ("1 in", "m", None, 0.0254), ("12", "Pa", 1e7, 12e6),
        ("12 kPa", "Pa", 1e7, 12e3), ("90", "rad", 0.5, 1.5707963267948966), ("1 rad", "rad", 0.5, 1.0),
        ("10", "s", 0.005, 0.01), ("0.5 s", "s", 0.005, 0.5), ("2 g/cm³", "kg/m³", 500.0, 2000.0),
    ],
)  # fmt: skip
def test_a_bare_number_is_in_the_unit_that_is_shown(text: str, unit: str, before: float | None, value: float) -> None:
    assert parse_handy(text, unit, handy_unit(unit, before), name="x") == pytest.approx(value)


def test_a_wrong_unit_is_refused_with_those_there_are() -> None:
    with pytest.raises(ParameterError, match="kPa"):
        parse_handy("3 kg", "Pa", handy_unit("Pa", 1e6), name="Modulus")


def test_a_field_shows_and_takes_them_and_says_its_limits_in_them(qtbot: Any) -> None:
    field = ParameterField("gap", "Gap", "Distance.", "number", 1e-3, unit="m", above=0.0, maximum=0.01)
    number = NumberField(field)
    qtbot.addWidget(number)
    told: list[float] = []
    number.value_changed.connect(told.append)
    assert number.text() == "1 mm"
    assert "10 mm" in number.toolTip() and "default 1 mm" in number.toolTip()

    def type_in(text: str) -> None:
        number.setFocus()
        number.selectAll()
        qtbot.keyClicks(number, text)
        qtbot.keyClick(number, Qt.Key.Key_Return)

    type_in("0.2 cm")
    assert told == [0.002] and number.text() == "2 mm"
    type_in("20")
    assert told == [0.002] and "20 mm is out of range" in number.toolTip()
