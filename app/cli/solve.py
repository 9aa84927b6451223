"""`formwright solve`: the truth of a part beside what a Model predicts, and into the data with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.console import print_json, say
from app.cli.predict import parse_scalars
from app.document.digits import with_band
from engine.core.atomic import check_place


def solve(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A regression Model.")],
    mesh: Annotated[Path, typer.Argument(metavar="MESH", help="A VTU, VTP or VTK file, or an .npz of samples.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A .vtu or .vtp: true and predicted fields, and bands."),
    ],
    scalars: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A scalar that the Model needs.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Which sample of an .npz.")] = 0,
    add: Annotated[
        Path | None, typer.Option("--add", metavar="DATA", help="A data set to add what was solved to, for training.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Truth and prediction as one JSON object.")] = False,
) -> None:
    """Solve a part as the Model's data were solved, and say how wrong the Model is there."""
    check_place(output)
    from engine.regression.closing import add_sample, verify
    from engine.regression.data.reading import read_mesh, write_fields
    from engine.regression.saved_model import load_regression

    learnt = load_regression(model)
    subject = read_mesh(mesh, sample)
    given = {**subject.inputs, **parse_scalars(scalars or [], learnt.input_names)}
    found = verify(learnt, replace(subject, inputs=given))
    fields: dict[str, np.ndarray] = {}
    for name in found.fields:
        predicted = found.prediction.fields[name]
        fields[name] = np.asarray(found.truth.fields[name])
        fields |= {f"{name} predicted": predicted.mean, f"{name} band": predicted.band}
    write_fields(output, found.truth, fields)
    added = add_sample(add, found.truth) if add is not None else ""
    if as_json:
        print_json(_plain(found, output, added))
        return
    for name, value in found.scalars.items():
        where = "inside" if value.inside else "outside"
        said = with_band(value.predicted, value.band, value.unit)
        typer.echo(f"{name}: true {value.true:.6g}, predicted {said} ({where} the band)")
    for name, field in found.fields.items():
        typer.echo(f"{name}: error {field.error:.2%}, {field.inside:.0%} of it inside the band")
    if found.prediction.novelty.is_new:
        say(found.prediction.novelty.reason)
    say(f"Fields: {output}")
    if added:
        say(f"Added to {add} as {added}. Train again to learn from it.")


def _plain(found: Any, output: Path, added: str) -> dict[str, Any]:
    novelty = found.prediction.novelty
    return {
        "file": str(output),
        "scalars": {
            name: {
                "true": value.true, "mean": value.predicted, "band": value.band, "inside": value.inside,
                "unit": value.unit,
            }
            for name, value in found.scalars.items()
        },
        "fields": {
            name: {"error": field.error, "inside": field.inside, "unit": field.unit}
            for name, field in found.fields.items()
        },
        "new": novelty.is_new,
        "reason": novelty.reason,
        "added": added,
    }  # fmt: skip
