"""The global shift: what is taken away from coordinates that lie far from zero, as those of a map do.

The world is float64, but what is drawn, painted and written is often float32, which resolves a metre at 10 000 km from
zero; and nobody likes to read such numbers. Exports give the shift back, to the last bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.errors import ParameterError
from engine.core.units import parse_length

Vector = tuple[float, float, float]
Shift = Literal["auto", "none"] | Vector
"""What to take away: where it helps, nothing, or so many millimetres."""

NO_SHIFT: Vector = (0.0, 0.0, 0.0)

FAR = 1e5
"""Nearer to zero than this [mm], nothing is shifted."""
FAR_RATIO = 1e3
"""Coordinates are far from zero when they are more than so many sizes away."""


@dataclass(frozen=True)
class Neighbour:
    """An object that is open already: its shift [mm], and its diagonal [mm]. What is opened beside it is to stand
    where it belongs."""

    shift: Vector
    size: float


def choose_shift(
    bounds: np.ndarray, *, millimetres: float, asked: Shift = "auto", beside: tuple[Neighbour, ...] = ()
) -> Vector:
    """The shift [mm] for coordinates in the box `bounds` [mm], shape (2, 3).

    That of an open object, where it brings the box near; else a round number of the file's unit, whose length is
    `millimetres`, where the box is far from zero.
    """
    if asked == "none":
        return NO_SHIFT
    if asked != "auto":
        return asked
    size = float((bounds[1] - bounds[0]).max())
    for neighbour in beside:
        if not _is_far(bounds - neighbour.shift, max(size, neighbour.size)):
            return neighbour.shift
    if not _is_far(bounds, size):
        return NO_SHIFT
    step = millimetres * 10.0 ** math.ceil(math.log10(max(size / millimetres, 1.0)))
    x, y, z = (np.round(bounds.mean(axis=0) / step) * step).tolist()
    return x, y, z


def parse_shift(text: str) -> Shift:
    """ "auto", "none", or three lengths, in millimetres or with a unit: "512300 m, 4512300 m, 0"; raises
    `ParameterError`."""
    word = text.strip().lower()
    if word in ("auto", "none"):
        return "auto" if word == "auto" else "none"
    parts = text.split(",")
    if len(parts) != 3:
        raise ParameterError(
            "shift", f"{text!r} is neither auto nor none nor three lengths.", remedy="Write for example 500 m, 0, 0."
        )
    x, y, z = (parse_length(part, name="shift") for part in parts)
    return x, y, z


def is_far(bounds: np.ndarray) -> bool:
    """Whether a box [mm], shape (2, 3), lies so far from zero that a shift would help."""
    return _is_far(bounds, float((bounds[1] - bounds[0]).max()))


def describe_shift(shift: Vector, unit: str, millimetres: float) -> str:
    """The shift in words: "4,512,000, 512,000, 0 m"."""
    return ", ".join(f"{round(value / millimetres, 3) + 0.0:,.10g}" for value in shift) + f" {unit}"


def _is_far(bounds: np.ndarray, size: float) -> bool:
    return float(np.abs(bounds).max()) > max(FAR, FAR_RATIO * size)
