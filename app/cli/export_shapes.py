"""`formwright export-shapes`: meshes as numbers on one grid, for models that learn to make shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import print_json, say
from app.cli.descend import Interruption
from engine.core.atomic import check_place
from engine.core.errors import FileError
from engine.geometry.mesh import Mesh


def export_shapes(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Meshes, open or closed.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .npz.")],
    resolution: Annotated[int, typer.Option(help="Cells of the grid along each side.", min=8, max=256)] = 32,
    iterations: Annotated[int, typer.Option(help="Steps of each descent; 0: the start.", min=0, max=100000)] = 100,
    template: Annotated[str, typer.Option(help="flexicubes or tetrahedra.")] = "flexicubes",
    seed: Annotated[int, typer.Option(help="Of all that is random.", min=0)] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON on stdout.")] = False,
) -> None:
    """Write meshes as parameters of G-Shell surfaces on one grid: field, mSDF, offsets and weights."""
    if output.suffix.lower() != ".npz":
        raise FileError(output, "a set of shapes ends in .npz.", remedy=f"Call it {output.stem}.npz.")
    check_place(output)
    from engine.io.registry import read
    from engine.studies.shape_set import CancelledShapesError
    from engine.studies.shape_set import export_shapes as write

    meshes = []
    for file in files:
        geometry = read(file)
        if not isinstance(geometry, Mesh):
            raise FileError(file, "it holds no triangles.", remedy="Give meshes.")
        meshes.append(geometry)
    told = ""

    def progress(title: str, fraction: float) -> None:
        nonlocal told
        if title != told and not quiet and not as_json:
            told = title
            say(f"{fraction:4.0%} {title}")

    with Interruption() as interruption:
        try:
            counts = write(
                meshes, output, resolution=resolution, iterations=iterations, template=template, seed=seed,
                progress=progress, cancelled=interruption.asked.is_set,
            )  # fmt: skip
        except CancelledShapesError:
            say("Stopped; nothing was written.")
            raise typer.Exit(130) from None
    if as_json:
        shapes = [{"name": mesh.name, "triangles": count} for mesh, count in zip(meshes, counts, strict=True)]
        print_json({"file": str(output), "resolution": resolution, "template": template, "shapes": shapes})
    elif not quiet:
        say(f"Wrote {len(counts)} shapes on a grid of {resolution} cells: {output}")
