"""A part that a Run of *Predict* led to, verified by the true solver: for a window, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from engine.core.errors import FormwrightError
from engine.geometry.mesh import Mesh
from engine.protocol.study import MODEL, Study
from engine.regression.closing import Verified, add_sample, verify
from engine.regression.data.dataset import Sample
from engine.studies.part_mesh import length_unit, part_sample
from engine.studies.predict import model_of


class VerificationStoppedError(FormwrightError):
    """The user does not want it any more."""


class Report(Protocol):
    """Told what is being done, and how far it is in [0, 1]; None where nobody knows."""

    def __call__(self, title: str, fraction: float | None, news: Any = None) -> object: ...


@dataclass(frozen=True)
class VerifiedPart:
    """Truth beside prediction, as plain values.

    mesh : that of the truth [mm]; a solver may have its own nodes
    truth, predicted, band : by field, at its vertices
    fields : by name: "error" (relative, as on the card), "inside" (part of the nodes whose truth lies in the band),
        "unit"
    scalars : by name: "predicted", "band", "true", "inside", "unit"
    novelty : "is_new", "score", "reason"
    sample : what `add_truth` adds
    """

    mesh: Mesh
    truth: dict[str, np.ndarray]
    predicted: dict[str, np.ndarray]
    band: dict[str, np.ndarray]
    fields: dict[str, dict[str, Any]]
    scalars: dict[str, dict[str, Any]]
    novelty: dict[str, Any]
    sample: Sample


def verify_part(
    model: str,
    part: Mesh,
    inputs: Mapping[str, float],
    report: Report = lambda title, fraction, news=None: None,
    stopping: Callable[[], bool] = lambda: False,
) -> VerifiedPart:
    """Solve a part as it is, and compare with what the Model predicts.

    model : its file, or one of ours as a study names it
    part : as a Run shows it, with its anchors [mm]
    inputs : scalars that the Model needs

    Raises `FormwrightError` where no solver of ours made the Model's data, or where it cannot solve the part.
    """

    def tell(title: str, fraction: float | None) -> None:
        if stopping():
            raise VerificationStoppedError("The part was not solved to the end.")
        report(title, fraction)

    torch.set_num_threads(1)
    tell("Reading the Model", 0.0)
    learnt = model_of(Study(study="predict", inputs={MODEL: model}), tell)
    length = length_unit(learnt)
    sample = replace(part_sample(part, learnt), inputs=dict(inputs))
    tell("Solving", None)
    found = verify(learnt, sample)
    tell("Comparing", 1.0)
    return _plain(found, part, length)


def add_truth(data: str, verified: VerifiedPart) -> str:
    """Add what was verified to the data set, for training; returns the name of the sample."""
    return add_sample(Path(data), verified.sample)


def _plain(found: Verified, part: Mesh, length: float) -> VerifiedPart:
    truth = found.truth
    positions = truth.nodes * length
    if positions.shape[1] == 2:
        positions = np.column_stack([positions, np.full(len(positions), part.vertices[0, 2])])
    novelty = found.prediction.novelty
    return VerifiedPart(
        mesh=Mesh(positions, truth.triangles, name=f"{part.name}, solved", unit=part.unit, shift=part.shift),
        truth={name: np.asarray(truth.fields[name]) for name in found.fields},
        predicted={name: found.prediction.fields[name].mean for name in found.fields},
        band={name: found.prediction.fields[name].band for name in found.fields},
        fields={
            name: {"error": field.error, "inside": field.inside, "unit": field.unit}
            for name, field in found.fields.items()
        },
        scalars={
            name: {
                "predicted": each.predicted, "band": each.band, "true": each.true, "inside": each.inside,
                "unit": each.unit,
            }
            for name, each in found.scalars.items()
        },
        novelty={"is_new": bool(novelty.is_new), "score": float(novelty.score), "reason": novelty.reason},
        sample=truth,
    )  # fmt: skip
