"""What theory says of slender strips: the elastica with a load at its tip or its own weight, and heavy columns.

The angle θ of an inextensible strip over its arc length s, both ends' conditions given, solved as a boundary value
problem (S. P. Timoshenko, J. M. Gere: Theory of elastic stability, sections 2.7 and 2.12).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_bvp

from engine.core.errors import ParameterError

SELF_BUCKLING = 7.8373
"""ρ g L³ / B at which a vertical strip buckles under its own weight."""


@dataclass(frozen=True)
class Tip:
    """Where a strip of length 1 ends. `along` the direction in which it is clamped, `across` where it bends to."""

    along: float
    across: float


def loaded_tip(load: float) -> Tip:
    """A force P across at the tip; `load` is P L² / B."""
    return _tip(_shape(_Bar(load, 0.0, 0.0), _guess(0.1)))


def heavy_tip(gamma: float) -> Tip:
    """Clamped horizontally under its own weight; `gamma` is ρ g L³ / B with ρ the mass over area."""
    found = _guess(0.1)
    for part in (0.02, 0.1, 0.4, 1.0):  # from what hardly bends
        found = _shape(_Bar(part * gamma, 1.0, 0.0), found)
    return _tip(found)


def column_tip(gamma: float) -> Tip:
    """Standing, clamped at its foot; straight below `SELF_BUCKLING`."""
    if gamma <= SELF_BUCKLING:
        return Tip(1.0, 0.0)
    found = _guess(2.0)
    # From a strong bow: near the load at which it buckles the straight column is near as well.
    strong = max(2.0 * gamma, 20.0)
    for load in (strong, 0.5 * (strong + gamma), gamma):
        found = _shape(_Bar(load, 1.0, 0.5 * math.pi), found)
    return _tip(found)


Angles = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class _Bar:
    """θ'' = −load (1 − taper s) cos(θ − turn), with θ(0) = 0 and θ'(1) = 0."""

    load: float
    taper: float
    turn: float

    def curving(self, s: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([y[1], -self.load * (1.0 - self.taper * s) * np.cos(y[0] - self.turn)])


def _guess(angle: float) -> Angles:
    """A bow whose end has turned by `angle`."""
    s = np.linspace(0.0, 1.0, 201)
    return s, np.stack([angle * s * (2.0 - s), angle * (2.0 - 2.0 * s)])


def _ends(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.array([start[0], end[1]])


def _shape(bar: _Bar, near: Angles) -> Angles:
    """θ and θ' over s."""
    found = solve_bvp(bar.curving, _ends, near[0], near[1], tol=1e-8, max_nodes=100_000)
    if not found.success:
        raise ParameterError("load", f"theory has no answer here: {found.message}")
    return found.x, found.y


def _tip(found: Angles) -> Tip:
    s, (angle, slope) = found
    length = np.diff(s)

    def integral(values: np.ndarray, slopes: np.ndarray) -> float:
        # With the end's derivatives it is exact for cubics, as the solution itself.
        return float((length * (values[1:] + values[:-1]) / 2.0 - length**2 * np.diff(slopes) / 12.0).sum())

    return Tip(
        abs(integral(np.cos(angle), -np.sin(angle) * slope)), abs(integral(np.sin(angle), np.cos(angle) * slope))
    )
