"""What unit a file is probably in that does not say so, judged by how large it would be."""

from __future__ import annotations

import math

import numpy as np

from engine.core.units import MILLIMETRES_PER
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.shift import NO_SHIFT

SMALLEST, LARGEST = 1.0, 2e4
"""Diagonals [mm] between which nothing is said: a tooth, a house."""
USUAL = 150.0
"""The diagonal [mm] of what is usually scanned and printed."""
RARITY = {"mm": 0.0, "m": 0.3, "in": 0.8, "cm": 1.0, "um": 1.5, "ft": 1.5}
"""How many powers of ten a unit must fit better than millimetres to be named before them."""

Geometry = Mesh | Points | Volume


def likely_units(geometry: Geometry) -> list[tuple[str, str]]:
    """Units that the file may be in, the likeliest first, each with the size that the geometry would have then.

    Empty where there is nothing to ask: the unit is known, or the size is nothing unusual. Coordinates of a map
    (with a shift) are metres.
    """
    if not geometry.unit_assumed:
        return []
    sides = (geometry.bounds[1] - geometry.bounds[0]) / MILLIMETRES_PER[geometry.unit]
    diagonal = float(np.linalg.norm(sides))
    if not diagonal > 0.0:
        return []
    on_a_map = geometry.shift != NO_SHIFT
    present = diagonal * MILLIMETRES_PER[geometry.unit]
    if not on_a_map and SMALLEST <= present <= LARGEST:
        return []

    def unlikeliness(unit: str) -> float:
        if on_a_map:
            return RARITY[unit] if unit != "m" else -1.0
        return RARITY[unit] + abs(math.log10(diagonal * MILLIMETRES_PER[unit] / USUAL))

    ranked = sorted(RARITY, key=unlikeliness)
    return [(unit, describe_size(sides * MILLIMETRES_PER[unit])) for unit in ranked]


def describe_size(sides: np.ndarray) -> str:
    """The sides of a box [mm], shape (3,), as a person would say them: "152 × 98 × 43 mm"."""
    longest = float(np.max(sides))
    unit = next((unit for unit, length in (("µm", 0.1), ("mm", 1e3), ("m", 1e6)) if longest < length), "km")
    millimetres = {"µm": 1e-3, "mm": 1.0, "m": 1e3, "km": 1e6}[unit]
    return " × ".join(f"{_three_digits(side / millimetres)}" for side in sides.tolist()) + f" {unit}"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"
