"""Arrays that several Checkpoints have in common: one object in memory, one file on disk."""

from __future__ import annotations

import contextlib
import hashlib
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.core.errors import FileError
from engine.optimization.checkpoint_io import write_atomically


class ArraysInMemory:
    """Counts the bytes of arrays of which some are the same object."""

    def __init__(self) -> None:
        self.bytes = 0
        self._users: Counter[int] = Counter()

    def add(self, arrays: Iterable[np.ndarray]) -> int:
        """Arrays that are kept alive by one more user; returns the bytes that nobody else had."""
        before = self.bytes
        for array in arrays:
            self._users[id(array)] += 1
            if self._users[id(array)] == 1:
                self.bytes += array.nbytes
        return self.bytes - before

    def remove(self, arrays: Iterable[np.ndarray]) -> None:
        """Arrays that one of their users lets go."""
        for array in arrays:
            self._users[id(array)] -= 1
            if not self._users[id(array)]:
                del self._users[id(array)]
                self.bytes -= array.nbytes

    def users(self, array: np.ndarray) -> int:
        """How many have this very object."""
        return self._users[id(array)]


class ArraysOnDisk:
    """Arrays in files named by their content; what is still in memory somewhere is not read again.

    folder : says where the files go
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._alive: weakref.WeakValueDictionary[str, np.ndarray] = weakref.WeakValueDictionary()
        self._names: dict[int, str] = {}
        self._written: set[str] = set()

    def knows(self, array: np.ndarray) -> bool:
        """Whether this very object has its file."""
        return self.known(array) is not None

    def known(self, array: np.ndarray) -> str | None:
        """The name of the file of this very object, or None."""
        name = self._names.get(id(array))
        return name if name in self._written and self._alive.get(name or "") is array else None

    def keep(self, array: np.ndarray) -> str:
        """The name of its file, which is written now when there is none; raises `FileError`."""
        known = self.known(array)
        if known is not None:
            return known
        name = _name_of(array)
        if name not in self._written:

            def fill(stream: BinaryIO) -> None:
                np.lib.format.write_array(stream, array, allow_pickle=False)

            write_atomically(self.path(name), fill)
            self._written.add(name)
        self._remember(name, array)
        return name

    def find(self, name: str) -> np.ndarray:
        """The array of this name; raises `FileError` when its file is lost, or is not what was written."""
        array = self._alive.get(name)
        if array is not None:
            return array
        path = self.path(name)
        try:
            with path.open("rb") as stream:
                # A copy owns its memory: what is kept again stays this one object.
                array = np.lib.format.read_array(stream, allow_pickle=False).copy()
        except OSError as error:
            raise FileError(path, f"a part of the Checkpoint cannot be read ({error.strerror or error}).") from error
        except (ValueError, EOFError) as error:
            raise FileError(path, "a part of the Checkpoint is damaged.") from error
        if _name_of(array) != name:
            raise FileError(path, "a part of the Checkpoint has changed since it was written.")
        self._remember(name, array)
        return array

    def adopt(self, name: str) -> None:
        """Take on an array whose file lies in the folder already; raises `FileError` when it does not."""
        if not self.path(name).is_file():
            raise FileError(self.path(name), "a part of the Checkpoint is missing.")
        self._written.add(name)

    def keep_only(self, names: set[str]) -> None:
        """Remove the files of all others."""
        for name in self._written - names:
            with contextlib.suppress(OSError):
                self.path(name).unlink(missing_ok=True)
        self._written &= names

    def _remember(self, name: str, array: np.ndarray) -> None:
        self._alive[name] = array
        self._names[id(array)] = name

    def path(self, name: str) -> Path:
        """The file of an array."""
        return self._folder() / f"array-{name}.npy"


def _name_of(array: np.ndarray) -> str:
    """A hash of all that it is."""
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
