"""What a model must beat to be worth its while: a straight line through the samples, and the most similar sample."""

from __future__ import annotations

import numpy as np

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Of the ridge, in parts of the number of samples; the one with the least leave-one-out error is taken."""


def ridge(inputs: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear regression with a penalty, every column of `values` with its own, at new inputs.

    Leave-one-out errors come in closed form: Golub, Heath and Wahba, 1979.
    """
    centre, middle = inputs.mean(axis=0), values.mean(axis=0)
    left, singular, right = np.linalg.svd(inputs - centre, full_matrices=False)
    rotated = left.T @ (values - middle)
    best, lowest = np.zeros((inputs.shape[1], values.shape[1])), np.full(values.shape[1], np.inf)
    for penalty in PENALTIES:
        shrink = singular**2 / (singular**2 + penalty * len(inputs))
        fitted = left @ (shrink[:, None] * rotated)
        leverage = (left**2 @ shrink)[:, None]
        error = (((values - middle - fitted) / np.maximum(1.0 - leverage, 1e-9)) ** 2).sum(axis=0)
        slopes = right.T @ ((singular / (singular**2 + penalty * len(inputs)))[:, None] * rotated)
        best, lowest = np.where(error < lowest, slopes, best), np.minimum(error, lowest)
    return middle + (at - centre) @ best


def nearest(inputs: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Of the most similar sample."""
    square = (at**2).sum(1)[:, None] + (inputs**2).sum(1) - 2.0 * at @ inputs.T
    return values[np.argmin(square, axis=1)]
