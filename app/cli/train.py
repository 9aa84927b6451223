"""`formwright train`: learn to predict fields and scalars of meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.card import card_text
from app.cli.console import print_json, say
from app.cli.descend import Interruption
from app.cli.options import said, with_options
from app.cli.steps import StepDisplay
from engine.core.atomic import check_place
from engine.core.errors import FileError
from engine.protocol.study import MODEL_EXTENSION
from engine.regression.settings import TrainingParameters


@with_options(TrainingParameters, panel="Training")
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="An .npz, or a folder of VTU, VTP or VTK files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The Model to write: .safetensors.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the Model's card as JSON on stdout.")] = False,
    **options: Any,
) -> None:
    """Learn from simulations on meshes to predict fields and scalars, and measure how wrong the Model is."""
    if output.suffix.lower() != MODEL_EXTENSION:
        raise FileError(
            output, f"a Model's file ends in {MODEL_EXTENSION}.", remedy=f"Call it {output.stem}{MODEL_EXTENSION}."
        )
    check_place(output)
    parameters = TrainingParameters.parse(said(TrainingParameters, options), owner="training")
    from engine.regression.data.reading import read_dataset
    from engine.regression.learning.training import train as learn
    from engine.regression.learning.unseen import measured_on_test
    from engine.regression.saved_model import save_regression

    dataset = read_dataset(data)
    if not quiet:
        for note in dataset.notes:
            say(note)
    with Interruption() as interruption, StepDisplay("Training", quiet=quiet or as_json) as display:
        stop = interruption.asked.is_set
        model = learn(dataset, parameters, progress=display.tell, stop=stop)
        model = measured_on_test(model, dataset, progress=display.tell, stop=stop)
    save_regression(model, output)
    if as_json:
        print_json({"model": str(output), **model.card})
    elif not quiet:
        typer.echo(card_text(model.card))
        say(f"  {output}")
