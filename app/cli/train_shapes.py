"""`formwright train-shapes`: what a folder of meshes has in common, learnt and kept as a Model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import print_json, say
from app.cli.descend import Interruption
from app.cli.options import said, with_options
from engine.core.atomic import check_place
from engine.core.errors import FileError
from engine.protocol.study import MODEL_EXTENSION
from engine.studies.shape_space_parameters import TrainingParameters


@with_options(TrainingParameters, panel="Training")
def train_shapes(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Three closed meshes or more, of one kind.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The Model to write: .safetensors.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the Model's card as JSON on stdout.")] = False,
    **options: Any,
) -> None:
    """Learn a space of shapes from a folder of meshes, for formwright complete and interpolate.

    Ctrl-C keeps what was learnt so far; the same command goes on with it.
    """
    if output.suffix.lower() != MODEL_EXTENSION:
        raise FileError(
            output, f"a Model's file ends in {MODEL_EXTENSION}.", remedy=f"Call it {output.stem}{MODEL_EXTENSION}."
        )
    check_place(output)
    parameters = TrainingParameters.parse(said(TrainingParameters, options), owner="training")
    from engine.studies.shape_spaces import train_shapes as train

    silent = quiet or as_json
    told = ""

    def progress(title: str, fraction: float) -> None:
        nonlocal told
        step = f"{title.split(',', maxsplit=1)[0]} {10 * int(10 * fraction)} %"
        if not silent and title and step != told:
            told = step
            say(f"{fraction:4.0%} {title}")

    with Interruption() as interruption:
        card = train(folder, output, parameters, progress=progress, cancelled=interruption.asked.is_set)
    if as_json:
        print_json({"model": str(output), **card.model_dump(mode="json")})
    elif not quiet:
        say(card.description)
        for name, error in card.errors.items():
            say(f"  error, {name}: {error:.3g}")
        say(f"  {output}")
