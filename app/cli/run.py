"""`formwright run`: a study from its file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import say, silent
from app.cli.document_job import read_job
from app.cli.job import Files, carry_out, check_output
from app.cli.losses import Losses
from app.cli.options import InputShift, InputUnit, Repairs
from app.cli.verify import parse_settings
from engine.core.atomic import check_place
from engine.core.errors import ParameterError
from engine.io.shift import parse_shift
from engine.protocol.recording import read_recording
from engine.protocol.study import Study
from engine.studies.inputs import load_inputs


def run(
    study_file: Annotated[
        Path, typer.Argument(metavar="STUDY.toml|DOCUMENT.formwright", help="The study, or a document.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The mesh to write; without it, STUDY.stl beside the study.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter of the study; may be repeated."),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option("--edits", metavar="EDITS.jsonl", help="Steer it as it was steered in the window, and recorded."),
    ] = None,
    unit: InputUnit = None,
    shift: InputShift = "",
    repairs: Repairs = None,
    report: Annotated[Path | None, typer.Option(help="Write losses, timing and quality as JSON.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the result as PNG.")] = None,
    losses: Losses = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Run a study from its file, to its end, or again as it was steered; of a document, let its run go on."""
    mesh = output or study_file.with_suffix(".stl")
    check_output(mesh)
    for place in (report, picture, losses):
        check_place(place)
    if study_file.suffix.lower() == ".formwright":
        given = {"--set": settings, "--edits": edits, "--unit": unit, "--shift": shift, "--repair": repairs}
        for option, value in given.items():
            if value:
                raise ParameterError(option, "it is for a study; a document has its own.", remedy="Leave it out.")
        with tempfile.TemporaryDirectory(prefix="formwright-run-") as folder:
            job = read_job(study_file, Path(folder))
            code = carry_out(
                job.study, job.inputs, Files(mesh, report, picture, None, losses),
                quiet=quiet, as_json=as_json, edits=job.edits, resume=job.resume,
            )  # fmt: skip
        raise typer.Exit(code)
    study = Study.read(study_file)
    study = study.model_copy(update={"parameters": study.parameters | parse_settings(settings or [])})
    recording = read_recording(edits) if edits is not None else None
    files = Files(mesh, report, picture, unit, losses)
    tell = silent if quiet or as_json else say
    taken = parse_shift(shift) if shift else None
    inputs = load_inputs(study, unit=unit, shift=taken, repairs=repairs or [], tell=tell)
    raise typer.Exit(carry_out(study, inputs, files, quiet=quiet, as_json=as_json, edits=recording))
