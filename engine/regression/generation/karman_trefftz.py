"""Aerofoils whose flow is known in closed form: the images of a circle, after Kármán and Trefftz.

Milne-Thomson, Theoretical Hydrodynamics, 1968, sections 7.31 and 7.40. In complex numbers; an edge of 0 gives
Joukowski's aerofoil, with a cusp.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KarmanTrefftz:
    """The flow round the image of a circle through 1.

    edge : angle at the trailing edge [rad]
    angle : of the flow far away, whose speed is 1, above the x-axis [rad]
    middle : of the circle; left of 0 it makes the aerofoil thick, above 0 bent
    """

    edge: float
    angle: float
    middle: complex = -0.1 + 0.08j

    @property
    def radius(self) -> float:
        return abs(1.0 - self.middle)

    @property
    def circulation(self) -> float:
        """Counter-clockwise; that with which the flow leaves the edge smoothly."""
        return -4.0 * math.pi * self.radius * math.sin(self.angle - cmath.phase(1.0 - self.middle))

    def circle(self, count: int) -> np.ndarray:
        """Places on the circle, counter-clockwise from the one that becomes the trailing edge."""
        turn = cmath.phase(1.0 - self.middle) + 2.0 * np.pi * np.arange(count) / count
        return self.middle + self.radius * np.exp(1j * turn)

    def outline(self, circle: np.ndarray) -> np.ndarray:
        """The aerofoil, shape (count, 2), of `circle`."""
        found = self.place(circle)
        return np.stack([found.real, found.imag], axis=1)

    def place(self, zeta: np.ndarray) -> np.ndarray:
        """Where places round the circle come to lie."""
        power = 2.0 - self.edge / math.pi
        above, below = (zeta + 1.0) ** power, (zeta - 1.0) ** power
        with np.errstate(invalid="ignore"):
            return np.where(zeta == 1.0, power, power * (above + below) / (above - below))

    def velocity(self, zeta: np.ndarray) -> np.ndarray:
        """Complex, at the images of places on the circle or round it; not a number at the edge."""
        power, away = 2.0 - self.edge / math.pi, zeta - self.middle
        round_circle = (
            cmath.exp(-1j * self.angle)
            - cmath.exp(1j * self.angle) * self.radius**2 / away**2
            - 1j * self.circulation / (2.0 * math.pi * away)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = ((zeta + 1.0) / (zeta - 1.0)) ** power
            stretch = 4.0 * power**2 / (zeta**2 - 1.0) * ratio / (ratio - 1.0) ** 2
            return np.conj(round_circle / stretch)
