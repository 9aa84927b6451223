"""Work in a process of its own that says how far it is, and looks whether it is to stop."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext
from typing import Any, Protocol


class Report(Protocol):
    """Says what the work is at, and which part of it is done, in [0, 1]; None where nobody knows.

    news : a plain record of what is known by now, for whoever waits for the work
    """

    def __call__(self, title: str, fraction: float | None, news: Any = None) -> None: ...


class Apart(Protocol):
    """Work that can be pickled; `stopping` says whether it is to end."""

    def __call__(self, report: Report, stopping: Callable[[], bool]) -> Any: ...


class Channel:
    """Between the window and one process; made in the window, and handed to the process where that begins."""

    def __init__(self, context: SpawnContext) -> None:
        self._hearing, self._telling = context.Pipe(duplex=False)
        self._stop = context.Event()

    def begun(self) -> None:
        """The process has its end: with none left here, what it says ends with it, and nobody waits for more."""
        self._telling.close()

    def stop(self) -> None:
        """Ask the work to end."""
        self._stop.set()

    def heard(self) -> Iterator[tuple[str, float | None, Any]]:
        """What was reported since the last time."""
        with contextlib.suppress(EOFError, OSError):
            while self._hearing.poll():
                yield self._hearing.recv()

    def report(self, title: str, fraction: float | None, news: Any = None) -> None:
        with _SAYING:
            self._telling.send((title, fraction, news))

    def stopping(self) -> bool:
        """The window wants the work to end, or is there no more."""
        window = parent_process()
        return self._stop.is_set() or (window is not None and not window.is_alive())


_SAYING = threading.Lock()
"""Of the threads of the work: a message is not cut up by another."""

_CHANNEL: list[Channel] = []
"""Of the process that this is."""


def begin(channel: Channel) -> None:
    """The first thing in the process: the window goes first from now on, as with the engine."""
    _CHANNEL.append(channel)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)


def on_one_thread() -> None:
    """Before torch comes into the process: many small solves are slower on several threads, which wait for each other
    where others work too."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def carry_out(work: Apart) -> Any:
    """Do the work, in the process."""
    channel = _CHANNEL[0]
    return work(channel.report, channel.stopping)
