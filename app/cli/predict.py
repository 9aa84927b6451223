"""`formwright predict`: fields and scalars of a mesh, with bands, from a Model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.cli.console import UsageError, print_json, say
from app.document.digits import with_band


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A regression Model.")],
    mesh: Annotated[Path, typer.Argument(metavar="MESH", help="A VTU, VTP or VTK file, or an .npz of samples.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="A .vtu or .vtp: fields and bands.")],
    scalars: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A scalar that the Model needs.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Which sample of an .npz.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Scalars, bands and flag as one JSON object.")] = False,
) -> None:
    """Predict on a mesh, and say whether the Model knows such meshes."""
    from engine.regression.data.reading import read_mesh, write_fields
    from engine.regression.saved_model import load_regression

    learnt = load_regression(model)
    subject = read_mesh(mesh, sample)
    given = parse_scalars(scalars or [], learnt.input_names)
    prediction = learnt.predict_morphed(learnt.prepare(subject), {**subject.inputs, **given})
    fields: dict[str, np.ndarray] = {}
    for name, field in prediction.fields.items():
        fields |= {name: field.mean, f"{name} band": field.band}
    write_fields(output, subject, fields)
    novelty = prediction.novelty
    if as_json:
        print_json(
            {
                "file": str(output),
                "scalars": {
                    name: {"mean": value.mean, "band": value.band, "unit": value.unit}
                    for name, value in prediction.scalars.items()
                },
                "new": novelty.is_new, "score": novelty.score, "reason": novelty.reason, "measures": novelty.measures,
            }
        )  # fmt: skip
        return
    for name, value in prediction.scalars.items():
        typer.echo(f"{name}: {with_band(value.mean, value.band, value.unit)}")
    if novelty.is_new:
        say(novelty.reason)
    say(f"Fields: {output}")


def parse_scalars(given: list[str], known: Sequence[str]) -> dict[str, float]:
    """`["load=3"]` as `{"load": 3.0}`; raises `UsageError` for what is not among the `known` scalars of the Model."""
    values = {}
    for each in given:
        name, equals, text = (part.strip() for part in each.partition("="))
        try:
            values[name] = float(text)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(f"--input {each}: this is not NAME=VALUE.", remedy="Write for example --input load=3.5.")
        if name not in known:
            raise UsageError(
                f"--input {each}: the Model knows no such scalar.", remedy=f"It knows {', '.join(known) or 'none'}."
            )
    return values
