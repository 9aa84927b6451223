"""Widths of bands that hold as much as they say: conformal factors on errors of samples that were held out.

Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005 (split conformal prediction); Lei et al.,
Distribution-free predictive inference for regression, 2018 (errors in units of a local spread).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

BINS = 4000
LARGEST = 40.0

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
"""Of coverage, at which bands are compared with what they hold."""


class RatioHistogram:
    """How often |error| / spread has which size, over any number of values, in little memory."""

    def __init__(self) -> None:
        self._counts = np.zeros(BINS + 1)
        self._samples = 0

    def add(self, error: np.ndarray, spread: np.ndarray) -> None:
        """One sample's errors and spreads, same shape; every sample counts alike."""
        ratio = np.abs(error) / np.maximum(spread, 1e-300)
        bins = np.minimum(ratio / LARGEST * BINS, BINS).astype(np.int64)
        self._counts += np.bincount(bins.ravel(), minlength=BINS + 1) / bins.size
        self._samples += 1

    @property
    def samples(self) -> int:
        return self._samples

    def shares(self, factors: np.ndarray) -> np.ndarray:
        """Part of the values within each factor on the spread."""
        reached = np.cumsum(self._counts) / max(self._samples, 1)
        return reached[np.clip((factors * BINS / LARGEST).astype(np.int64) - 1, 0, BINS)]

    @staticmethod
    def together(histograms: Iterable[RatioHistogram]) -> RatioHistogram:
        """Of all values."""
        whole = RatioHistogram()
        for each in histograms:
            whole._counts += each._counts
            whole._samples += each._samples
        return whole

    def factor(self, coverage: float) -> float:
        """The factor on the spread within which the part `coverage` of the values lie."""
        if not self._samples:
            return float("nan")
        reached = np.cumsum(self._counts) / self._samples
        return float((np.searchsorted(reached, coverage) + 1) * LARGEST / BINS)


def conformal_factor(ratios: np.ndarray, coverage: float) -> float:
    """Of one value a sample: the ⌈(n + 1) · coverage⌉-th smallest of |error| / spread; the largest where n is few."""
    ordered = np.sort(ratios)
    rank = int(np.ceil((len(ordered) + 1) * coverage))
    return float(ordered[min(rank, len(ordered)) - 1])


def held_shares(histograms: Sequence[RatioHistogram], levels: Sequence[float] = LEVELS) -> list[float]:
    """What bands of each level hold of a part of the samples when their factor comes from the other parts: mean over
    the parts. `histograms` : one a part, two at least."""
    found = []
    for k, histogram in enumerate(histograms):
        others = RatioHistogram.together([*histograms[:k], *histograms[k + 1 :]])
        found.append(histogram.shares(np.array([others.factor(level) for level in levels])))
    weights = [histogram.samples for histogram in histograms]
    return [float(value) for value in np.average(found, axis=0, weights=weights)]


def held_scalar_shares(ratios: Sequence[np.ndarray], levels: Sequence[float] = LEVELS) -> list[float]:
    """The same of one value a sample; `ratios` : |error| / spread of each part."""
    inside = np.zeros(len(levels))
    for k, part in enumerate(ratios):
        others = np.concatenate([*ratios[:k], *ratios[k + 1 :]])
        inside += [(part <= conformal_factor(others, level)).sum() for level in levels]
    return [float(value) for value in inside / sum(map(len, ratios))]
