"""What a model was learnt from, and how far a new sample is from it: with the reason, and the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

REASONS = {
    "shape": "its outline has details that no learnt shape has",
    "distance": "its shape is far from all that was learnt",
    "morph": "its mesh is distorted when it is brought to the common shape",
    "scalars": "a scalar is outside the range that was learnt",
}


@dataclass(frozen=True)
class Novelty:
    """How new a sample is.

    score : the largest of the measures, each over what samples that were held out reach; above 1 is new
    measures : by reason, see `REASONS`
    place : node of the common mesh where the shape is least known
    """

    score: float
    measures: Mapping[str, float]
    place: int

    @property
    def is_new(self) -> bool:
        return self.score > 1.0

    @property
    def reason(self) -> str:
        """A sentence; empty where nothing is new."""
        if not self.is_new:
            return ""
        return f"The model does not know this: {REASONS[max(self.measures, key=lambda name: self.measures[name])]}."


@dataclass(frozen=True)
class Domain:
    """Limits, from samples that were held out.

    residual : largest distance between a shape and what its modes make of it [unit of length]
    distance : root mean square of the standardised coefficients of the shape
    worst_angle : of the morphs [degrees]
    low, high : of the standardised scalars
    shape_count : how many of the features are coefficients of the shape
    """

    residual: float
    distance: float
    worst_angle: float
    low: np.ndarray
    high: np.ndarray
    shape_count: int

    def look(self, *, residual: np.ndarray, features: np.ndarray, worst_angle: float, flipped: int) -> Novelty:
        """Measure one sample.

        residual : shape minus what its modes make of it, shape (dimension, node_count)
        features : standardised, shape (feature_count,)
        """
        local = np.sqrt((residual**2).sum(axis=0))
        scalars = features[self.shape_count :]
        reach = np.maximum(self.high - self.low, 1e-300)
        beyond = np.maximum(np.maximum(self.low - scalars, scalars - self.high) / reach, 0.0)
        measures = {
            "shape": float(local.max()) / self.residual,
            "distance": root_mean_square(features[: self.shape_count]) / self.distance,
            "morph": np.inf if flipped else self.worst_angle / max(worst_angle, 1e-9),
            # A tenth of the range beyond it is new.
            "scalars": float(beyond.max(initial=0.0)) * 10.0,
        }
        return Novelty(max(measures.values()), measures, int(np.argmax(local)))


def root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean())) if len(values) else 0.0


MARGIN = 1.02
"""Limits lie so far beyond the part `COMMON` of what samples that were held out reach."""

COMMON = 0.98


def limit(values: np.ndarray) -> float:
    """From one measure of every sample that was held out."""
    return max(float(np.quantile(values, COMMON)) * MARGIN, 1e-300)
