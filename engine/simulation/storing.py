"""Which steps of a simulation are stored for its adjoint, and which are taken again on the way back.

What is stored stays within a budget: all steps where they fit, else snapshots between stretches of steps, of which one
is stored at a time. Steps that are divided are as many as they have parts, which only the way forward tells: a stretch
that they make too long is halved, and taken again in halves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.core.errors import MemoryLimitError
from engine.simulation.stepper import Snapshot, Solved, Stepper

STORED = 3
"""Times a snapshot's size that a stored step takes: what was before it, what it found and its target."""

Take = Callable[[Stepper], Solved]
"""Takes the step that is next."""


@dataclass(frozen=True)
class Budget:
    """steps : of the simulation
    memory : bytes that may be stored
    snapshot_size : bytes of a snapshot
    """

    steps: int
    memory: int
    snapshot_size: int

    @property
    def stretch(self) -> int:
        """Steps between snapshots, all stored while one stretch goes back: as many as memory allows.

        Raises `MemoryLimitError` where there is no room for any.
        """
        if self.steps * STORED * self.snapshot_size <= self.memory:
            return self.steps

        def needed(stretch: int) -> int:
            return (math.ceil(self.steps / stretch) + STORED * stretch) * self.snapshot_size

        for stretch in range(self.steps - 1, 0, -1):
            if needed(stretch) <= self.memory:
                return stretch
        raise self._too_small(min(needed(stretch) for stretch in range(1, self.steps + 1)))

    def room(self, parts: int, stretch: int) -> int:
        """Parts of steps that can be stored beside all snapshots; raises `MemoryLimitError` where the `parts` of one
        step cannot."""
        # Between stretches, and where a stretch is halved.
        snapshots = math.ceil(self.steps / stretch) + math.ceil(math.log2(max(stretch, 2)))
        room = (self.memory // self.snapshot_size - snapshots) // STORED
        if parts > max(room, 1):
            raise self._too_small((snapshots + STORED * parts) * self.snapshot_size)
        return room

    def _too_small(self, least: int) -> MemoryLimitError:
        return MemoryLimitError(
            f"The gradient of {self.steps} steps needs {least / 2**20:.1f} MiB for stored steps, and "
            f"{self.memory / 2**20:.1f} MiB are allowed.",
            remedy="Allow more memory, or take fewer steps.",
        )


def backwards(
    take: Take, stepper: Stepper, snapshot: Snapshot, end: int, parts: Sequence[int], room: int
) -> Iterator[Solved]:
    """Steps from a snapshot to the one that ends at `end`, the last one first.

    parts : of every step of the simulation
    room : parts that can be stored
    """
    start = snapshot.moment.step
    count = end - start
    if count == 1 or sum(parts[start:end]) <= max(room, count):
        yield from reversed(take_again(take, stepper, snapshot, end))
        return
    middle = start + count // 2
    stepper.restore(snapshot)
    while stepper.moment.step < middle:
        take(stepper)
    yield from backwards(take, stepper, stepper.snapshot(), end, parts, room)
    yield from backwards(take, stepper, snapshot, middle, parts, room)


def take_again(take: Take, stepper: Stepper, snapshot: Snapshot, end: int) -> list[Solved]:
    """Steps from a snapshot to the one that ends at `end`."""
    stepper.restore(snapshot)
    return [take(stepper) for _ in range(snapshot.moment.step, end)]
