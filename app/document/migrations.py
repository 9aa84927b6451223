"""Documents of earlier versions: each step leads from one format to the next.

`FORMAT` is raised when an earlier program would misread what is written now; a document says in "readable_by" which
formats may still look at it. For every raise a function joins `MIGRATIONS`, and a document of the old format joins the
fixtures of the tests, so that what was saved once opens forever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import FileError

FORMAT = 2
"""Version of the layout of `document.json` and of the members beside it. 2: studies may have scenes, and each workspace
has a study of its own."""

READABLE_BY = 2
"""The oldest format whose programs can show what is written now, if not change it."""

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: dict[int, Migration] = {1: lambda values: values}
"""What makes a `document.json` of format n + 1 of one of format n, by n. Format 2 only knows more."""


def migrated(
    values: dict[str, Any],
    path: Path,
    *,
    to: int = FORMAT,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> tuple[dict[str, Any], bool]:
    """`document.json` in the present format, and whether it may only be looked at (a newer program wrote it).

    Raises `FileError` for one that only a newer program can open, which it names.
    """
    number, readable_by = values.get("format"), values.get("readable_by", values.get("format"))
    if type(number) is not int or type(readable_by) is not int or number < 1:
        raise FileError(path, "it does not say its format: this is no document of Formwright.")
    if number > to:
        if readable_by <= to:
            return values, True
        writer = str(values.get("formwright", "")) or "a newer version"
        raise FileError(
            path,
            f"it was written by Formwright {writer}, in format {number}; this program reads formats up to {to}.",
            remedy=f"Open it with Formwright {writer} or newer.",
        )
    while number < to:
        if number not in migrations:
            raise FileError(path, f"there is no way from format {number} to format {number + 1}.")
        values = migrations[number](values)
        number += 1
    return values | {"format": to}, False
