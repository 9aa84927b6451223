"""How good predictions are: the measures of the field, defined where a reference is nothing at all too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def relative_error(predicted: np.ndarray, true: np.ndarray) -> float:
    """√(mean square of the difference) over the largest magnitude of the truth; over 1 where the truth is zero."""
    largest = float(np.abs(true).max())
    return float(np.sqrt(((predicted - true) ** 2).mean()) / (largest if largest > 0.0 else 1.0))


def rrmse(errors: Sequence[float] | np.ndarray) -> float:
    """Root of the mean square of relative errors over samples (Casenave et al., MMGP, 2023, section 4)."""
    return float(np.sqrt(np.mean(np.square(errors)))) if len(errors) else float("nan")


def scalar_rrmse(predicted: np.ndarray, true: np.ndarray) -> float:
    """The same for a scalar: every sample's error over its own true value, over 1 where that is zero."""
    scale = np.where(true != 0.0, np.abs(true), 1.0)
    return float(np.sqrt(np.mean(((predicted - true) / scale) ** 2)))


def q2(predicted: np.ndarray, true: np.ndarray) -> float:
    """1 − (squared error) / (variance of the truth): 1 is perfect, 0 no better than the mean."""
    variance = float(((true - true.mean()) ** 2).sum())
    error = float(((predicted - true) ** 2).sum())
    return 1.0 - error / variance if variance > 0.0 else (1.0 if error == 0.0 else 0.0)
