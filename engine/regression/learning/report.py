"""What a training tells while it goes on, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingReport:
    """How wrong the model is on the samples that were held out so far.

    part, parts : how many of the parts of the samples were left out, each once
    samples : how many were predicted without having been learnt from
    errors : RRMSE by name of field and scalar
    mean : of all of them
    """

    part: int
    parts: int
    samples: int
    errors: Mapping[str, float]
    mean: float
