"""The last steps of a simulation, kept in memory so that they can be differentiated."""

from __future__ import annotations

from collections import deque

from engine.core.errors import ParameterError
from engine.simulation.stepper import Snapshot

MOST = 256
"""Steps."""

BUDGET = 2**27
"""Bytes."""


class RecentSteps:
    """Where the simulation was before each of its last steps, since it was steered or put elsewhere last.

    What is kept is not part of any state: it decides nothing of what comes next.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._before: deque[Snapshot] = deque(maxlen=MOST)

    def __len__(self) -> int:
        return len(self._before)

    def made(self, before: Snapshot) -> None:
        """A step was made from there."""
        self._before.append(before)
        while len(self._before) > 1 and len(self._before) * before.size > self._budget:
            self._before.popleft()

    def clear(self) -> None:
        """What comes follows other rules, or from elsewhere."""
        self._before.clear()

    def back(self, steps: int) -> Snapshot:
        """Where it was so many steps ago; raises `ParameterError` where that is not known."""
        if not 1 <= steps <= len(self._before):
            raise ParameterError(
                "horizon",
                f"{steps} steps back is not known; {len(self._before)} are.",
                remedy="Let it run on a little: steps count from when it was steered last.",
            )
        return self._before[-steps]
