"""Inviscid flow round an aerofoil: straight panels with a vorticity that is linear along each.

Kuethe and Chow, Foundations of Aerodynamics, 1986, section 5.10 (no flow through the middle of any panel, and Kutta's
condition); in complex numbers. Positions x + i y; velocities as their conjugates u − i v, which are analytic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from engine.core.errors import FormwrightError

REFINEMENT = 4
"""Panels for each side of the outline that is given."""

TOGETHER = 2_000_000
"""Pairs of place and panel that are looked at together."""


@dataclass(frozen=True)
class Flow:
    """Round an aerofoil, in parts of the speed far away.

    corners : of the panels, counter-clockwise from the trailing edge to the trailing edge, shape (panel_count + 1,),
        complex
    vorticity : at the corners, counter-clockwise: the velocity along the outline, outside, shape (panel_count + 1,)
    angle : of the flow far away above the x-axis [rad]
    """

    corners: np.ndarray
    vorticity: np.ndarray
    angle: float

    def velocity(self, places: np.ndarray) -> np.ndarray:
        """At places in the flow, complex, shape (place_count,)."""
        found = np.empty(len(places), complex)
        for part in np.array_split(np.arange(len(places)), max(1, len(places) * len(self.corners) // TOGETHER)):
            found[part] = _influence(places[part], self.corners) @ self.vorticity
        return np.conj(found + np.exp(-1j * self.angle))

    def surface_velocity(self) -> np.ndarray:
        """At the corners, complex; at the trailing edge the mean of both sides."""
        sides = np.diff(self.corners)
        along = sides / np.abs(sides)
        at = np.concatenate([along[:1], along[:-1] + along[1:], along[-1:]])
        velocity = self.vorticity * at / np.abs(at)
        velocity[[0, -1]] = velocity[[0, -1]].mean()
        return velocity

    @property
    def circulation(self) -> float:
        """Counter-clockwise."""
        return float((0.5 * (self.vorticity[1:] + self.vorticity[:-1]) * np.abs(np.diff(self.corners))).sum())

    def force(self) -> complex:
        """Of the pressure on the outline per dynamic pressure, by Simpson's rule along each panel."""
        return complex(self._pressure_parts().sum())

    def moment(self, centre: complex) -> float:
        """Of the pressure round a place per dynamic pressure, counter-clockwise."""
        arms = np.stack([self.corners[:-1], 0.5 * (self.corners[:-1] + self.corners[1:]), self.corners[1:]]) - centre
        return float((np.conj(arms) * self._pressure_parts()).imag.sum())

    def _pressure_parts(self) -> np.ndarray:
        """Forces at the begin, the middle and the end of each panel, shape (3, panel_count)."""
        begin, end = self.vorticity[:-1], self.vorticity[1:]
        pressure = 1.0 - np.stack([begin, 0.5 * (begin + end), end]) ** 2
        outward = -1j * np.diff(self.corners)
        return -np.array([[1.0], [4.0], [1.0]]) / 6.0 * pressure * outward


def flow_round(outline: np.ndarray, angle: float) -> Flow:
    """Solve for the flow round an outline.

    outline : of a smooth body with one edge, counter-clockwise from the trailing edge to the node before it comes there
        again, shape (count, 2)
    angle : of the flow far away above the x-axis [rad]

    Raises `FormwrightError` for an outline that crosses itself or has no inside.
    """
    corners = refined(outline)
    sides = np.diff(corners)
    middles = 0.5 * (corners[:-1] + corners[1:])
    if (np.conj(corners[:-1]) * corners[1:]).imag.sum() <= 0.0:
        raise FormwrightError("The outline of an aerofoil does not run counter-clockwise round an inside.")
    influence = _influence(middles, corners)
    outward = -1j * sides / np.abs(sides)
    matrix = np.zeros((len(corners), len(corners)))
    matrix[:-1] = (influence * outward[:, None]).real
    matrix[-1, [0, -1]] = 1.0
    right = np.append(-(np.exp(-1j * angle) * outward).real, 0.0)
    vorticity = np.linalg.solve(matrix, right)
    if not np.isfinite(vorticity).all():
        raise FormwrightError("The flow round an aerofoil cannot be solved.", remedy="Give it a thicker trailing edge.")
    return Flow(corners, vorticity, angle)


def refined(outline: np.ndarray) -> np.ndarray:
    """Corners of the panels, complex: a cubic spline through the outline, `REFINEMENT` panels to each of its sides;
    every `REFINEMENT`-th corner is one that was given."""
    closed = np.concatenate([outline, outline[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    share = np.arange(REFINEMENT) / REFINEMENT
    fine = np.append((along[:-1, None] + np.diff(along)[:, None] * share).ravel(), along[-1])
    return np.asarray(CubicSpline(along, closed)(fine) @ np.array([1.0, 1j]))


def _influence(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Conjugate velocity at places by unit vorticity at each corner, which falls to nothing at its neighbours, shape
    (place_count, corner_count); on a panel itself, of its outside."""
    sides = np.diff(corners)
    # In units of the panel, which lies on [0, 1].
    z = (places[:, None] - corners[None, :-1]) / sides
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(z / (z - 1.0))
    # The outside is on a panel's right: from there the cut of the logarithm along the panel is met from below.
    on_panel = (np.abs(z.imag) < 1e-12) & (z.real > 0.0) & (z.real < 1.0)
    logarithm = np.where(on_panel, logarithm.real + 1j * np.pi, logarithm)
    logarithm = np.where(np.isfinite(logarithm), logarithm, 0.0)
    falling = z * logarithm - 1.0  # ∫ s / (z − s) ds over the panel
    factor = -1j / (2.0 * np.pi) * np.abs(sides) / sides
    found = np.zeros((len(places), len(corners)), complex)
    found[:, :-1] += factor * (logarithm - falling)
    found[:, 1:] += factor * falling
    return found
