"""What every command writes with: results on stdout, everything for a person's eye on stderr."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from engine.core.errors import FormwrightError, StoppedError

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class UsageError(FormwrightError):
    """The command line says something that makes no sense."""


class ResultError(FormwrightError):
    """The work was done as asked, and its result is not good."""


def say(text: str) -> None:
    """A line for a person, on stderr: stdout stays clean for what a script reads."""
    print(text, file=sys.stderr, flush=True)


def silent(text: str) -> None:
    """In the place of `say` for those who asked for nothing but the result."""


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout. What is not finite becomes null, for JSON has no NaN."""
    print(to_json(value), flush=True)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Strict JSON of plain values, numpy scalars and paths."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, indent=indent)


def report_error(error: Exception, *, as_json: bool = False) -> int:
    """Say what is wrong and what to do, on stderr; returns the exit code."""
    message, remedy, code = _describe(error)
    if as_json:
        print(to_json({"error": {"kind": type(error).__name__, "message": message, "remedy": remedy}}), file=sys.stderr)
    else:
        say(f"formwright: {message} {remedy}".rstrip())
    return code


def _describe(error: Exception) -> tuple[str, str, int]:
    if isinstance(error, ResultError):
        return error.message, error.remedy, FAILED
    if isinstance(error, StoppedError):
        return error.message, error.remedy, INTERRUPTED
    if isinstance(error, FormwrightError):
        repairs = f"Add {' '.join(f'--repair {name}' for name in error.repairs)}." if error.repairs else ""
        return error.message, f"{error.remedy} {repairs}".strip(), WRONG_USAGE
    if hasattr(error, "format_message"):
        # The parser's own complaints, of whatever class this version of Typer gives them.
        return str(error.format_message()), "Add --help to see what is possible.", WRONG_USAGE
    return f"{type(error).__name__}: {error}", "Add --debug to see where it comes from.", FAILED


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
