"""Dimensions that were taken: they stay in the view, and in the file, until they are removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.document.digits import shown
from app.document.document import Document
from app.document.placement import Vector
from app.document.project import Measurement
from app.viewport.records import MeasureKind
from app.work.notices import Notices

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class Measuring:
    """Each dimension is a step of undo."""

    def __init__(self, document: Document, notices: Notices) -> None:
        self._document = document
        self._notices = notices
        self._viewport: Viewport | None = None
        document.measurements_changed.subscribe(self._draw)

    def set_viewport(self, viewport: Viewport) -> None:
        """Listen to the measure tool of this one, and show what was taken in it."""
        self._viewport = viewport
        viewport.measured.connect(self.take)
        self._draw()

    def take(self, kind: MeasureKind, points: list[Vector], value: float) -> None:
        """Keep a dimension."""
        taken = Measurement(kind, tuple(points), value)
        self._change(f"measure {_a(kind)}", (*self._document.project.measurements, taken))
        self._notices.noted(f"{kind.capitalize()} {spoken(taken)}")

    def remove(self, index: int) -> None:
        """Forget one, by its place in the list."""
        kept = list(self._document.project.measurements)
        del kept[index]
        self._change("remove a dimension", tuple(kept))

    def remove_all(self) -> None:
        if self._document.project.measurements:
            self._change("remove all dimensions", ())

    def _change(self, step: str, measurements: tuple[Measurement, ...]) -> None:
        self._document.change(step, replace(self._document.project, measurements=measurements))

    def _draw(self) -> None:
        if self._viewport is not None:
            self._viewport.set_measurements(list(self._document.project.measurements))


def spoken(taken: Measurement) -> str:
    """ "12.3 mm" or "45°"."""
    return f"{shown(taken.value)}°" if taken.kind == "angle" else f"{shown(taken.value)} mm"


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "angle" else f"a {kind}"
