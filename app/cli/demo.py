"""`formwright demo`: the main job on bundled data, watched where there is a display."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.console import say
from app.cli.display import has_display, open_window
from app.cli.job import Files, carry_out

FOLDER = Path("demo-output")


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Without the window, even where there is one.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the headless demo leaves its files.")] = FOLDER,
) -> None:
    """Reconstruct a bundled scan: in the window, or headless into `demo-output/`."""
    if has_display() and not headless:
        raise typer.Exit(open_window([], demo=True))

    from engine.io.registry import write
    from engine.studies.catalogue import catalogue
    from engine.studies.inputs import load_inputs

    entry = catalogue().gallery[0]
    inputs = load_inputs(entry.study, tell=say)
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{entry.title}: {entry.help}")
    for geometry in inputs.values():
        say(f"  {write(geometry, folder / 'input.ply').path}: {geometry.name}")
    files = Files(folder / "reconstruction.stl", folder / "quality.json", folder / "reconstruction.png")
    raise typer.Exit(carry_out(entry.study, inputs, files, quiet=False, as_json=False))
