"""`formwright interpolate`: shapes on the way from one to another that a Model has learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.complete import ModelFile, space_of
from app.cli.console import print_json, say
from app.cli.job import check_output
from engine.core.errors import ParameterError
from engine.io.registry import write


def interpolate(
    model: ModelFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="STEP.stl: written as STEP-01.stl, STEP-02.stl, …")
    ] = None,
    first: Annotated[str, typer.Option("--from", metavar="SHAPE", help="A shape of the Model, or its numbers.")] = "",
    second: Annotated[str, typer.Option("--to", metavar="SHAPE", help="The same of the other end.")] = "",
    count: Annotated[int, typer.Option(min=2, max=1000, help="How many shapes, both ends included.")] = 5,
    resolution: Annotated[int, typer.Option(min=8, max=256, help="Cells of the grid along a side.")] = 64,
    unit: Annotated[str | None, typer.Option(help="Length unit of the files: um, mm, cm, m, in, ft.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files, or the shapes, as JSON on stdout.")] = False,
) -> None:
    """Write shapes on the straight way between two of a Model; without ends, list its shapes."""
    if output is not None:
        check_output(output)
    space = space_of(model)
    if not (first or second or output):
        _list(space, as_json=as_json)
        return
    if not (first and second):
        raise ParameterError(
            "--from and --to", "both ends are needed.",
            remedy=f"Take numbers with commas between them, or two of: {', '.join(space.names)}.",
        )  # fmt: skip
    if output is None:
        raise ParameterError("--output", "it says where the shapes go.", remedy="Write for example -o step.stl.")
    from engine.studies.shape_making import interpolate as between

    meshes = between(space, _latent(first), _latent(second), count, resolution=resolution)
    digits = max(2, len(str(count)))
    paths = [output.with_name(f"{output.stem}-{number + 1:0{digits}d}{output.suffix}") for number in range(len(meshes))]
    for mesh, path in zip(meshes, paths, strict=True):
        write(mesh, path, unit=unit)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        for path in paths:
            say(f"  {path}")


def _list(space: Any, *, as_json: bool) -> None:
    """The shapes that were learnt, with their numbers."""
    rows = [[round(float(value), 4) for value in row] for row in space.latents]
    latents = dict(zip(space.names, rows, strict=True))
    if as_json:
        print_json({"shapes": latents})
        return
    for name, values in latents.items():
        print(f"{name}  {','.join(f'{value:.2f}' for value in values)}")


def _latent(text: str) -> str | np.ndarray:
    """The name of a shape, or its numbers."""
    try:
        return np.array([float(word) for word in text.split(",")], np.float32)
    except ValueError:
        return text
