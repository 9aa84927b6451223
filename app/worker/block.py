"""A block of memory that two processes share: shared memory, or a memory-mapped file where there is little of it."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import uuid
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

RESERVE = 32 * 2**20
"""Bytes of shared memory that are left to others; containers often have 64 MiB in all."""

_SHARED_FOLDER = Path("/dev/shm")


@dataclass(frozen=True)
class BlockName:
    """How the other process finds a block: the name of shared memory, or the path of a file."""

    name: str
    size: int
    is_file: bool


class Block:
    """The mapping of one block in this process. The owner calls `unlink`, everybody `close`."""

    def __init__(self, name: BlockName, memory: SharedMemory | None, mapped: mmap.mmap | None) -> None:
        self.name = name
        self._memory = memory
        self._mapped = mapped
        self._hidden = False

    @staticmethod
    def create(size: int, folder: Path) -> Block:
        """A new block of at least `size` bytes; a file in `folder` where shared memory has no room for it."""
        if _has_room(size):
            memory = SharedMemory(create=True, size=size)
            try:
                _commit(memory)
            except OSError:  # somebody else took the room: writing would end this process with SIGBUS
                memory.close()
                memory.unlink()
            else:
                return Block(BlockName(memory.name, size, is_file=False), memory, None)
        path = folder / f"slots-{uuid.uuid4().hex[:12]}"
        with path.open("wb") as stream:
            stream.truncate(size)
        return Block.attach(BlockName(str(path), size, is_file=True))

    @staticmethod
    def attach(name: BlockName) -> Block:
        """Map a block that the other process made."""
        if not name.is_file:
            return Block(name, SharedMemory(name.name), None)
        with Path(name.name).open("r+b") as stream:
            return Block(name, None, mmap.mmap(stream.fileno(), name.size))

    @property
    def buffer(self) -> memoryview:
        if self._memory is not None:
            assert self._memory.buf is not None, "the block is closed"
            return self._memory.buf
        assert self._mapped is not None
        return memoryview(self._mapped)

    def close(self) -> None:
        """Unmap; views of the buffer must be gone."""
        if self._memory is not None:
            self._memory.close()
        elif self._mapped is not None:
            self._mapped.close()

    def hide(self) -> None:
        """Take the name of shared memory away while it is in use; idempotent. A file keeps its own, in its folder."""
        if self._memory is not None and not self._hidden:
            self._hidden = True
            self.unlink()

    def unlink(self) -> None:
        """Take the name away; whoever has it mapped keeps it."""
        with contextlib.suppress(OSError):
            if self._memory is not None:
                self._memory.unlink()
            else:
                Path(self.name.name).unlink()


def _has_room(size: int) -> bool:
    if not sys.platform.startswith("linux"):
        return True
    try:
        room = os.statvfs(_SHARED_FOLDER)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize >= size + RESERVE


def _commit(memory: SharedMemory) -> None:
    """Make the system hand out the pages now."""
    if sys.platform.startswith("linux"):
        handle = os.open(_SHARED_FOLDER / memory.name.lstrip("/"), os.O_RDWR)
        try:
            os.posix_fallocate(handle, 0, memory.size)
        finally:
            os.close(handle)
