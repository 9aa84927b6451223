"""Fuzzy search: the letters of the query in order, best where words begin and where they stand together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def score(query: str, text: str) -> float:
    """How well `query` fits `text`; 0 when a letter is missing. Larger is better."""
    wanted, given = query.lower().replace(" ", ""), text.lower()
    if not wanted:
        return 1.0
    best = 0.0
    for start in (index for index, letter in enumerate(given) if letter == wanted[0]):
        best = max(best, _score_from(wanted, given, start))
    if best and query.lower().strip() in given:
        best += 1.0  # letter by letter as it was typed: nothing that is only scattered comes before it
    return best * (1.0 + 0.2 / (1 + len(given))) if best else 0.0


def search(query: str, items: Iterable[Item], text: Callable[[Item], str]) -> list[Item]:
    """The items that fit, best first; in their own order where they fit alike."""
    scored = [(score(query, text(item)), item) for item in items]
    fitting = [pair for pair in scored if pair[0] > 0]
    return [item for _, item in sorted(fitting, key=lambda pair: -pair[0])]


def _score_from(wanted: str, given: str, start: int) -> float:
    total, place, previous = 0.0, start, -2
    for letter in wanted:
        place = given.find(letter, place)
        if place < 0:
            return 0.0
        word_begins = place == 0 or not given[place - 1].isalnum()
        total += 1.0 + (1.0 if word_begins else 0.0) + (0.8 if place == previous + 1 else 0.0)
        previous = place
        place += 1
    return total / len(wanted)
