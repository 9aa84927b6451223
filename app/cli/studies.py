"""`formwright studies`: what can be run."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.console import print_json


def studies(
    as_json: Annotated[
        bool, typer.Option("--json", help="The whole Catalogue as JSON: parameters, Terms, gallery.")
    ] = False,
) -> None:
    """List the studies, their Terms and the gallery."""
    from engine.studies.catalogue import catalogue

    offered = catalogue()
    if as_json:
        print_json(offered.model_dump(mode="json"))
        return
    for study in offered.studies:
        typer.echo(f"{study.study}: {study.help}")
        for role, meaning in study.inputs.items():
            typer.echo(f"    input {role}: {meaning}")
        for spec in study.default_terms:
            typer.echo(f"    term {spec.name}: {offered.term(spec.kind).help} (weight {spec.weight:g})")
    if offered.gallery:
        typer.echo("Gallery, ready with data of its own:")
    for entry in offered.gallery:
        typer.echo(f"    {entry.name}: {entry.title}. {entry.help}")
