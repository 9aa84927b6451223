"""The working frame: where the descent happens, and the way there and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORKING_SIDE = 1.8
"""Longest side of the target's bounding box in the working frame, whose grid spans [-1, 1]^3."""


@dataclass(frozen=True)
class Frame:
    """working = (world − origin) · scale. World is millimetres; the working frame has no unit.

    origin : world position of the working frame's zero [mm]
    scale : working lengths per millimetre
    """

    origin: tuple[float, float, float]
    scale: float

    @staticmethod
    def around(bounds: np.ndarray, *, longest_side: float = WORKING_SIDE) -> Frame:
        """The frame that centres the box `bounds` (2, 3) [mm] with its longest side at `longest_side`."""
        low, high = np.asarray(bounds, np.float64)
        extent = float((high - low).max())
        centre = (low + high) / 2.0
        return Frame(
            (float(centre[0]), float(centre[1]), float(centre[2])), longest_side / extent if extent > 0 else 1.0
        )

    def to_working(self, positions: np.ndarray) -> np.ndarray:
        """World positions [mm], shape (n, 3), in the working frame, float64."""
        return (np.asarray(positions, np.float64) - self.origin) * self.scale

    def to_world(self, positions: np.ndarray) -> np.ndarray:
        """Working positions, shape (n, 3), in the world [mm], float64."""
        return np.asarray(positions, np.float64) / self.scale + self.origin

    def length_to_working(self, length: float) -> float:
        return length * self.scale

    def length_to_world(self, length: float) -> float:
        return length / self.scale
