"""`formwright reconstruct`: a scan or a mesh to one surface, closed or open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import UsageError, say, silent
from app.cli.job import Files, carry_out, check_output
from app.cli.losses import Losses
from app.cli.options import InputShift, InputUnit, Repairs, said, with_options
from engine.core.atomic import atomic_write, check_place
from engine.core.errors import ParameterError
from engine.core.units import parse_number
from engine.io.loader import shut_down
from engine.io.shift import NO_SHIFT, Shift, parse_shift
from engine.protocol.study import SAMPLE, OptimizerSpec, Study, TermSpec
from engine.studies.inputs import load_geometry
from engine.studies.reconstruct_parameters import ReconstructParameters

OPTIMIZER_NAMES = {"kind": "optimizer"}


@with_options(OptimizerSpec, names=OPTIMIZER_NAMES, panel="Descent")
@with_options(ReconstructParameters, panel="Study")
def reconstruct(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="The scan or mesh to reconstruct, or sample:NAME for one of ours.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The mesh to write: .stl, .ply, .obj, .glb, .3mf; or its inside in tetrahedra: .vtu, .msh.",
        ),
    ],
    start_from: Annotated[
        Path | None, typer.Option("--start-from", metavar="FILE", help="A mesh, a scan or a volume to start from.")
    ] = None,
    unit: InputUnit = None,
    shift: InputShift = "auto",
    repairs: Repairs = None,
    weights: Annotated[
        list[str] | None, typer.Option("--weight", metavar="TERM=WEIGHT", help="Weigh a Term; may be repeated.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write losses, timing and quality as JSON.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write a picture of the result as PNG.")] = None,
    study_file: Annotated[
        Path | None, typer.Option("--study", help="Save what was asked as a study, for formwright run.")
    ] = None,
    losses: Losses = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    **options: Any,
) -> None:
    """Make one surface of a scan or a mesh: watertight, or open with --surface g-shell.

    Ctrl-C ends early and keeps the surface so far; a second one gives up at once.
    """
    check_output(output, filled=True)
    for place in (report, picture, study_file, losses):
        check_place(place)
    tell = silent if quiet or as_json else say
    reading = {"sign": options.get("sign") or "auto", "axes": options.get("axes") or "auto"}
    target = _load(source, unit, parse_shift(shift), repairs or [], tell, reading)
    inputs = {"target": target}
    if start_from is not None:
        # Beside the target, or the difference between their shifts would lie between them.
        inputs["start"] = _load(start_from, unit or target.unit, target.shift, repairs or [], tell, reading)
        options["start"] = "file"
    study = Study(
        study="reconstruct",
        inputs={"target": str(source), **({"start": str(start_from)} if start_from else {})},
        units=dict.fromkeys(inputs, target.unit) if target.unit != "mm" else {},
        shifts=dict.fromkeys(inputs, target.shift) if target.shift != NO_SHIFT else {},
        parameters=said(ReconstructParameters, options, diagonal=target.diagonal),
        optimizer=OptimizerSpec.parse(said(OptimizerSpec, options, names=OPTIMIZER_NAMES), owner="optimizer"),
        terms=weighted_terms(weights or []),
    )
    if study_file is not None:
        _save(study, study_file)
    files = Files(output, report, picture, unit, losses)
    raise typer.Exit(carry_out(study, inputs, files, quiet=quiet, as_json=as_json))


def weighted_terms(weights: list[str]) -> list[TermSpec]:
    """The study's default Terms with the weights said; an empty list where none was said."""
    if not weights:
        return []
    from engine.studies.catalogue import catalogue

    terms = {spec.name: spec for spec in catalogue().study("reconstruct").default_terms}
    for setting in weights:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(
                f"--weight {setting}: this is not TERM=WEIGHT.", remedy="Write for example --weight fit=2."
            )
        if name not in terms:
            raise ParameterError(name, "there is no such Term.", remedy=f"Use one of {', '.join(terms)}.")
        value = parse_number(text, name=f"--weight {name}")
        terms[name] = TermSpec.parse(terms[name].model_dump() | {"weight": value}, owner=f"--weight {name}")
    return list(terms.values())


def _load(
    source: Path,
    unit: str | None,
    shift: Shift,
    repairs: list[str],
    tell: Callable[[str], object],
    reading: dict[str, Any],
) -> Any:
    try:
        return load_geometry(source, unit=unit, shift=shift, repairs=repairs, tell=tell, **reading)
    finally:
        shut_down()


def _save(study: Study, path: Path) -> None:
    """Write the study so that it finds its inputs again, from wherever it is run."""
    folder = path.resolve().parent
    inputs = {
        role: source if source.startswith(SAMPLE) else _relative(Path(source).resolve(), folder)
        for role, source in study.inputs.items()
    }
    saved = study.model_copy(update={"inputs": inputs})
    with atomic_write(path) as temporary:
        temporary.write_text(saved.to_toml(), encoding="utf-8")


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
