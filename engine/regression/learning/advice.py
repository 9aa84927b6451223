"""What would make a model better: more samples, more modes or a finer mesh."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

HALVED_MESH = 0.25
"""What is left of the interpolation's error on a mesh of half the size: it falls with its square."""

USUAL_RATIO = 0.8
"""What twice as many samples leave of the error, where no learning curve says it."""


def advise(card: Mapping[str, Any]) -> str:
    """One plain sentence on what would help most, with its reason in numbers.

    Each remedy is weighed by the squared error that it would take away: a mesh of half the size leaves a quarter of
    the interpolation's error, a third more modes what the last third took away, and twice as many samples what the
    learning curve says (without one, a fifth of truncation and regression).
    """
    split = card.get("error_split") or {name: field["split"] for name, field in card["fields"].items()}
    if not split:
        return "More samples would help most: the model predicts scalars alone."
    mean = {
        part: math.sqrt(float(np.mean([each[part] ** 2 for each in split.values()])))
        for part in ("interpolation", "truncation", "regression")
    }
    whole = math.sqrt(sum(value**2 for value in mean.values()))
    finer = mean["interpolation"] * HALVED_MESH
    by_mesh = mean["interpolation"] ** 2 - finer**2
    more_modes = _with_more_modes(card, split)
    by_modes = mean["truncation"] ** 2 - more_modes**2 if more_modes is not None else 0.0
    ratio = _twice_the_samples(card)
    by_samples = (mean["truncation"] ** 2 + mean["regression"] ** 2) * (1.0 - (ratio or USUAL_RATIO) ** 2)
    best = max(by_mesh, by_modes, by_samples)
    if best <= 0.0 or whole == 0.0:
        return "Nothing is left to gain: held-out samples are predicted to rounding."
    if best == by_mesh:
        return (
            f"A finer mesh would help most: bringing fields to the common mesh and back costs "
            f"{mean['interpolation']:.4f} of the fields' error of {whole:.4f}, and half the size of triangles leaves "
            f"about {finer:.4f}."
        )
    if best == by_modes:
        return (
            f"More modes would help most: what the modes cannot show is {mean['truncation']:.4f} of the fields' error "
            f"of {whole:.4f}, and a third more of them leave about {more_modes:.4f}."
        )
    if ratio is None:
        return (
            f"More samples would help most: predicting modes costs {mean['regression']:.4f} of the fields' error of "
            f"{whole:.4f}, and what {card['samples']} samples' modes cannot show {mean['truncation']:.4f}."
        )
    curve = card["learning_curve"]
    last, error = curve["samples"][-1], curve["mean"][-1]
    return (
        f"More samples would help most: from {curve['samples'][0]} to {last} the mean error fell from "
        f"{curve['mean'][0]:.4f} to {error:.4f}; {2 * last} would bring it to about {error * ratio:.4f}."
    )


def _twice_the_samples(card: Mapping[str, Any]) -> float | None:
    """Of the mean error, what a doubling leaves: a power of the number of samples, fitted to the curve."""
    curve = card.get("learning_curve")
    if not curve or len(curve["samples"]) < 2 or min(curve["mean"]) <= 0.0:
        return None
    slope = np.polyfit(np.log(curve["samples"]), np.log(curve["mean"]), 1)[0]
    return float(min(2.0**slope, 1.0))


def _with_more_modes(card: Mapping[str, Any], split: Mapping[str, Any]) -> float | None:
    """Truncation with a third more modes than the last third had; None where no field is short of modes, for then
    further ones cannot be predicted, or where it is not known how the error fell."""
    most = card["settings"]["field_modes"]
    found = []
    for name, each in split.items():
        steps = each.get("by modes")
        if steps is None or card["fields"][name]["modes"] < most or len(steps["modes"]) < 3:
            found.append(each["truncation"])
            continue
        at = np.interp(most / 1.33, steps["modes"], steps["truncation"])
        found.append(each["truncation"] ** 2 / max(at, each["truncation"], 1e-300))
    less = math.sqrt(float(np.mean(np.square(found))))
    return less if less < math.sqrt(float(np.mean([each["truncation"] ** 2 for each in split.values()]))) else None
