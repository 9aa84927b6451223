"""Loss curves for others: as a table (CSV) and as a chart (SVG)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.document.line_chart import INK, Curve, LineChart
from app.document.run_record import LossCurves
from app.document.series import DASHES, SERIES
from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.protocol.catalogue import Catalogue
from engine.protocol.study import TermSpec

TOTAL = "loss"
FORMATS = (".csv", ".svg")


@dataclass(frozen=True)
class LossColumn:
    """A quantity of the curves: its name there ("loss", "term:NAME"), what a person calls it, its unit or ""."""

    name: str
    title: str
    unit: str = ""

    @property
    def heading(self) -> str:
        return f"{self.title} [{self.unit}]" if self.unit else self.title


def loss_columns(
    terms: Sequence[TermSpec], titles: Mapping[str, str], catalogue: Catalogue | None, total: str = "Total"
) -> list[LossColumn]:
    """The total and every Term (unweighted), in the order of the study.

    titles : what a person calls the Terms, by their names
    """
    units = {entry.kind: entry.unit for entry in catalogue.terms} if catalogue is not None else {}
    columns = [LossColumn(TOTAL, total)]
    for spec in terms:
        columns.append(LossColumn(f"term:{spec.name}", titles.get(spec.name, spec.name), units.get(spec.kind, "")))
    return columns


def losses_csv(branches: Mapping[str, LossCurves], columns: Sequence[LossColumn]) -> str:
    """A line an iteration of each branch (title -> curves): branch, iteration, then the columns.

    Numbers have all their digits; where a Term was not there the place is empty.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["Branch", "Iteration", *(column.heading for column in columns)])
    for branch, curves in branches.items():
        for row, iteration in enumerate(curves.iterations):
            values = [curves.values.get(column.name) for column in columns]
            table.writerow([branch, iteration, *(_number(series[row]) if series else "" for series in values)])
    return text.getvalue()


def losses_chart(
    branches: Mapping[str, LossCurves],
    columns: Sequence[LossColumn],
    *,
    title: str,
    colours: Mapping[str, str] | None = None,
    iteration: str = "Iteration",
    loss: str = "Loss",
) -> LineChart:
    """The curves of one branch, a colour a Term and the total dotted; or of several, a colour a branch.

    colours : of the branches, by title
    """
    curves = []
    several = len(branches) > 1
    for number, (branch, own) in enumerate(branches.items()):
        for index, column in enumerate(columns):
            series = own.values.get(column.name)
            if not series:
                continue
            if several:
                name = f"{branch}: {column.heading}" if len(columns) > 1 else branch
                colour = (colours or {}).get(branch, SERIES[number % len(SERIES)])
                dashes = DASHES[index % len(DASHES)]
            else:
                name, dashes = column.heading, "1.5 3.5" if column.name == TOTAL else ""
                colour = INK if column.name == TOTAL else SERIES[(index - 1) % len(SERIES)]
            curves.append(Curve(name, colour, own.iterations, series, dashes))
    return LineChart(title, iteration, loss, tuple(curves))


def write_losses(
    path: Path,
    branches: Mapping[str, LossCurves],
    columns: Sequence[LossColumn],
    *,
    title: str,
    colours: Mapping[str, str] | None = None,
) -> None:
    """Write a `.csv` of all there is or a `.svg`, whole or not at all; raises `FileError`."""
    check_losses(path)
    if path.suffix.lower() == ".csv":
        text = losses_csv(branches, columns)
    else:
        text = losses_chart(branches, columns, title=title, colours=colours).to_svg()
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def check_losses(path: Path) -> None:
    """Raise `FileError` for an extension that is neither a table's nor a chart's."""
    if path.suffix.lower() not in FORMATS:
        raise FileError(path, f"{path.suffix or 'no extension'!r} holds no losses.", remedy="Use .csv or .svg.")


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
