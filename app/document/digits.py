"""How lengths, angles and distances are written on the screen: with the digits that the preference asks for."""

from __future__ import annotations

import math

DEFAULT = 4
_significant = DEFAULT


def set_digits(count: int) -> None:
    """How many significant digits are shown from now on."""
    global _significant  # noqa: PLW0603  (one preference for all numbers of the window, wherever they are painted)
    _significant = count


def shown(value: float) -> str:
    """A number with the significant digits of the preference: 12.35, 1,235, 0.001235.

    The digits before the point are all written, grouped in thousands.
    """
    if abs(value) < 10 ** min(_significant, 3):
        return f"{value:.{_significant}g}"
    whole = len(f"{abs(value):.0f}")
    return f"{value:,.{max(_significant - whole, 0)}f}"


SMALL, LARGE, DECIMALS = 1e-4, 1e7, 6
"""Numbers between, with no more decimals, are written without a power of ten."""


def with_band(mean: float, band: float | None, unit: str = "") -> str:
    """A number with half of its band: "3,920 ± 110 N/mm", "0.0123 ± 0.0040".

    The band has two digits, and the number goes as far as these; without a band (None, or none that is a number) it
    has the digits of the preference.
    """
    if band is None or not (math.isfinite(band) and math.isfinite(mean)):
        return f"{shown(mean)} {unit}".rstrip()
    if band <= 0.0:
        return f"{shown(mean)} ± 0 {unit}".rstrip()
    last = 1 - math.floor(math.log10(float(f"{band:.1e}")))
    largest = max(abs(mean), band)
    if SMALL <= largest < LARGE and last <= DECIMALS:
        decimals = max(last, 0)
        return f"{round(mean, last):,.{decimals}f} ± {round(band, last):,.{decimals}f} {unit}".rstrip()
    digits = math.floor(math.log10(largest)) + last + 1
    return f"{mean:.{min(max(digits, 1), 7)}g} ± {band:.2g} {unit}".rstrip()
