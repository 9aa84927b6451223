"""`formwright run`: a study from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import say, silent
from app.cli.job import Files, carry_out, check_output, check_place, load_inputs
from app.cli.options import InputUnit, Repairs
from app.cli.verify import parse_settings
from engine.protocol.study import Study


def run(
    study_file: Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh to write; without it, STUDY.stl beside the study.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter of the study; may be repeated."),
    ] = None,
    unit: InputUnit = None,
    repairs: Repairs = None,
    report: Annotated[Path | None, typer.Option(help="Write losses, timing and quality as JSON.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the result as PNG.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Run a study from its file, to its end."""
    study = Study.read(study_file)
    study = study.model_copy(update={"parameters": study.parameters | parse_settings(settings or [])})
    mesh = output or study_file.with_suffix(".stl")
    check_output(mesh)
    for place in (report, picture):
        check_place(place)
    files = Files(mesh, report, picture, unit)
    tell = silent if quiet or as_json else say
    inputs = load_inputs(study, unit=unit, repairs=repairs or [], tell=tell)
    raise typer.Exit(carry_out(study, inputs, files, quiet=quiet, as_json=as_json))
