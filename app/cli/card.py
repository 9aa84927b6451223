"""`formwright card`: what a Model is good for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.console import UsageError, print_json
from app.cli.descend import Interruption
from app.cli.steps import StepDisplay
from engine.core.errors import FileError


def card(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A .safetensors file.")],
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Measure the error over the number of samples; it stays in the card."),
    ] = False,
    error_split: Annotated[
        bool,
        typer.Option("--error-split", help="Split the error over the number of modes; it stays in the card."),
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="The data that the Model was learnt from.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The card as one JSON object.")] = False,
) -> None:
    """Say how wrong a Model is, and what would make it better."""
    from engine.io.model_file import read_card

    read = read_card(model)
    if learning_curve or error_split:
        if data is None:
            raise UsageError(
                "--learning-curve and --error-split need the data that the Model was learnt from.",
                remedy="Add --data DATA.",
            )
        values = _diagnosed(model, data, curve=learning_curve, split=error_split, quiet=as_json)
    elif read.kind != "regression":
        print_json(read.model_dump()) if as_json else typer.echo(_plain(read.model_dump()))
        return
    else:
        values = read.details.get("card", {})
    try:
        text = card_text(values)
    except (KeyError, TypeError):
        raise FileError(model, "its card cannot be understood.", remedy="Train it again.") from None
    print_json(values) if as_json else typer.echo(text)


def _diagnosed(model: Path, data: Path, *, curve: bool, split: bool, quiet: bool) -> Mapping[str, Any]:
    """The card with what was measured, which is written into the Model's file too."""
    from engine.regression.data.reading import read_dataset
    from engine.regression.learning.diagnosis import diagnosed
    from engine.regression.saved_model import load_regression, save_regression

    with Interruption() as interruption, StepDisplay("Looking", quiet=quiet) as display:
        found = diagnosed(
            load_regression(model), read_dataset(data), curve=curve, split=split, progress=display.tell,
            stop=interruption.asked.is_set,
        )  # fmt: skip
    save_regression(found, model)
    return found.card


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
    if curve := values.get("learning_curve"):
        lines.append("Mean RRMSE over the number of samples that are learnt from:")
        pairs = zip(curve["samples"], curve["mean"], strict=True)
        lines.append("  " + ", ".join(f"{count}: {error:.4f}" for count, error in pairs))
    if split := values.get("error_split"):
        lines.append(f"  {'Error from':<34}{'mesh':>10}{'modes':>10}{'processes':>11}")
        for name, each in split.items():
            lines.append(
                f"  {name:<34}{each['interpolation']:>10.4f}{each['truncation']:>10.4f}{each['regression']:>11.4f}"
            )
    lines.append(f"Mean RRMSE: {values['mean rrmse']:.4f}")
    if test := values.get("test"):
        lines.append(
            f"On {test['samples']} samples kept for testing: mean RRMSE {test['mean']:.4f}, "
            f"{test['mean coverage']:.0%} of the true values in their bands."
        )
    lines.extend(values["as good as the model"])
    lines.append(values["advice"])
    return "\n".join(lines)


def _plain(values: Mapping[str, Any]) -> str:
    errors = ", ".join(f"{name} {value:.4g}" for name, value in values["errors"].items())
    return f"{values['kind']}: {values['title']}\n{values['description']}\nErrors: {errors or 'none known'}"
