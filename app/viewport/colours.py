"""Colours of the viewport: themes, the diverging map of the sensitivity, and its steady range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Theme:
    """What is drawn in which colour, as `#rrggbb`. Neutral greys, so that data carry the colour.

    background : of the view; background_top, background_bottom : where it is a soft gradient
    surface : the Run's surface where no data colours it
    edge : of the wireframe; text, faint : of labels and of lesser lines; accent : of what is held or selected
    panel : behind labels
    """

    background: str
    background_top: str
    background_bottom: str
    surface: str
    edge: str
    text: str
    faint: str
    accent: str
    panel: str


LIGHT = Theme(
    background="#eceef0", background_top="#f7f8f9", background_bottom="#dfe2e6", surface="#c9ccd0", edge="#6b7178",
    text="#26292d", faint="#7d848c", accent="#0a66c2", panel="#ffffff",
)  # fmt: skip
DARK = Theme(
    background="#282b2f", background_top="#33373c", background_bottom="#1d2023", surface="#b9bdc2", edge="#4b5157",
    text="#e8eaec", faint="#8d949b", accent="#5aa9f5", panel="#17191b",
)  # fmt: skip

FROZEN = "#5b6fa8"
"""Tint of frozen places: the blue of cold, darker and less saturated than the map's blue."""

SELECTED = "#d98e04"
"""Tint of the working selection: amber stands off from grey by hue and from the blue of frozen places for every eye."""

SELECTION_COLOURS = ("#2a9d8f", "#7a5195", "#c1553b", "#3f7fbf", "#7d8f2e", "#b5578f")
"""Tints of named selections, in the order in which they are made."""

SECOND = "#3f7fbf"
"""The other of two compared surfaces."""

INSIDE = "#a9745c"
"""The inside of what is cut open."""

TINT = 0.75

_STOPS = np.array([0.0, 0.22, 0.42, 0.5, 0.58, 0.78, 1.0])
_BLUE_TO_ORANGE = np.array(
    [[20, 78, 158], [72, 138, 201], [164, 194, 222], [206, 207, 208], [232, 196, 158], [224, 138, 58], [166, 73, 6]],
    np.float64,
)
"""Blue for below zero, grey at zero, orange for above: told apart with every common colour blindness, and as dark at
both ends, so that the sign never looks like more or less."""


