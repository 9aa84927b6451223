"""Candidates that were judged by a model, as plain records without torch: windows show them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from engine.core.atomic import atomic_write


@dataclass(frozen=True)
class Candidate:
    """predicted, band : of the scalar; NaN where nothing could be predicted, and `problem` says why
    p_value : small where it is surely below the limit
    chosen : it is named as below the limit
    novelty : why the model does not know it, "" where it does: for such ones nothing is promised
    """

    name: str
    predicted: float
    band: float
    p_value: float
    chosen: bool
    novelty: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Candidates:
    """scalar [unit] : that should be below `limit`; rate : part of those that are named that may be false"""

    scalar: str
    unit: str
    limit: float
    rate: float
    rows: tuple[Candidate, ...]

    @property
    def chosen(self) -> tuple[Candidate, ...]:
        return tuple(row for row in self.rows if row.chosen)

    @property
    def unknown(self) -> tuple[Candidate, ...]:
        """That are named although the model does not know such shapes."""
        return tuple(row for row in self.chosen if row.novelty)

    def to_csv(self) -> str:
        """A row a candidate, after a row of titles."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        scalar = f"{self.scalar} [{self.unit}]" if self.unit else self.scalar
        writer.writerow(["name", f"below {self.limit:g}", scalar, "half of the band", "p", "new", "problem"])
        for row in self.rows:
            numbers = [f"{value:.9g}" for value in (row.predicted, row.band, row.p_value)]
            writer.writerow([row.name, "yes" if row.chosen else "no", *numbers, row.novelty, row.problem])
        return stream.getvalue()


def write_candidates(found: Candidates, path: Path) -> None:
    """Write them as a table; raises `FileError`."""
    with atomic_write(path) as temporary:
        temporary.write_text(found.to_csv(), encoding="utf-8")
