"""Physical quantities with units, for what simulates: numbers are SI, texts may carry another unit ("0.3 mm")."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator

from engine.core.errors import FormwrightError
from engine.core.units import ALIASES, MILLIMETRES_PER, parse_number

_LENGTHS = {name: value * 1e-3 for name, value in MILLIMETRES_PER.items()}

UNITS: dict[str, dict[str, float]] = {
    "m": _LENGTHS | {alias: _LENGTHS[name] for alias, name in ALIASES.items()},
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0},
    "kg": {"kg": 1.0, "g": 1e-3, "mg": 1e-6},
    "N": {"N": 1.0, "mN": 1e-3, "kN": 1e3},
    "N/m": {"N/m": 1.0, "kN/m": 1e3, "N/mm": 1e3},
    "Pa": {"Pa": 1.0, "kPa": 1e3, "MPa": 1e6, "GPa": 1e9, "N/mm²": 1e6, "N/mm2": 1e6},
    "kg/m³": {"kg/m³": 1.0, "kg/m3": 1.0, "g/cm³": 1e3, "g/cm3": 1e3},
    "m/s": {"m/s": 1.0, "mm/s": 1e-3, "cm/s": 1e-2},
    "m/s²": {"m/s²": 1.0, "m/s2": 1.0},
    "°": {"°": 1.0, "deg": 1.0, "rad": 57.29577951308232},
    "rad": {"rad": 1.0, "°": 0.017453292519943295, "deg": 0.017453292519943295},
}
"""Factor of every unit's name to the SI unit (degrees stay degrees where a rotation is asked for in them)."""

LARGEST: dict[str, float] = dict.fromkeys(("m", "s", "m/s", "m/s²", "°"), 1e6)
"""What is larger is a slip, and would leave no digits for what bodies do."""


def parse_quantity(text: str, unit: str) -> float:
    """Value in `unit` (a key of `UNITS`) of what a person wrote: a number, or one with a unit of the same kind.

    Raises `ValueError` that names the units there are.
    """
    body = text.strip()
    for name in sorted(UNITS[unit], key=len, reverse=True):
        if body.endswith(name) and body[: -len(name)].strip()[-1:].isdigit() | body[: -len(name)].strip().endswith("."):
            return _number(body[: -len(name)], unit) * UNITS[unit][name]
    return _number(body, unit)


def quantity(unit: str) -> BeforeValidator:
    """Lets a pydantic field of numbers in `unit`, or of tuples and lists of them, take texts with units as well."""
    return BeforeValidator(lambda value: _converted(value, unit))


def _converted(value: Any, unit: str) -> Any:
    if isinstance(value, str):
        value = parse_quantity(value, unit)
    if isinstance(value, list | tuple):
        return [_converted(entry, unit) for entry in value]
    if isinstance(value, bool):
        raise ValueError("write a number")
    if isinstance(value, int | float) and abs(value) > LARGEST.get(unit, math.inf):
        raise ValueError(f"at most {LARGEST[unit]:,.0f} {unit} can be simulated")
    return value


def _number(text: str, unit: str) -> float:
    try:
        return parse_number(text)
    except FormwrightError:
        names = ", ".join(UNITS[unit])
        raise ValueError(f"write a number, or one with a unit of the right kind ({names})") from None


Vector = tuple[float, float, float]

Metres = Annotated[float, quantity("m")]
MetreVector = Annotated[Vector, quantity("m")]
Seconds = Annotated[float, quantity("s")]
Pascals = Annotated[float, quantity("Pa")]
Newtons = Annotated[float, quantity("N")]
Density = Annotated[float, quantity("kg/m³")]
Speed = Annotated[float, quantity("m/s")]
VelocityVector = Annotated[Vector, quantity("m/s")]
AccelerationVector = Annotated[Vector, quantity("m/s²")]
Radians = Annotated[float, quantity("rad")]
DegreeVector = Annotated[Vector, quantity("°")]
