"""The losses of one branch, iteration by iteration."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping

import numpy as np


class LossCurve:
    """Iterations, rising, and by name ("loss", "term:NAME") the value at each; NaN where a Term was not there."""

    def __init__(self) -> None:
        self.iterations: list[int] = []
        self._values: dict[str, list[float]] = {}

    def record(self, iteration: int, losses: Mapping[str, float]) -> None:
        """Append; an iteration that is done again takes the place of itself and of what came after it."""
        if self.iterations and iteration <= self.iterations[-1]:
            self._cut(bisect_left(self.iterations, iteration))
        count = len(self.iterations)
        self.iterations.append(iteration)
        for name in losses.keys() - self._values.keys():
            self._values[name] = [math.nan] * count
        for name, values in self._values.items():
            values.append(losses.get(name, math.nan))

    def until(self, iteration: int) -> LossCurve:
        """A copy of what was before `iteration`."""
        curve = LossCurve()
        curve.iterations = list(self.iterations)
        curve._values = {name: list(values) for name, values in self._values.items()}
        curve._cut(bisect_left(self.iterations, iteration))
        return curve

    def after(self, earlier: LossCurve) -> LossCurve:
        """`earlier`, and then this one from its first iteration on."""
        curve = earlier.until(self.iterations[0]) if self.iterations else earlier
        for name in self._values.keys() - curve._values.keys():
            curve._values[name] = [math.nan] * len(curve.iterations)
        curve.iterations += self.iterations
        for name, values in curve._values.items():
            values += self._values.get(name, [math.nan] * len(self.iterations))
        return curve

    def arrays(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Iterations (n,) int64 and the values (n,) float64 by name."""
        values = {name: np.array(series, np.float64) for name, series in self._values.items()}
        return np.array(self.iterations, np.int64), values

    @staticmethod
    def of_arrays(iterations: np.ndarray, values: Mapping[str, np.ndarray]) -> LossCurve:
        """The curve that `arrays` gave; raises `ValueError` where lengths differ or iterations do not rise."""
        curve = LossCurve()
        if np.ndim(iterations) != 1 or (np.diff(iterations) <= 0).any():
            raise ValueError("the iterations of a loss curve do not rise")
        curve.iterations = [int(iteration) for iteration in iterations]
        curve._values = {name: [float(value) for value in series] for name, series in values.items()}
        if any(len(series) != len(curve.iterations) for series in curve._values.values()):
            raise ValueError("a loss curve has not one value an iteration")
        return curve

    def _cut(self, count: int) -> None:
        del self.iterations[count:]
        for series in self._values.values():
            del series[count:]
