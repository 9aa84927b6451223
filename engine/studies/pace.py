"""How fast a Run goes, measured by whoever drives it: a Run itself reads no clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Pace:
    """Iterations a second over the last `window` seconds."""

    def __init__(self, window: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._clock = clock
        self._marks: deque[float] = deque(maxlen=10_000)

    def mark(self) -> None:
        """An iteration has just ended."""
        now = self._clock()
        self._marks.append(now)
        while len(self._marks) > 2 and now - self._marks[0] > self._window:
            self._marks.popleft()

    def reset(self) -> None:
        """There was a pause."""
        self._marks.clear()

    @property
    def iterations_per_second(self) -> float:
        """0 while unknown."""
        if len(self._marks) < 2:
            return 0.0
        return (len(self._marks) - 1) / max(self._marks[-1] - self._marks[0], 1e-9)


class Sparingly:
    """Lets a costly look at the Run happen only so often that it takes at most `share` of the time."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._next = float("-inf")

    def due(self) -> bool:
        return self._clock() >= self._next

    def done(self, started: float) -> None:
        """The look that `started` at that time is over."""
        now = self._clock()
        self._next = now + (now - started) / self._share
