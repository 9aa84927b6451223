"""Which candidates have a value below a limit, with a bound on the part of false ones among those that are named.

Jin and Candès, Selection by prediction with conformal p-values, 2023 (algorithm 1, with the Benjamini–Hochberg rule),
among those alone whose prediction is below the limit: candidates and samples are then still drawn alike, and nothing is
named that is predicted to be above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ParameterError


@dataclass(frozen=True)
class Selection:
    """chosen : indices of the candidates that are named, ascending
    p_values : of all, shape (candidate_count,); 1 where the prediction is not below the limit
    """

    chosen: np.ndarray
    p_values: np.ndarray


def select_below(
    limit: float,
    predicted: np.ndarray,
    *,
    held_predicted: np.ndarray,
    held_true: np.ndarray,
    false_discovery_rate: float,
) -> Selection:
    """Candidates whose value is below `limit`.

    predicted : of the candidates, shape (candidate_count,)
    held_predicted, held_true : of samples that were held out of the model and resemble the candidates
    false_discovery_rate : of those that are named, at most this part is false on average
    """
    if not 0.0 < false_discovery_rate < 1.0:
        raise ParameterError(
            "fdr", f"{false_discovery_rate} is no part of false ones.", remedy="Give 0.1, for instance."
        )
    if not np.isfinite(limit):
        raise ParameterError("below", f"{limit} is no limit.", remedy="Give a number.")
    asked, known = np.flatnonzero(predicted < limit), held_predicted < limit
    # A sample that was held out and is not below the limit says how low predictions of such samples come.
    scores = np.sort(held_predicted[known & (held_true >= limit)])
    smaller = np.searchsorted(scores, predicted[asked], side="right")
    p_values = np.ones(len(predicted))
    p_values[asked] = (1.0 + smaller) / (known.sum() + 1.0)
    order = asked[np.argsort(p_values[asked], kind="stable")]
    allowed = false_discovery_rate * np.arange(1, len(asked) + 1) / max(len(asked), 1)
    passing = np.flatnonzero(p_values[order] <= allowed)
    count = int(passing[-1]) + 1 if len(passing) else 0
    return Selection(np.sort(order[:count]), p_values)
