"""How far a Run is, on stderr: a moving bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from app.cli.console import say
from engine.protocol.snapshot import (
    AnotherAdvised,
    Event,
    LogLine,
    ProblemRaised,
    RolledBack,
    Snapshot,
)
from engine.protocol.snapshot import (
    Progress as TaskProgress,
)


class ProgressDisplay(Protocol):
    """Shows a Run to a person; a context manager around it.

    interval : seconds between two Snapshots that are worth making
    """

    interval: float

    def __enter__(self) -> ProgressDisplay: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show_snapshot(self, snapshot: Snapshot) -> None: ...

    def show_steps(self, done: int, steps: int, status: str) -> None: ...

    def show_event(self, event: Event) -> None: ...


def progress_display(*, quiet: bool) -> ProgressDisplay:
    """The display that fits stderr."""
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Lines()


def describe(snapshot: Snapshot) -> str:
    """`loss 1.2e-4 · 41 it/s · 0:12 left · χ −4 · 1 part`."""
    scalars, info = snapshot.scalars, snapshot.info
    parts = []
    if "loss" in scalars:
        parts.append(f"loss {scalars['loss']:.3g}")
    if scalars.get("iterations_per_second"):
        parts.append(f"{scalars['iterations_per_second']:.3g} it/s")
    if "seconds_left" in scalars and snapshot.state == "running":
        parts.append(f"{_clock(scalars['seconds_left'])} left")
    if "euler_number" in info:
        parts.append(f"χ {info['euler_number']}".replace("-", "−"))
    if "parts" in info:
        parts.append(f"{info['parts']} part{'s' if info['parts'] != 1 else ''}")
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Silence:
    """Shows nothing."""

    interval = math.inf

    def __enter__(self) -> Silence:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def show_snapshot(self, snapshot: Snapshot) -> None:
        return None

    def show_steps(self, done: int, steps: int, status: str) -> None:
        return None

    def show_event(self, event: Event) -> None:
        return None


class Lines(Silence):
    """One line at every tenth of the way."""

    interval = 0.5

    def __init__(self) -> None:
        self._next = 0.1
        self._step = ""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._show("iteration", snapshot.iteration, snapshot.iterations, describe(snapshot))

    def show_steps(self, done: int, steps: int, status: str) -> None:
        self._show("step", done, steps, status)

    def show_event(self, event: Event) -> None:
        if isinstance(event, TaskProgress):
            self._show_task(event)
        elif text := _notice(event):
            say(text)

    def _show(self, what: str, done: int, total: int, status: str) -> None:
        fraction = done / max(1, total)
        if fraction >= self._next:
            say(f"{fraction:4.0%} {what} {done} of {total} · {status}")
            while self._next <= fraction:
                self._next += 0.1

    def _show_task(self, event: TaskProgress) -> None:
        step = event.message or event.task
        if step != self._step and event.fraction != 1:
            self._step = step
            say(f"{step} …")


class Bar(Silence):
    """A bar that moves, with the time left."""

    interval = 0.2

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=False,
        )
        self._run: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._show("Descending", snapshot.iteration, snapshot.iterations, describe(snapshot))

    def show_steps(self, done: int, steps: int, status: str) -> None:
        self._show("Simulating", done, steps, status)

    def show_event(self, event: Event) -> None:
        if isinstance(event, TaskProgress):
            self._show_task(event)
        elif text := _notice(event):
            self._progress.console.print(text, highlight=False)

    def _show(self, what: str, done: int, total: int, status: str) -> None:
        if self._run is None:
            self._run = self._progress.add_task(what, total=total, status="")
        self._progress.update(self._run, completed=done, total=total, status=status)

    def _show_task(self, event: TaskProgress) -> None:
        if event.task not in self._tasks:
            self._tasks[event.task] = self._progress.add_task(event.task, total=None, status="")
        done = event.fraction is not None and event.fraction >= 1.0
        total = None if event.fraction is None else 100
        self._progress.update(
            self._tasks[event.task],
            total=total,
            completed=round((event.fraction or 0.0) * 100),
            status=event.message,
            visible=not done,
        )


def _notice(event: Event) -> str:
    if isinstance(event, RolledBack):
        return f"iteration {event.iteration}: {event.source} was not finite; back to checkpoint {event.checkpoint}"
    if isinstance(event, ProblemRaised) and not event.fatal:
        return f"{event.message} {event.remedy}".strip()
    if isinstance(event, AnotherAdvised):
        options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in event.parameters.items())
        return f"{event.message} {event.title}: {options}."
    if isinstance(event, LogLine) and event.level != "debug":
        return event.text
    return ""
