"""SI numbers in the units that people say them in: lengths in millimetres, moduli in kPa, MPa or GPa, angles in
degrees."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from engine.core.errors import ParameterError
from engine.core.quantities import UNITS
from engine.core.units import parse_number

SCALES: dict[str, tuple[str, ...]] = {
    "m": ("mm",),
    "rad": ("°",),
    "Pa": ("Pa", "kPa", "MPa", "GPa"),
    "s": ("ms", "s"),
}
"""Units in which quantities of an SI unit are shown, the smallest first; quantities of other units stay as they are."""

SMALLEST_SECONDS = 0.1
"""[s] from which on a time is said in seconds."""


@dataclass(frozen=True)
class HandyUnit:
    """`name` of the unit that is shown, and how much of the SI unit it is."""

    name: str
    factor: float = 1.0


def handy_unit(unit: str, value: float | None) -> HandyUnit:
    """The unit in which `value` [`unit`] is shown."""
    names = SCALES.get(unit)
    if names is None:
        return HandyUnit(unit)
    if unit == "s":
        name = "ms" if value and abs(value) < SMALLEST_SECONDS else "s"
    else:
        fitting = [name for name in names if value and abs(value) >= UNITS[unit][name]]
        name = fitting[-1] if fitting else names[0]
    return HandyUnit(name, UNITS[unit][name])


def shown_quantity(value: float, unit: str) -> str:
    """ "0.3 mm" of 0.0003 m"""
    handy = handy_unit(unit, value)
    return f"{value / handy.factor:.5g} {handy.name}".strip()


def parse_handy(text: str, unit: str, shown: HandyUnit, *, name: str) -> float:
    """Value in the SI unit of what a person wrote: an expression in the unit that was shown, or with another unit of
    the same kind after it. Raises `ParameterError` that names the units there are."""
    body = text.strip()
    for written in sorted(UNITS.get(unit, {}), key=len, reverse=True):
        number = body.removesuffix(written).rstrip()
        if number != body and number[-1:] and number[-1] in "0123456789.)":
            return parse_number(number, name=name) * UNITS[unit][written]
    try:
        return parse_number(body.removesuffix(unit).strip() if unit else body, name=name) * shown.factor
    except ParameterError:
        known = ", ".join(UNITS.get(unit, {})) or unit
        raise ParameterError(
            name, _tr("{0} is not such a quantity.").format(repr(text)),
            remedy=_tr("Write a number, or one with a unit ({0}).").format(known),
        ) from None  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("HandyUnits", text)
