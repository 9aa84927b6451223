"""How far a task of known length is, on stderr: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.console import say

LINES = 10
"""A log file gets a line for every tenth of the way."""


class StepDisplay:
    """A context manager; `count` or `tell` as the task goes on."""

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self._title = title
        self._quiet = quiet
        self._said = -1
        self._message = ""
        self._bar: Progress | None = None
        if sys.stderr.isatty() and not quiet:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(title, total=1.0)

    def __enter__(self) -> StepDisplay:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def count(self, done: int, total: int) -> None:
        """So many of so many."""
        self.tell(f"{self._title}: {done} of {total}", done / max(total, 1))

    def tell(self, message: str, fraction: float) -> None:
        """What is being done, and how far it is in [0, 1]."""
        if self._bar is not None:
            self._bar.update(self._task, completed=fraction, description=message)
            return
        step = int(fraction * LINES)
        if not self._quiet and step != self._said and message != self._message:
            self._said, self._message = step, message
            say(message)
