"""`formwright verify`: the engine against theory."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.console import FAILED, UsageError, print_json, say
from engine.core.checks import Check, CheckResult, all_checks
from engine.core.errors import ParameterError


def verify(
    case: Annotated[
        str,
        typer.Argument(
            help="Only the checks whose name starts so, for example geometry, or ends so, for example taylor."
        ),
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Give a check another parameter.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the slow checks.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Run nothing: name the checks and their parameters.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a check, one a line.")] = False,
) -> None:
    """Run the engine's checks against theory; exit code 1 when one fails."""
    parameters = parse_settings(settings or [])
    checks = [check for check in all_checks(case) if not (quick and check.slow)]
    if not checks:
        raise UsageError(f"{case}: there is no such check.", remedy="formwright verify --list names all of them.")
    if listed:
        for check in checks:
            if as_json:
                print_json(_description(check))
            else:
                typer.echo(_entry(check))
        return
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
        except ParameterError as error:
            raise UsageError(f"{check.case}: {error}") from None


def _description(check: Check) -> dict[str, Any]:
    return {
        "case": check.case,
        "title": check.title,
        "what": inspect.getdoc(check.function) or "",
        "source": check.source,
        "slow": check.slow,
        "parameters": dict(check.defaults),
        "choices": {name: list(check.choices(name)) for name in check.defaults if check.choices(name)},
    }


def _entry(check: Check) -> str:
    lines = [f"{check.case}{' (slow)' * check.slow}: {check.title}"]
    what = " ".join((inspect.getdoc(check.function) or "").split())
    if what:
        lines.append(textwrap.fill(what, 100, initial_indent="    ", subsequent_indent="    "))
    for name, default in check.defaults.items():
        choices = " | ".join(json.dumps(choice).strip('"') for choice in check.choices(name))
        lines.append(f"    --set {name}={json.dumps(default).strip(chr(34))}{f'   ({choices})' if choices else ''}")
    return "\n".join(lines)


def _line(check: Check, result: CheckResult) -> str:
    verdict = "ok    " if result.passed else "FAILED"
    numbers = f"{result.measured:.6g} (expected {result.expected:.6g} ± {result.tolerance:.2g}) {result.unit}".rstrip()
    return f"{verdict} {check.case}: {check.title}: {numbers}"
