"""`formwright select`: which of many candidates are below a limit, with few false ones among them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import print_json, say
from app.cli.predict import parse_scalars
from app.document.digits import with_band
from engine.regression.candidates import write_candidates


def select(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A regression Model.")],
    meshes: Annotated[list[Path], typer.Argument(metavar="MESHES…", help="Meshes, or .npz files of samples.")],
    below: Annotated[float, typer.Option(help="The limit.")],
    scalar: Annotated[str, typer.Option(help="Of which scalar; the first where nothing is said.")] = "",
    fdr: Annotated[float, typer.Option(help="At most this part of those that are named is false, on average.")] = 0.1,
    scalars: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A scalar that the Model needs.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A table of all candidates, as CSV.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Name the candidates whose predicted value is below a limit, by conformal selection."""
    from engine.regression.data.reading import read_candidates
    from engine.regression.judging import judge
    from engine.regression.saved_model import load_regression

    learnt = load_regression(model)
    inputs = parse_scalars(scalars or [], learnt.input_names)
    samples = [sample for path in meshes for sample in read_candidates(path)]
    found = judge(learnt, samples, scalar=scalar, below=below, false_discovery_rate=fdr, inputs=inputs)
    if output is not None:
        write_candidates(found, output)
    if as_json:
        print_json(
            {
                "chosen": [row.name for row in found.chosen],
                "candidates": [
                    {"name": row.name, "predicted": row.predicted, "p": row.p_value}
                    for row in found.rows
                    if not row.problem
                ],
                "new": [row.name for row in found.rows if row.novelty],
                "problems": {row.name: row.problem for row in found.rows if row.problem},
            }
        )
        return
    for row in found.chosen:
        typer.echo(f"{row.name}: {found.scalar} {with_band(row.predicted, row.band, found.unit)}")
    for row in found.rows:
        if row.problem:
            say(f"{row.name} cannot be predicted: {row.problem}")
    say(f"{len(found.chosen)} of {len(found.rows)} are named as below {below:g}.")
    say(f"On average at most {fdr:.0%} of such names are wrong.")
    if found.unknown:
        names = ", ".join(row.name for row in found.unknown[:5])
        say(f"The Model does not know shapes like {names}: for these the bound does not hold.")
