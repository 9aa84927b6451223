"""What theory says of slender strips: the elastica with a load at its tip or its own weight, and heavy columns.

With φ the angle of an inextensible strip from the direction of the load, and t the arc length from its free end:
φ'' = load · sin φ where the load is at the tip, load · t sin φ where it is the strip's own weight, φ'(0) = 0, and φ(1)
is the clamp's angle (S. P. Timoshenko, J. M. Gere: Theory of elastic stability, sections 2.7 and 2.12). The larger
φ(0), the sooner φ reaches the clamp's angle for the first time: the one φ(0) for which that is at t = 1 is the shape of
least energy, whatever the load.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

SELF_BUCKLING = 7.8373
"""ρ g L³ / B at which a vertical strip buckles under its own weight."""

LARGEST_LOAD = 1e4
"""Beyond it the free end is nearer to the direction of the load than solvers are exact."""


@dataclass(frozen=True)
class Tip:
    """Where a strip of length 1 ends. `along` the direction in which it is clamped, `across` where it bends to."""

    along: float
    across: float


def loaded_tip(load: float) -> Tip:
    """A force P across at the tip; `load` is P L² / B, up to `LARGEST_LOAD`."""
    down, aside = _end(load, 0.0, 0.5 * math.pi)
    return Tip(aside, down)


def heavy_tip(gamma: float) -> Tip:
    """Clamped horizontally under its own weight; `gamma` is ρ g L³ / B with ρ the mass over area, up to
    `LARGEST_LOAD`."""
    down, aside = _end(gamma, 1.0, 0.5 * math.pi)
    return Tip(aside, down)


def column_tip(gamma: float) -> Tip:
    """Standing, clamped at its foot; straight below `SELF_BUCKLING`."""
    if gamma <= SELF_BUCKLING:
        return Tip(1.0, 0.0)
    down, aside = _end(gamma, 1.0, math.pi)
    return Tip(-down, aside)


def _end(load: float, taper: float, clamp: float) -> tuple[float, float]:
    """How far the free end is from the clamp along the load, and across it. `taper` is 1 for its own weight."""

    def curving(t: float, y: np.ndarray) -> list[float]:
        return [y[1], load * t**taper * math.sin(y[0]), math.cos(y[0]), math.sin(y[0])]

    def clamped(t: float, y: np.ndarray) -> float:
        return float(y[0] - clamp)

    clamped.terminal = True  # type: ignore[attr-defined]  # solve_ivp asks the function itself

    def shape(logarithm: float) -> np.ndarray:
        """t, φ, φ' and both ways at the clamp's angle, or at the end where it is not reached."""
        first = clamp * math.exp(logarithm)
        found = solve_ivp(
            curving, (0.0, 1.0), [first, 0.0, 0.0, 0.0], method="DOP853", rtol=1e-11, atol=1e-14 * first, events=clamped
        )
        return np.array([found.t[-1], *found.y[:, -1]])

    def missed(logarithm: float) -> float:
        """Below 0 where the clamp's angle is not reached, above where it is before the end."""
        t, angle = shape(logarithm)[:2]
        return float(1.0 - t if t < 1.0 else angle - clamp)

    # What falls off as exp(−√load) at most begins below this.
    least = -2.0 * math.sqrt(load) - 5.0
    _, _, _, down, aside = shape(brentq(missed, least, -1e-9, xtol=1e-13))
    return float(down), float(aside)
