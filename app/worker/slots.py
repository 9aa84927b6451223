"""Three slots through which Snapshots come from the engine process: written, announced, read, acknowledged.

The engine writes only into a slot that the window has acknowledged (or never seen), so the window never reads half a
Snapshot; with three, the engine need not wait while one is read and one is announced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.worker.block import Block, BlockName
from engine.protocol.snapshot import Snapshot

SLOT_COUNT = 3

_ALIGNMENT = 64


@dataclass(frozen=True)
class Room:
    """A set of slots: `generation` counts the re-allocations; `size` bytes a slot."""

    generation: int
    size: int
    block: BlockName


@dataclass(frozen=True)
class ArrayPlace:
    """Where an array lies in a slot."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class Shown:
    """A Snapshot is ready in a slot: all of it but the arrays, and where these lie."""

    generation: int
    slot: int
    snapshot: Snapshot
    places: tuple[ArrayPlace, ...]


def size_of(snapshot: Snapshot) -> int:
    """Bytes that a slot needs for the arrays of `snapshot`."""
    return sum(_aligned(array.nbytes) for array in snapshot.arrays.values())


class SlotWriter:
    """The engine's end."""

    def __init__(self) -> None:
        self._room: Room | None = None
        self._block: Block | None = None
        self._free: list[int] = []

    @property
    def room(self) -> Room | None:
        return self._room

    @property
    def has_free(self) -> bool:
        return self._room is None or bool(self._free)

    def fits(self, snapshot: Snapshot) -> bool:
        return self._room is not None and size_of(snapshot) <= self._room.size

    def move(self, room: Room) -> None:
        """Use new slots from now on; all of them are free."""
        self.close()
        self._room = None  # those there were are gone, whether these can be had or not
        self._block = Block.attach(room.block)
        self._room = room
        self._free = list(range(SLOT_COUNT))

    def acknowledge(self, generation: int, slot: int) -> None:
        if self._room is not None and generation == self._room.generation and slot not in self._free:
            self._free.append(slot)

    def write(self, snapshot: Snapshot) -> Shown:
        """Copy the arrays into a free slot; to be announced afterwards."""
        assert self._room is not None and self._block is not None
        slot = self._free.pop(0)
        start, places = slot * self._room.size, []
        for name, array in snapshot.arrays.items():
            place = ArrayPlace(name, array.dtype.str, array.shape, start)
            np.copyto(_array_at(self._block, place), array)
            places.append(place)
            start += _aligned(array.nbytes)
        return Shown(self._room.generation, slot, replace(snapshot, arrays={}), tuple(places))

    def close(self) -> None:
        if self._block is not None:
            self._block.close()
            self._block = None

    def unlink(self) -> None:
        """Take the owner's part, when the owner is dead."""
        if self._block is not None:
            self._block.unlink()


class SlotReader:
    """The window's end: owns the memory.

    folder : for a memory-mapped file, where shared memory is small
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room: Room | None = None
        self._block: Block | None = None
        self._generation = 0
        self._triangles: tuple[tuple[int, int], np.ndarray] | None = None

    def allocate(self, needed: int) -> Room:
        """New slots for at least `needed` bytes each, with room to grow; the old ones go."""
        self.close()
        self._generation += 1
        size = _aligned(max(int(needed * 1.5), 2**20))
        self._block = Block.create(size * SLOT_COUNT, self._folder)
        self._room = Room(self._generation, size, self._block.name)
        return self._room

    def read(self, shown: Shown) -> Snapshot | None:
        """The Snapshot with arrays of its own; None when its slots are gone."""
        if self._room is None or self._block is None or shown.generation != self._room.generation:
            return None
        # The engine has it mapped. Without a name it ends with the last process, even when both are killed at once.
        self._block.hide()
        key = (shown.snapshot.run, shown.snapshot.generation)
        arrays = {}
        for place in shown.places:
            if place.name == "triangles" and self._triangles is not None and self._triangles[0] == key:
                arrays[place.name] = self._triangles[1]
            else:
                arrays[place.name] = _array_at(self._block, place).copy()
        if "triangles" in arrays:
            self._triangles = key, arrays["triangles"]
        return replace(shown.snapshot, arrays=arrays)

    def close(self) -> None:
        """Give the memory back; nothing stays behind."""
        if self._block is not None:
            self._block.close()
            self._block.unlink()
            self._block = None
            self._room = None


def _array_at(block: Block, place: ArrayPlace) -> np.ndarray:
    return np.ndarray(place.shape, np.dtype(place.dtype), buffer=block.buffer, offset=place.offset)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
