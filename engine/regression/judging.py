"""Which of many candidates are below a limit, with few false ones among those that are named."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.core.errors import FormwrightError, ParameterError
from engine.regression.candidates import Candidate, Candidates
from engine.regression.data.dataset import Sample
from engine.regression.model import RegressionModel
from engine.regression.selection import select_below


def judge(
    model: RegressionModel,
    samples: Sequence[Sample],
    *,
    scalar: str = "",
    below: float,
    false_discovery_rate: float,
    inputs: Mapping[str, float],
    progress: Callable[[str, float], object] = lambda title, fraction: None,
) -> Candidates:
    """Predict every candidate, and name those whose scalar is below the limit.

    scalar : of the model; the first one where nothing is said
    inputs : scalars that the model needs, in place of the candidates' own

    A candidate that the model cannot look at is never named, and its row says why. Raises `ParameterError` for a scalar
    that the model does not predict.
    """
    name = scalar or next(iter(model.scalars), "")
    if name not in model.scalars:
        remedy = f"It has {', '.join(model.scalars) or 'fields alone'}."
        raise ParameterError("scalar", f"the model predicts no scalar {name!r}.", remedy=remedy)
    rows: list[Candidate] = []
    for number, sample in enumerate(samples):
        progress(sample.name, number / max(len(samples), 1))
        rows.append(_predicted(model, sample, name, inputs))
    known = [k for k, row in enumerate(rows) if not row.problem]
    held = model.card["scalars"][name]["held out"]
    selection = select_below(
        below, np.array([rows[k].predicted for k in known]), held_predicted=np.array(held["predicted"]),
        held_true=np.array(held["true"]), false_discovery_rate=false_discovery_rate,
    )  # fmt: skip
    chosen = set(selection.chosen.tolist())
    for place, k in enumerate(known):
        row, p_value = rows[k], float(selection.p_values[place])
        rows[k] = Candidate(row.name, row.predicted, row.band, p_value, place in chosen, row.novelty)
    return Candidates(name, model.scalars[name].unit, below, false_discovery_rate, tuple(rows))


def _predicted(model: RegressionModel, sample: Sample, scalar: str, inputs: Mapping[str, float]) -> Candidate:
    try:
        found = model.predict_morphed(model.prepare(sample), {**sample.inputs, **inputs}, fields=())
    except FormwrightError as error:
        return Candidate(sample.name, math.nan, math.nan, math.nan, False, problem=str(error))
    value = found.scalars[scalar]
    novelty = found.novelty.reason if found.novelty.is_new else ""
    return Candidate(sample.name, float(value.mean), float(value.band), math.nan, False, novelty)
