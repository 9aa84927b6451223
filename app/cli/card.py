"""`formwright card`: what a Model is good for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import print_json


def card(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .safetensors file.")],
    as_json: Annotated[bool, typer.Option("--json", help="The card as one JSON object.")] = False,
) -> None:
    """Say how wrong a Model is, and what would make it better."""
    from engine.io.model_file import read_card

    read = read_card(model)
    if read.kind != "regression":
        print_json(read.model_dump()) if as_json else typer.echo(_plain(read.model_dump()))
        return
    values = read.details["card"]
    print_json(values) if as_json else typer.echo(card_text(values))


def card_text(values: Mapping[str, Any]) -> str:
    """A regression Model's card for a person."""
    lines = [
        f"{values['data']}: {values['samples']} samples, {values['nodes']} nodes on the common mesh, "
        f"{values['shape modes']} modes of the shape.",
        f"Errors on samples that were held out ({values['folds']} folds):",
        f"  {'':<34}{'RRMSE':>10}{'Q2':>8}  modes",
    ]
    for name, each in {**values["fields"], **values["scalars"]}.items():
        unit = f" [{each['unit']}]" if each["unit"] else ""
        lines.append(f"  {name + unit:<34}{each['rrmse']:>10.4f}{each['q2']:>8.3f}  {each.get('modes', '')}")
    lines.append(f"Mean RRMSE: {values['mean rrmse']:.4f}")
    lines.extend(values["as good as the model"])
    lines.append(values["advice"])
    return "\n".join(lines)


def _plain(values: Mapping[str, Any]) -> str:
    errors = ", ".join(f"{name} {value:.4g}" for name, value in values["errors"].items())
    return f"{values['kind']}: {values['title']}\n{values['description']}\nErrors: {errors or 'none known'}"
