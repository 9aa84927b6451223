"""Widths of bands that hold as much as they say: conformal factors on errors of samples that were held out.

Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005 (split conformal prediction); Lei et al.,
Distribution-free predictive inference for regression, 2018 (errors in units of a local spread).
"""

from __future__ import annotations

import numpy as np

BINS = 4000
LARGEST = 40.0


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
