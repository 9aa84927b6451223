"""Moving by hand through the shapes that a Model has learnt."""

from __future__ import annotations

from typing import Any

from app.document.document import Document
from app.document.topic import Topic
from app.work.engine_link import EngineLink
from app.work.running import Running
from engine.protocol.study import MODEL

FARTHEST = 3.0
"""Standard deviations of what was learnt that a slider goes to both sides."""


class Latent:
    """The numbers of the shape that a Run of *Complete* has now. `changed` tells that there are others.

    What is sent acts before the next iteration, also where the Run is paused. A drag is a step of undo, which puts the
    shape back to where the Run had it when the drag began.

    values : principal components of the shape, 0 the mean one, in standard deviations; empty where there is no such Run
    shapes : the same of the shapes that were learnt, by name
    """

    def __init__(self, document: Document, link: EngineLink, running: Running) -> None:
        self._document = document
        self._link = link
        self._running = running
        self.changed = Topic()
        self.values: list[float] = []
        self.shapes: dict[str, list[float]] = {}
        link.begun.subscribe(lambda: self._take([], {}))
        link.snapshot_arrived.subscribe(self._arrived)

    @property
    def can_begin(self) -> bool:
        """There is a Model, and no Run of it yet."""
        return MODEL in self._document.study.inputs and not self._document.run.active

    def begin(self) -> None:
        """A Run that waits for the hand."""
        self._running.start(paused=True)

    def set_value(self, index: int, value: float) -> None:
        """Move along one component."""
        moved = [value if place == index else now for place, now in enumerate(self.values)]
        self._send(moved, gesture=f"latent {index}")

    def reset(self) -> None:
        """The mean shape."""
        self._document.undo_stack.end_gesture()
        self._send([0.0] * len(self.values), gesture="latent mean")
        self._document.undo_stack.end_gesture()

    def between(self, first: str, second: str, share: float) -> None:
        """A shape on the way from one that was learnt (share 0) to another (share 1)."""
        ends = zip(self.shapes[first], self.shapes[second], strict=True)
        self._send([(1.0 - share) * one + share * other for one, other in ends], gesture="latent between")

    def end_drag(self) -> None:
        """What comes next is another step of undo."""
        self._document.undo_stack.end_gesture()

    def _send(self, values: list[float], *, gesture: str) -> None:
        if not values or not self._document.run.active:
            return
        self._link.view_live()
        self._document.move_latent(self.values, values, gesture=gesture)
        self._take(values, self.shapes)

    def _arrived(self, snapshot: Any) -> None:
        self._take(list(snapshot.info.get("latent", [])), dict(snapshot.info.get("shapes", self.shapes)))

    def _take(self, values: list[float], shapes: dict[str, list[float]]) -> None:
        if values != self.values or shapes != self.shapes:
            self.values, self.shapes = values, shapes
            self.changed()
