"""The losses of a Run in a file: a table, or a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.document.loss_export import LossColumn, check_losses, loss_columns, write_losses
from app.document.run_record import LossCurves
from app.document.term_titles import term_titles
from engine.protocol.study import Study, TermSpec


def _checked(path: Path | None) -> Path | None:
    if path is not None:
        check_losses(path)
    return path


Losses = Annotated[
    Path | None,
    typer.Option(
        "--losses",
        callback=_checked,
        help="Write the loss curves: a table of all values (.csv) or a chart (.svg).",
    ),
]


def save_losses(path: Path, study: Study, curves: dict[str, LossCurves], branch: str) -> None:
    """Write the curves (by branch): all of them as `.csv`; as `.svg` the Terms of `branch`, the one that went on."""
    if path.suffix.lower() == ".svg":
        curves = {branch: curves.get(branch, LossCurves())}
    subject = next((Path(value).stem for value in study.inputs.values()), study.study)
    write_losses(path, curves, _columns(study, curves), title=f"Losses of {subject}")


def _columns(study: Study, curves: dict[str, LossCurves]) -> list[LossColumn]:
    """The Terms that the study has, and those that came while it ran."""
    from engine.studies.catalogue import catalogue

    offered = catalogue()
    terms = list(study.terms or offered.study(study.study).default_terms)
    names = dict.fromkeys(name.removeprefix("term:") for own in curves.values() for name in own.values)
    known = {spec.name for spec in terms} | {"loss"}
    terms += [TermSpec(kind="", name=name, weight=1.0) for name in names if name not in known]
    return loss_columns(terms, term_titles(terms, offered), offered)
