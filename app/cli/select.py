"""`formwright select`: which of many candidates are below a limit, with few false ones among them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.cli.console import UsageError, print_json, say
from app.cli.predict import parse_scalars


def select(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A regression Model.")],
    meshes: Annotated[list[Path], typer.Argument(metavar="MESHES…", help="Meshes, or .npz files of samples.")],
    below: Annotated[float, typer.Option(help="The limit.")],
    scalar: Annotated[str, typer.Option(help="Of which scalar; the first where nothing is said.")] = "",
    fdr: Annotated[float, typer.Option(help="At most this part of those that are named is false, on average.")] = 0.1,
    scalars: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="A scalar that the Model needs.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Name the candidates whose predicted value is below a limit, by conformal selection."""
    from engine.regression.reading import read_candidates
    from engine.regression.saved_model import load_regression
    from engine.regression.selection import select_below

    learnt = load_regression(model)
    name = scalar or next(iter(learnt.scalars), "")
    if name not in learnt.scalars:
        raise UsageError(
            f"The model predicts no scalar {name!r}.", remedy=f"It has {', '.join(learnt.scalars) or 'fields alone'}."
        )
    given = parse_scalars(scalars or [])
    candidates = [sample for path in meshes for sample in read_candidates(path)]
    found = [learnt.predict_morphed(learnt.prepare(each), {**each.inputs, **given}) for each in candidates]
    held = learnt.card["scalars"][name]["held out"]
    selection = select_below(
        below, np.array([each.scalars[name].mean for each in found]), held_predicted=np.array(held["predicted"]),
        held_true=np.array(held["true"]), false_discovery_rate=fdr,
    )  # fmt: skip
    new = [each.name for each, prediction in zip(candidates, found, strict=True) if prediction.novelty.is_new]
    if as_json:
        print_json(
            {
                "chosen": [candidates[k].name for k in selection.chosen],
                "candidates": [
                    {"name": each.name, "predicted": prediction.scalars[name].mean, "p": float(p)}
                    for each, prediction, p in zip(candidates, found, selection.p_values, strict=True)
                ],
                "new": new,
            }
        )
        return
    for k in selection.chosen:
        value = found[k].scalars[name]
        typer.echo(f"{candidates[k].name}: {name} {value.mean:.6g} ± {value.band:.2g} {value.unit}".rstrip())
    say(f"{len(selection.chosen)} of {len(candidates)} are named as below {below:g}.")
    say(f"On average at most {fdr:.0%} of such names are wrong.")
    if new:
        say(f"The Model does not know shapes like {', '.join(new[:5])}: for these the bound does not hold.")
