"""Garbage is collected in the window's thread alone."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QObject, QTimer

INTERVAL = 200
"""[ms] between two looks."""
FULL_SECONDS = 10.0
"""Between two collections of everything: with a whole window in memory one takes some tens of milliseconds."""


class GarbageCollection(QObject):
    """Takes Python's automatic collection over, as long as it lives.

    starting : a program is being loaded, of which hardly anything is garbage: nothing is collected before `settle`

    Python collects cycles in whichever thread happens to allocate. A cycle that holds a Qt object would then be
    destroyed in a worker thread, which Qt answers with "Timers cannot be started from another thread" and a crash.
    """

    def __init__(self, parent: QObject | None = None, *, starting: bool = False) -> None:
        super().__init__(parent)
        self._full_at = time.monotonic()
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        if not starting:
            self._timer.start(INTERVAL)

    def settle(self) -> None:
        """What has been loaded stays, and is never looked at again: it would take most of every full collection."""
        gc.freeze()
        self._full_at = time.monotonic()
        self._timer.start(INTERVAL)

    def look(self) -> None:
        """Collect the generations that are due, as Python itself would."""
        counts, thresholds = gc.get_count(), gc.get_threshold()
        if counts[0] <= thresholds[0]:
            return
        now = time.monotonic()
        if counts[2] > thresholds[2] and now - self._full_at > FULL_SECONDS:
            self._full_at = now
            gc.collect(2)
        else:
            gc.collect(1 if counts[1] > thresholds[1] else 0)

    def stop(self) -> None:
        """Let Python collect by itself again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
