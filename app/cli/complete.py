"""`formwright complete`: a whole shape from a part of it, by what a Model has learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import say, silent
from app.cli.job import Files, carry_out, check_output
from app.cli.options import InputUnit, said, with_options
from engine.core.atomic import check_place
from engine.protocol.study import MODEL, SAMPLE, Study
from engine.studies.complete_parameters import CompleteParameters
from engine.studies.inputs import load_inputs

ModelFile = Annotated[
    Path, typer.Option("--model", metavar="MODEL", help="Of formwright train-shapes, or sample:vases.")
]


@with_options(CompleteParameters, panel="Study")
def complete(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A scan or mesh of a part, or sample:vase.")],
    model: ModelFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The mesh to write: .stl, .ply, .obj, .glb, .3mf.")],
    unit: InputUnit = None,
    report: Annotated[Path | None, typer.Option(help="Write losses, timing and quality as JSON.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the result as PNG.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    **options: Any,
) -> None:
    """Find, among the shapes that a Model has learnt, the one that fits a scan of a part.

    The scan lies where the shapes of the Model do: nothing is moved, turned or scaled.
    """
    check_output(output)
    for place in (report, picture):
        check_place(place)
    from engine.studies.registry import default_study

    study = default_study({MODEL: named(model), "target": named(source)}, "complete").model_copy(
        update={"parameters": said(CompleteParameters, options), "units": {"target": unit} if unit else {}}
    )
    inputs = load_inputs(study, unit=unit, shift="none", tell=silent if quiet or as_json else say)
    files = Files(output, report, picture, unit)
    raise typer.Exit(carry_out(study, inputs, files, quiet=quiet, as_json=as_json))


def named(path: Path) -> str:
    """A file as a study names it, or one of ours."""
    return str(path) if str(path).startswith(SAMPLE) else str(path.resolve())


def space_of(model: Path) -> Any:
    """The shape space of a Model, or of one of ours."""
    from engine.studies.complete import space_of as read

    return read(Study(study="complete", inputs={MODEL: named(model)}), lambda title, fraction: say(title))
