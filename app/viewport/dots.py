"""A scan thinned to what is drawn of it: plain arrays, made in any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from engine.geometry.points import Points
from engine.geometry.thinning import spread_indices

POINT_BUDGET_SOFTWARE = 20_000
POINT_BUDGET_HARDWARE = 1_000_000
POINT_BUDGET_BEHIND = 4_000
"""Dots of a scan that has stepped back behind the surface that was made of it."""

AT_ONCE = 50_000
"""Dots that are drawn at once; gathering more of ten million holds the window up, and follows from another thread."""

EXACT_BOUNDS = 1_000_000
"""Points up to which a box is that of all of them; beyond, of those that are drawn, for reading all takes too long."""


@dataclass(frozen=True)
class Dots:
    """What is drawn of a scan.

    positions, normals : float32, (n, 3), the former relative to `origin` [mm]; box : (2, 3) [mm]
    sources : of every dot its point, None where all points are drawn; count : of the points
    """

    positions: np.ndarray
    normals: np.ndarray | None
    sources: np.ndarray | None
    origin: np.ndarray
    box: np.ndarray
    count: int


def dot_budget(count: int, *, software: bool, behind: bool) -> int:
    """How many dots a scan of `count` points is drawn with."""
    if behind:
        return min(count, POINT_BUDGET_BEHIND)
    return min(count, POINT_BUDGET_SOFTWARE if software else POINT_BUDGET_HARDWARE)


def thinned(points: Points, most: int, *, shaded: bool) -> Dots:
    """At most `most` of its points, spread evenly over their order; without normals where they are not `shaded`."""
    count = points.point_count
    chosen = None if count <= most else spread_indices(count, most)
    positions = points.positions if chosen is None else points.positions[chosen]
    normals = points.normals if shaded else None
    if normals is not None and chosen is not None:
        normals = normals[chosen]
    box = points.bounds if count <= EXACT_BOUNDS else np.stack([positions.min(axis=0), positions.max(axis=0)])
    origin = box.mean(axis=0)
    return Dots(
        (positions - origin).astype(np.float32),
        None if normals is None else normals.astype(np.float32),
        chosen,
        origin,
        box,
        count,
    )


class Refining(QObject):
    """Gathers the rest of the dots in another thread, and tells when they are there."""

    refined = Signal(object, object)  # what it was started for, Dots

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._gathered.connect(self._tell)

    _gathered = Signal(object, object)

    def start(self, thing: object, points: Points, most: int) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dots")
        self._pool.submit(lambda: self._gathered.emit(thing, thinned(points, most, shaded=True)))

    def stop(self) -> None:
        """Wait for what is being gathered, so that nothing comes any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    @Slot(object, object)
    def _tell(self, thing: object, dots: Dots) -> None:
        # A slot of an object of the window's thread: whoever listens is called there.
        self.refined.emit(thing, dots)
