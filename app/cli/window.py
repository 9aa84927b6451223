"""`formwright window [FILE…]`: what a bare `formwright [FILE…]` does, with options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.display import open_window


def window(
    files: Annotated[list[Path] | None, typer.Argument(help="Meshes and scans to open.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Reconstruct the demo scan at once.")] = False,
) -> None:
    """Open the window; `formwright [FILE…]` does the same."""
    raise typer.Exit(open_window(files or [], demo=demo))
