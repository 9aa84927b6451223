"""`formwright verify`: the engine against theory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.console import FAILED, UsageError, print_json, say
from engine.core.checks import Check, CheckResult, all_checks


def verify(
    case: Annotated[str, typer.Argument(help="Only the checks whose name starts so, for example geometry.")] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Give a check another parameter.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the slow checks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a check, one a line.")] = False,
) -> None:
    """Run the engine's checks against theory; exit code 1 when one fails."""
    parameters = parse_settings(settings or [])
    checks = [check for check in all_checks(case) if not (quick and check.slow)]
    if not checks:
        raise UsageError(f"{case}: there is no such check.", remedy="formwright verify runs and names all of them.")
    failed = 0
    for check, result in _run(checks, parameters):
        failed += not result.passed
        if as_json:
            print_json(result.to_dict())
        else:
            typer.echo(_line(check, result))
    if not as_json:
        say(f"{len(checks) - failed} of {len(checks)} checks passed.")
    if failed:
        raise typer.Exit(FAILED)


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """`["n=3", "kind=sphere"]` as `{"n": 3, "kind": "sphere"}`: what is JSON is read as such."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UsageError(
                f"--set {setting}: this is not KEY=VALUE.", remedy="Write for example --set resolution=32."
            )
        try:
            values[key.strip()] = json.loads(text)
        except ValueError:
            values[key.strip()] = text
    return values


def _run(checks: list[Check], parameters: dict[str, Any]) -> Iterator[tuple[Check, CheckResult]]:
    for check in checks:
        try:
            yield check, check.run(**parameters)
        except TypeError as error:
            if parameters and "unexpected keyword argument" in str(error):
                raise UsageError(
                    f"{check.case}: {error}.", remedy="Name one case, and a parameter that it has."
                ) from None
            raise


def _line(check: Check, result: CheckResult) -> str:
    verdict = "ok    " if result.passed else "FAILED"
    numbers = f"{result.measured:.6g} (expected {result.expected:.6g} ± {result.tolerance:.2g}) {result.unit}".rstrip()
    return f"{verdict} {check.case}: {check.title}: {numbers}"
