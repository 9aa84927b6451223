"""The samples of a regression model in the Project: which data set, what each sample is for, what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from app.document.document import Document
from app.document.project import Project, SamplesInUse
from engine.protocol.study import SAMPLE

Part = Literal["train", "test", "out"]
"""What a sample is for; "out": nothing, it is left out."""

PARTS: tuple[Part, ...] = ("train", "test", "out")


def use_samples(document: Document, data: str) -> None:
    """Let a data set be what a regression model is learnt from; "" closes it. A step of undo."""
    if data != document.project.samples.data:
        step = f"open {Path(data).name.removeprefix(SAMPLE)}" if data else "close the data set"
        document.change(step, replace(document.project, samples=SamplesInUse(data)))


def set_part(document: Document, names: Sequence[str], part: Part) -> None:
    """Say what samples are for, as a step of undo."""
    samples = document.project.samples
    split = {**samples.split, **dict.fromkeys(names, part)}
    if split != samples.split:
        what = names[0] if len(names) == 1 else f"{len(names)} samples"
        steps = {"train": f"train with {what}", "test": f"test with {what}", "out": f"leave out {what}"}
        document.change(steps[part], replace(document.project, samples=replace(samples, split=split)))


def look_at(document: Document, *, sample: str | None = None, field: str | None = None) -> None:
    """Which sample and field are shown; no step of undo, and nothing that has to be saved."""
    data = document.project.samples.data

    def shown(project: Project) -> Project:
        before = project.samples
        samples = replace(
            before,
            sample=before.sample if sample is None else sample,
            field=before.field if field is None else field,
        )
        fits = project.samples.data == data and samples != project.samples
        return replace(project, samples=samples) if fits else project

    if shown(document.project) is not document.project:
        document.rewrite(shown)
