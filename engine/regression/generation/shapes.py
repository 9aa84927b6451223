"""Outlines of notched plates: free-form families with several geometric parameters, and two that were never learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Family = Literal["free-form", "wedge", "ellipse"]

HEIGHT = 20.0
"""Of every plate [mm]."""

HALF_WIDTH = 5.0
"""Of every plate where it has no notch [mm]."""

LEAST_LIGAMENT = 0.4
"""A plate is nowhere narrower than this part of its width."""


@dataclass(frozen=True)
class Flanks:
    """The two long sides of a plate.

    left, right : how deep each cuts into the plate at a height in [0, `HEIGHT`], [mm] of [mm]
    parameters : the numbers that made them, by name
    """

    left: Callable[[np.ndarray], np.ndarray]
    right: Callable[[np.ndarray], np.ndarray]
    parameters: dict[str, float]


def draw_flanks(family: Family, generator: np.random.Generator) -> Flanks:
    """Two independent flanks of a family."""
    draw = {"free-form": _free_form, "wedge": _wedge, "ellipse": _ellipse}[family]
    left, left_numbers = draw(generator)
    right, right_numbers = draw(generator)
    numbers = {f"left_{name}": value for name, value in left_numbers.items()}
    numbers |= {f"right_{name}": value for name, value in right_numbers.items()}
    return Flanks(left, right, numbers)


def _free_form(generator: np.random.Generator) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, float]]:
    """A bump and three waves, all fading towards the ends: six numbers."""
    depth = generator.uniform(0.6, 2.2)
    centre = generator.uniform(0.35, 0.65) * HEIGHT
    width = generator.uniform(1.2, 3.5)
    waves = generator.normal(0.0, [0.25, 0.18, 0.12])

    def depth_at(y: np.ndarray) -> np.ndarray:
        fade = np.sin(np.pi * y / HEIGHT) ** 2
        wavy = sum(wave * np.sin(2.0 * np.pi * (k + 1) * y / HEIGHT) for k, wave in enumerate(waves))
        return _limited(depth * np.exp(-(((y - centre) / width) ** 2)) + fade * wavy)

    numbers = {"depth": depth, "centre": centre, "width": width}
    numbers |= {f"wave_{k + 1}": float(wave) for k, wave in enumerate(waves)}
    return depth_at, numbers


def _wedge(generator: np.random.Generator) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, float]]:
    """A V with a sharp root."""
    depth, centre = generator.uniform(0.8, 2.4), generator.uniform(0.35, 0.65) * HEIGHT
    opening = generator.uniform(0.8, 2.0)

    def depth_at(y: np.ndarray) -> np.ndarray:
        return _limited(np.maximum(depth * (1.0 - np.abs(y - centre) / opening), 0.0))

    return depth_at, {"depth": depth, "centre": centre, "opening": opening}


def _ellipse(generator: np.random.Generator) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, float]]:
    """Half an ellipse, upright at its ends."""
    depth, centre = generator.uniform(0.8, 2.4), generator.uniform(0.35, 0.65) * HEIGHT
    half = generator.uniform(0.6, 2.0)

    def depth_at(y: np.ndarray) -> np.ndarray:
        inside = np.maximum(1.0 - ((y - centre) / half) ** 2, 0.0)
        return _limited(depth * np.sqrt(inside))

    return depth_at, {"depth": depth, "centre": centre, "half_height": half}


def _limited(depth: np.ndarray) -> np.ndarray:
    """Smoothly between −0.8 mm and what leaves a ligament when both flanks are that deep."""
    most = (1.0 - LEAST_LIGAMENT) * HALF_WIDTH
    low = -0.8
    middle, half = (most + low) / 2.0, (most - low) / 2.0
    # Straight in the middle, bent towards the limits: so that every family keeps its form.
    scaled = (depth - middle) / half
    bent = np.where(np.abs(scaled) < 0.8, scaled, np.sign(scaled) * (0.8 + 0.2 * np.tanh((np.abs(scaled) - 0.8) / 0.2)))
    return middle + half * bent
