"""The card of a regression model as a file: JSON with all of it, its table as CSV, or a page in Markdown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.io.model_file import ModelCard

HEADER = ("name", "unit", "rrmse", "q2", "ridge", "nearest", "measured coverage", "test rrmse")
ENDINGS = (".json", ".csv", ".md")


def write_card(card: ModelCard, path: Path) -> None:
    """Write it whole or not at all; raises `FileError`, also for another ending."""
    writers = {".json": _json, ".csv": _csv, ".md": _markdown}
    ending = path.suffix.lower()
    if ending not in writers:
        raise FileError(path, "a card is no such file.", remedy=f"Use {', '.join(ENDINGS)}.")
    with atomic_write(path) as temporary:
        temporary.write_text(writers[ending](card), encoding="utf-8")


def card_rows(values: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every output with what was measured of it, fields before scalars."""
    return [*values.get("fields", {}).items(), *values.get("scalars", {}).items()]


def measured_coverage(values: dict[str, Any], name: str) -> float | None:
    """The part of held-out values that a band held; None where it was not measured."""
    found = values.get("coverage", {}).get(name)
    measured = found.get("measured") if isinstance(found, dict) else found
    return float(measured) if isinstance(measured, (int, float)) else None


def _cells(values: dict[str, Any]) -> list[list[str]]:
    lines = []
    for name, each in card_rows(values):
        baselines, covered = each.get("baselines", {}), measured_coverage(values, name)
        tested = values.get("test", {}).get("errors", {}).get(name)
        numbers = [each["rrmse"], each["q2"], baselines.get("ridge"), baselines.get("nearest"), covered, tested]
        lines.append([name, each.get("unit", ""), *("" if number is None else f"{number:.6g}" for number in numbers)])
    return lines


def _json(card: ModelCard) -> str:
    return json.dumps({"title": card.title, **card.details["card"]}, indent=2, ensure_ascii=False) + "\n"


def _csv(card: ModelCard) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER, *_cells(card.details["card"])])
    return text.getvalue()


def _markdown(card: ModelCard) -> str:
    values = card.details["card"]
    lines = [f"# {card.title}", "", values.get("advice", ""), "", f"{values.get('samples', '?')} samples.", ""]
    lines += ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    lines += ["| " + " | ".join(cells) + " |" for cells in _cells(values)]
    return "\n".join(lines) + "\n"
