"""`formwright info`: what is in a document."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import print_json


def info(
    document: Annotated[Path, typer.Argument(metavar="DOCUMENT.formwright", help="The document.")],
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON object.")] = False,
) -> None:
    """Say what is in a document: objects, study, selections, and how far its run is."""
    from app.document.file import open_document
    from engine.core.errors import FileError
    from engine.io.registry import extensions

    if any(document.name.lower().endswith(suffix) for group in extensions("read").values() for suffix in group):
        remedy = f"`formwright measure {document.name}` says what is in a mesh or a scan."
        raise FileError(document, "this is geometry, no document of Formwright.", remedy=remedy)
    opened = open_document(document)
    found = describe(document, opened)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{document.name}: saved {found['saved'] or 'some time ago'} by Formwright {found['formwright']}")
    for item in found["objects"]:
        role = f", the {item['role']}" if item["role"] else ""
        hidden = "" if item["visible"] else ", hidden"
        typer.echo(f"    object {item['name']}: {item['holds']}{role}{hidden}")
    typer.echo(f"    study {found['study']}: {', '.join(found['terms']) or 'its own terms'}")
    for name, count in found["counts"].items():
        if count:
            typer.echo(f"    {count} {name}{'s' if count != 1 else ''}")
    run = found["run"]
    if run is not None:
        typer.echo(
            f"    run: iteration {run['iteration']} of {run['iterations']}, {run['checkpoints']} checkpoints on "
            f"{', '.join(run['branches']) or 'no branch'}"
        )
    if opened.read_only:
        typer.echo("    A newer version wrote it: here it can only be looked at.")


def describe(path: Path, opened: Any) -> dict[str, Any]:
    """What a document holds, as plain values."""
    project, run = opened.content.project, opened.content.run
    roles = {name: role for role, name in project.roles.items()}
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "formwright": opened.written_by,
        "saved": time.strftime("%Y-%m-%d %H:%M", time.localtime(opened.content.saved)) if opened.content.saved else "",
        "read_only": opened.read_only,
        "objects": [
            {
                "name": item.name,
                "holds": item.describe(),
                "unit": item.unit,
                "source": item.source,
                "visible": item.visible,
                "group": item.group,
                "role": roles.get(item.name, ""),
            }
            for item in project.objects
        ],
        "study": project.study.study,
        "terms": [spec.name for spec in project.study.terms],
        "counts": {
            "selection": len(project.selections),
            "stroke": len(project.strokes),
            "measurement": len(project.measurements),
        },
        "run": run.model_dump(exclude={"folder", "earlier"}) if run is not None else None,
    }