def diverging_table(count: int = 255) -> np.ndarray:
    """The map as a table, shape (count, 3), uint8; `count` is odd, so that its middle entry is zero's grey."""
    at = np.linspace(0.0, 1.0, count)
    channels = [np.interp(at, _STOPS, _BLUE_TO_ORANGE[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


_DARK_TO_LIGHT = np.array(
    [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121],
     [110, 206, 88], [181, 222, 43], [253, 231, 37]],
    np.float64,
)  # fmt: skip
"""Viridis (van der Walt and Smith 2015, CC0): as much lighter at every step, for every eye."""


def sequential_table(count: int = 256) -> np.ndarray:
    """The map of what begins at zero as a table, shape (count, 3), uint8."""
    at, stops = np.linspace(0.0, 1.0, count), np.linspace(0.0, 1.0, len(_DARK_TO_LIGHT))
    channels = [np.interp(at, stops, _DARK_TO_LIGHT[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def rgb(colour: str) -> tuple[float, float, float]:
    """`#rrggbb` as three numbers in [0, 1]."""
    value = int(colour.lstrip("#"), 16)
    return (value >> 16) / 255.0, (value >> 8 & 255) / 255.0, (value & 255) / 255.0


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with a `share` in [0, 1] of `other`, as `#rrggbb`."""
    parts = ((1.0 - share) * a + share * b for a, b in zip(rgb(colour), rgb(other), strict=True))
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def blended(base: str | np.ndarray, count: int, tints: list[tuple[np.ndarray, str]]) -> np.ndarray:
    """Colours of `count` vertices, shape (count, 3), uint8: `base` (one colour or one a vertex), with tints over it,
    each with its values in [0, 1], shape (count,): a whole one leaves a quarter of what lies below, for its shade."""
    below = np.multiply(rgb(base), 255.0) if isinstance(base, str) else base
    colours = np.broadcast_to(np.asarray(below, np.float32), (count, 3))
    for values, colour in tints:
        share = (TINT * values).astype(np.float32)[:, None]
        colours = colours * (1.0 - share) + np.multiply(rgb(colour), 255.0).astype(np.float32) * share
    return np.rint(colours).astype(np.uint8)


NEAR_ZERO = 0.02
"""Part of the highest value under which a whole range begins at zero."""

Extent = Literal["signed", "from zero", "whole"]
"""What a range reaches over: both signs alike, from zero, or from the lowest to the highest value."""


class SteadyRange:
    """A range that follows the data slowly, so that colours do not flicker (see `Extent`).

    The aim is the 98th percentile of the magnitudes that are not zero: a few extreme vertices do not wash out the rest,
    and what is nothing almost everywhere, as the pressure of a contact, shows how much it is elsewhere. It rises in a
    few frames and falls more slowly. A whole range leaves no value out, for hot spots are few vertices: it widens at
    once, and is exact for what is `settled`.
    """

    def __init__(self) -> None:
        self.locked: tuple[float, float] | None = None
        self.extent: Extent = "signed"
        self._limit: float | None = None
        self._ends: tuple[float, float] | None = None

    @property
    def limits(self) -> tuple[float, float]:
        if self.locked is not None:
            return self.locked
        if self.extent == "whole":
            return self._ends or (0.0, 1.0)
        limit = self._limit or 1.0
        return (0.0, limit) if self.extent == "from zero" else (-limit, limit)

    def forget(self) -> None:
        """Start anew with the next data (another Run)."""
        self._limit = self._ends = None

    def follow(self, values: np.ndarray, *, settled: bool = False) -> None:
        known = values[np.isfinite(values)]
        if self.locked is not None or not len(known):
            return
        if self.extent == "whole":
            self._follow_ends(float(known.min()), float(known.max()), settled)
            return
        sizes = np.abs(known[known != 0.0])
        if not len(sizes):
            return
        aim = float(np.percentile(sizes, 98))
        if self._limit is None:
            self._limit = aim
        else:
            # In the logarithm: a range that shrinks tenfold over a descent should do so evenly.
            share = 0.25 if aim > self._limit else 0.08
            self._limit = float(np.exp((1 - share) * np.log(self._limit) + share * np.log(aim)))

    def _follow_ends(self, low: float, high: float, settled: bool) -> None:
        low = 0.0 if 0.0 <= low < NEAR_ZERO * high else low
        if self._ends is not None and not settled:
            low = min(low, self._ends[0] + 0.08 * (low - self._ends[0]))
            high = max(high, self._ends[1] + 0.08 * (high - self._ends[1]))
        if high - low <= 1e-6 * max(abs(low), abs(high)):  # float32 tells no more than that apart
            middle, half = (low + high) / 2.0, max(abs(low), abs(high)) * 0.05 or 1.0
            low, high = middle - half, middle + half
        self._ends = (low, high)


def map_sequential(values: np.ndarray, limits: tuple[float, float], table: np.ndarray) -> np.ndarray:
    """Colours of `values`, shape (n, 3), uint8: the lower limit is the table's first entry; what is no number too."""
    low, high = limits
    places = np.nan_to_num((values - low) / ((high - low) or 1.0), nan=0.0, posinf=1.0, neginf=0.0)
    return table[np.rint(np.clip(places, 0.0, 1.0) * (len(table) - 1)).astype(np.intp)]


def map_diverging(values: np.ndarray, limits: tuple[float, float], table: np.ndarray) -> np.ndarray:
    """Colours of `values`, shape (n, 3), uint8. Zero is always the middle; what is no number is the middle too."""
    low, high = limits
    scale = max(abs(low), abs(high)) or 1.0
    middle = (len(table) - 1) // 2
    places = np.nan_to_num(values / scale, nan=0.0, posinf=1.0, neginf=-1.0)
    return table[np.clip(np.rint(middle + middle * places), 0, len(table) - 1).astype(np.intp)]
