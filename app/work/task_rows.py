"""Long work as a person sees it: what is done, how far it is, how long still, and how to stop it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from app.document.topic import Topic
from engine.core.errors import FormwrightError

Outcome = Literal["running", "done", "failed", "cancelled"]
KEPT = 12
"""How many rows are kept to look at after they have ended."""
SECONDS_BEFORE_A_GUESS = 1.0
"""Time left is not said before: the first fractions say little about the speed."""
log = logging.getLogger(__name__)


class TaskCancelledError(FormwrightError):
    """A person has stopped this task: nothing went wrong, and nobody need be told."""


@dataclass(eq=False)
class TaskRow:
    """One piece of long work.

    title : what is done, with the file or the thing it is done to ("Exporting nut.stl")
    stop : ends the work; None where nothing can
    cooperative : the work itself looks whether to end: every `report` does
    fraction : in [0, 1]; None while unknown
    detail : what it is at ("Compiling kernels, the first time only")
    """

    title: str
    stop: Callable[[], object] | None = None
    cooperative: bool = False
    fraction: float | None = None
    detail: str = ""
    outcome: Outcome = "running"
    stopping: bool = False
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def report(self, fraction: float | None, detail: str | None = None) -> None:
        """Say how far it is; from any thread.

        Raises
        ------
        TaskCancelledError
            A cooperative task is to end: let it through, `Tasks` knows it.
        """
        self.fraction = None if fraction is None else min(max(float(fraction), 0.0), 1.0)
        if detail is not None:
            self.detail = detail
        if self.stopping and self.cooperative:
            raise TaskCancelledError(f"{self.title} was cancelled.")

    @property
    def cancellable(self) -> bool:
        return self.outcome == "running" and not self.stopping and (self.cooperative or self.stop is not None)

    def cancel(self) -> None:
        """Ask it to stop; it stays in the list until it has."""
        if self.cancellable:
            self.stopping = True
            if self.stop is not None:
                self.stop()

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took [s]."""
        return (time.monotonic() if self.ended is None else self.ended) - self.began

    @property
    def seconds_left(self) -> float | None:
        """How long it still takes at the speed so far [s]; None while nobody knows."""
        if self.outcome != "running" or not self.fraction or self.seconds < SECONDS_BEFORE_A_GUESS:
            return None
        return self.seconds * (1.0 - self.fraction) / self.fraction


@dataclass(frozen=True)
class Unfinished:
    """Work that a person has waited for, and that would end with the window.

    title : what is done, as in its row
    fate : what becomes of it, a sentence
    """

    title: str
    fate: str


class TaskRows:
    """The rows under way, oldest first, and the last that have ended. `changed` tells of rows that come and end; how
    far they are is looked at once a frame."""

    def __init__(self) -> None:
        self.changed = Topic()
        self.running: list[TaskRow] = []
        self.ended: deque[TaskRow] = deque(maxlen=KEPT)

    def begin(self, title: str, *, cancel: Callable[[], object] | None = None, cooperative: bool = False) -> TaskRow:
        """A new row; whoever begins one ends it."""
        row = TaskRow(title, cancel, cooperative)
        self.running.append(row)
        self.changed()
        return row

    def end(self, row: TaskRow, outcome: Outcome = "done") -> None:
        """It is over; a second time says nothing."""
        if row.outcome != "running":
            return
        row.outcome, row.ended = outcome, time.monotonic()
        self.running.remove(row)
        self.ended.append(row)
        log.info("%s: %s after %.1f s", row.title, outcome, row.seconds)
        self.changed()
