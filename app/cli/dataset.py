"""`formwright dataset`: samples for learning, made by solving."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import UsageError, print_json, say, silent
from app.cli.descend import Interruption
from app.cli.steps import StepDisplay


def dataset(
    generator: Annotated[
        str, typer.Argument(metavar="GENERATOR", help="What to make: notched-plate, aerofoil or heat-sink.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where it goes. A run that was stopped goes on there."),
    ],
    samples: Annotated[int, typer.Option(min=2, max=1_000_000, help="How many.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same samples.")] = 0,
    test_share: Annotated[float, typer.Option(min=0.0, max=0.9, help="Part that is kept for testing.")] = 0.25,
    options: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of the generator, as law=elastic.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes that solve at once.")] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Solve on a dask cluster, as tcp://host:8786.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="What was made, as one JSON object.")] = False,
) -> None:
    """Make a data set: shapes of a family, each solved."""
    from engine.optimization.executors import SerialExecutor, cluster_executor, executor_of
    from engine.regression.generation.catalogue import find_generator
    from engine.regression.generation.generate import FILE, generate

    chosen = find_generator(generator)
    given = {}
    for option in options or []:
        key, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"--set {option}: this is not KEY=VALUE.", remedy="Write for example --set law=elastic.")
        given[key] = value
    executor = cluster_executor(scheduler) if scheduler else executor_of(workers) or SerialExecutor()
    with Interruption() as interruption, StepDisplay("Samples", quiet=as_json) as display:
        made = generate(
            chosen, output, samples=samples, seed=seed, test_share=test_share, options=given, executor=executor,
            at_once=4 * workers if not scheduler else 64, progress=display.count, stop=interruption.asked.is_set,
        )  # fmt: skip
    (silent if as_json else say)(f"{len(made.dataset)} samples: {output / FILE}")
    for failure in made.failures:
        say(failure)
    if as_json:
        print_json({"file": str(output / FILE), "samples": len(made.dataset), "failures": list(made.failures)})
