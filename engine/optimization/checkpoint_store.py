"""Checkpoints in files of one folder: large arrays by their content, each written once."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.core.errors import FileError
from engine.core.leaves import State
from engine.optimization.checkpoint_io import parts_of, read_state, write_atomically, write_state
from engine.optimization.shared_arrays import ArraysOnDisk
from engine.protocol.run_folder import read_thumbnail, thumbnail_path

LARGE = 2**16
"""Bytes from which an array has a file of its own: equal ones (indices of cells that stay the same) are one file."""

RESERVE = 2**28
"""Bytes that are left on a disk: a full one harms more than a full memory."""


class CheckpointStore:
    """Writes and reads the files of Checkpoints (layout: `engine.protocol.run_folder`). May be used by two threads.

    A file that is there is complete, and is never changed: another folder may link to it.

    folder : says where the files go
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._arrays = ArraysOnDisk(folder)
        self._parts: dict[int, set[str]] = {}
        self._lock = threading.RLock()

    def __contains__(self, number: int) -> bool:
        return number in self._parts

    @property
    def folder(self) -> Path:
        return self._folder()

    def write(
        self,
        number: int,
        state: State,
        thumbnail: np.ndarray | None = None,
        *,
        shared: Callable[[np.ndarray], bool] = lambda array: False,
    ) -> None:
        """Write a Checkpoint, unless it is there; raises `FileError`.

        shared : arrays, besides the large ones, that other Checkpoints have too
        """
        with self._lock:
            if number in self._parts:
                return
            self._require_room()
            parts: set[str] = set()

            def place(array: np.ndarray) -> str | None:
                if array.nbytes < LARGE and not shared(array) and not self._arrays.knows(array):
                    return None
                parts.add(self._arrays.keep(array))
                return self._arrays.keep(array)

            if thumbnail is not None:
                _write_array(thumbnail_path(self.folder, number), thumbnail)
            write_state(self.path(number), state, elsewhere=place)
            self._parts[number] = parts

    def write_beside(self, path: Path, state: State) -> set[str]:
        """Write another state, without the arrays that have a file already; returns the names of those.

        Raises `FileError`.
        """
        parts: set[str] = set()

        def place(array: np.ndarray) -> str | None:
            name = self._arrays.known(array)
            if name is not None:
                parts.add(name)
            return name

        with self._lock:
            self._require_room()
            write_state(path, state, elsewhere=place)
        return parts

    def read(self, number: int) -> State:
        """The state of a Checkpoint; raises `FileError` for one that is lost or damaged."""
        return self.read_file(self.path(number))

    def read_file(self, path: Path) -> State:
        """A state that lies in the folder; raises `FileError`."""
        with self._lock:
            return read_state(path, elsewhere=self._arrays.find)

    def adopt(self, number: int, source: Path) -> np.ndarray | None:
        """Take on a Checkpoint from another folder, whose files are linked into this one; returns its thumbnail.

        Raises `FileError`, and takes nothing on, when a file of it is missing or no longer what it was. A picture that
        cannot be read is left.
        """
        with self._lock:
            file = source / self.path(number).name
            parts = parts_of(file)
            self.adopt_arrays(parts, source)
            link(file, self.path(number))
            self._parts[number] = parts
        path = thumbnail_path(source, number)
        try:
            thumbnail = read_thumbnail(path) if path.exists() else None
        except FileError:
            return None
        if thumbnail is not None:
            link(path, thumbnail_path(self.folder, number))
        return thumbnail

    def adopt_arrays(self, names: Iterable[str], source: Path) -> None:
        """Take on arrays from another folder; raises `FileError` for one that is not there."""
        with self._lock:
            for name in names:
                link(source / self.array_path(name).name, self.array_path(name))
                self._arrays.adopt(name)

    def give(self, numbers: Iterable[int], folder: Path) -> None:
        """Link Checkpoints, with all that belongs to them, into another folder; raises `FileError`."""
        with self._lock:
            for number in numbers:
                for path in (self.path(number), *(self._arrays.path(name) for name in self._parts[number])):
                    link(path, folder / path.name)
                thumbnail = thumbnail_path(self.folder, number)
                if thumbnail.exists():
                    link(thumbnail, folder / thumbnail.name)

    def keep_only(self, numbers: Iterable[int], *, before: int, arrays: Iterable[str] = ()) -> None:
        """Of the Checkpoints below `before` remove all others, and the arrays that are left without one (but for
        `arrays`). Later ones may have come since `numbers` were counted, and stay."""
        kept = set(numbers)
        with self._lock:
            gone = [number for number in self._parts if number < before and number not in kept]
            if not gone:
                return
            for number in gone:
                del self._parts[number]
                for path in (self.path(number), thumbnail_path(self.folder, number)):
                    with contextlib.suppress(OSError):
                        path.unlink(missing_ok=True)
            self._arrays.keep_only(set().union(*self._parts.values(), arrays))

    def path(self, number: int) -> Path:
        return self.folder / f"checkpoint-{number:05d}.zip"

    def array_path(self, name: str) -> Path:
        return self._arrays.path(name)

    def _require_room(self) -> None:
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise FileError(folder, f"this folder cannot be made ({error.strerror}).") from error
        if free < RESERVE:
            raise FileError(folder, "the disk is nearly full.", remedy="Free some space.")


def link(source: Path, target: Path) -> None:
    """A hard link, or a copy where none can be made; nothing when the target is there. Raises `FileError`."""
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError, NotImplementedError):
            os.link(source, target)
            return
        with source.open("rb") as original:
            write_atomically(target, lambda stream: shutil.copyfileobj(original, stream))
    except OSError as error:
        raise FileError(source, f"it cannot be copied ({error.strerror or error}).") from error


def _write_array(path: Path, array: np.ndarray) -> None:
    def fill(stream: BinaryIO) -> None:
        np.lib.format.write_array(stream, array, allow_pickle=False)

    write_atomically(path, fill)
