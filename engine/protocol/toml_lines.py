"""On which line of a TOML file a value stands: what its parser does not keep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"^\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*=")


def line_of(text: str, way: Sequence[str]) -> int | None:
    """The line, counted from 1, that comes nearest to a value; None where there is none.

    way : keys and numbers of list entries, from the outside; other words between them are passed over
    """
    best, found = 0, None
    for number, path in _paths(text):
        if len(path) > best and _along(path, way):
            best, found = len(path), number
    return found


def _paths(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every line that begins a table or a value, and its path."""
    table: list[str] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header, key = HEADER.match(line), KEY.match(line)
        if header:
            names = _names(header[2])
            table = []
            for place, name in enumerate(names):
                table.append(name)
                known = ".".join(table)
                if header[1] == "[[" and place == len(names) - 1:
                    counts[known] = counts.get(known, -1) + 1
                if known in counts:
                    table.append(str(counts[known]))
            yield number, list(table)
        elif key:
            yield number, table + _names(key[1])


def _names(dotted: str) -> list[str]:
    return [name.strip().strip("\"'") for name in dotted.split(".")]


def _along(path: Sequence[str], way: Sequence[str]) -> bool:
    """Whether the path begins as the way does, and comes along it."""
    if not way or path[0] != way[0]:
        return False
    rest = iter(way)
    return all(name in rest for name in path)
