"""The entry point `formwright`: finds the command, imports only its file, and turns errors into plain sentences.

Exit codes: 0 done, 1 a check or a result failed, 2 wrong usage or input, 130 interrupted with Ctrl-C.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from engine.core.loading import loading

COMMANDS: tuple[str, ...] = (
    "window",
    "demo",
    "reconstruct",
    "complete",
    "interpolate",
    "train-shapes",
    "export-shapes",
    "run",
    "simulate",
    "info",
    "studies",
    "measure",
    "picture",
    "motion",
    "dataset",
    "train",
    "predict",
    "card",
    "solve",
    "select",
    "verify",
    "doctor",
)
"""Each is a function of its name in the file `app/cli/NAME.py`, with _ for -; its docstring is its help."""

HELP = """Shape geometry by gradient descent, while you steer it.

`formwright [FILE…]` opens the window; the commands do the same work without it.

Exit codes: 0 done · 1 a check or a result failed · 2 wrong usage or input · 130 interrupted."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()  # in a built program the engine process starts here too
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        if _opens_window(given):
            # Past the option parser: its import would take a fifth of the time in which the menus must be there.
            from app.cli.display import open_window

            sys.exit(open_window([Path(name) for name in given]))
        _run_command(given)
    except Exception as error:
        if debug:
            raise
        from app.cli.console import report_error

        sys.exit(report_error(error, as_json="--json" in given))


def _opens_window(arguments: list[str]) -> bool:
    """Whether nothing but files stand there (or nothing at all); refuses a mistyped command."""
    if any(argument.startswith("-") for argument in arguments) or (arguments and arguments[0] in COMMANDS):
        return False
    if arguments and not Path(arguments[0]).exists() and not Path(arguments[0]).suffix:
        from app.cli.console import UsageError

        close = get_close_matches(arguments[0], COMMANDS, n=1)
        raise UsageError(
            f"{arguments[0]}: there is no such command or file.",
            remedy=f"Did you mean {close[0]}?" if close else "formwright --help lists the commands.",
        )
    return True


def _run_command(arguments: list[str]) -> None:
    atexit.register(gc.freeze)  # all memory goes at once: looking for garbage in it would take most of a second
    import typer

    commands = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )

    @commands.callback(invoke_without_command=True)
    def options(
        version: bool = typer.Option(False, "--version", help="Say the version and leave."),
        debug: bool = typer.Option(False, "--debug", help="Show where an error comes from, in full."),
    ) -> None:
        if version:
            typer.echo(f"formwright {importlib.metadata.version('formwright')}")
            raise typer.Exit(0)

    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name in [first] if first in COMMANDS else COMMANDS:
        python_name = name.replace("-", "_")
        with loading():
            function = getattr(importlib.import_module(f"app.cli.{python_name}"), python_name)
        commands.command(name)(function)
    # With --json the parser's complaints are for `report_error` too, as JSON.
    code = commands(arguments, prog_name="formwright", standalone_mode="--json" not in arguments)
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
