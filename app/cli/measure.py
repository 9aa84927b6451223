"""`formwright measure`: the quality sheet of a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import print_json, say, silent
from app.cli.options import InputShift, InputUnit, Repairs
from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.io.loader import shut_down
from engine.io.shift import parse_shift
from engine.studies.inputs import load_geometry


def measure(
    mesh: Annotated[Path, typer.Argument(metavar="MESH", help="The mesh to measure.")],
    against: Annotated[
        Path | None, typer.Option(metavar="REFERENCE", help="A mesh or scan to measure the distance to.")
    ] = None,
    unit: InputUnit = None,
    shift: InputShift = "auto",
    repairs: Repairs = None,
    as_json: Annotated[bool, typer.Option("--json", help="The sheet as one JSON object.")] = False,
) -> None:
    """Measure a mesh: watertight, manifold, Euler number, parts, angles, its tetrahedra if it has any, and the distance
    to a reference."""
    try:
        tell = silent if as_json else say
        subject = load_geometry(mesh, unit=unit, shift=parse_shift(shift), repairs=repairs or [], tell=tell)
        # In the same frame, or the distance would be that of the two origins.
        reference = (
            load_geometry(against, unit=unit, shift=subject.shift, repairs=repairs or [], tell=tell)
            if against
            else None
        )
    finally:
        shut_down()
    if not isinstance(subject, Mesh):
        raise FileError(mesh, "this is a point cloud, not a mesh.", remedy="formwright reconstruct makes a mesh of it.")
    from engine.geometry.sheet import quality_sheet

    sheet = quality_sheet(subject, reference)
    filling = None
    if subject.tets is not None:
        from engine.geometry.tet_sheet import tet_sheet

        filling = tet_sheet(subject.all_vertices, subject.tets)
    if as_json:
        tetrahedra = {"tetrahedra": filling.to_dict()} if filling is not None else {}
        print_json({"file": str(mesh), **sheet.to_dict(), **tetrahedra})
    else:
        typer.echo(sheet.to_text())
        if filling is not None:
            typer.echo(filling.to_text())
