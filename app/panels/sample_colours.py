"""The colours of the samples' field: over the values of one sample, or over those of all."""

from __future__ import annotations

import numpy as np

from app.panels.colour_scale import ColourScale
from app.work.samples import Samples


def scale_of(samples: Samples, number: int | None) -> ColourScale:
    """The scale of the field that is shown. number : of the sample whose own values it spans; None: those of all"""
    look = samples.look
    if look is None or not samples.field:
        return ColourScale(0.0, 1.0)
    if number is None:
        low, high = look.ranges[samples.field]
        return ColourScale.over(low, high)
    values = samples.values(number)
    assert values is not None
    known = values[np.isfinite(values)]
    return ColourScale.over(float(known.min()), float(known.max())) if len(known) else ColourScale(0.0, 1.0)


def scale_for(samples: Samples, number: int, *, own: bool) -> ColourScale:
    """The scale with which a sample is shown, which says where its values are beyond the ends."""
    scale = scale_of(samples, number if own else None)
    values = samples.values(number) if samples.field else None
    known = values[np.isfinite(values)] if values is not None else np.zeros(0)
    if not len(known):
        return scale
    return ColourScale.over(scale.low, scale.high, lowest=float(known.min()), highest=float(known.max()))
