"""How lengths, angles and distances are written on the screen: with the digits that the preference asks for."""

from __future__ import annotations

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
