"""A Checkpoint on disk: one zip of a JSON text and plain arrays. Written atomically; nothing in it can run code."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError
from engine.core.leaves import State

FORMAT = 1
"""Version of the layout: raised when an older program could not read it."""

_DAMAGE = (
    zipfile.BadZipFile, KeyError, IndexError, ValueError, TypeError, EOFError, MemoryError, RecursionError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What reading a damaged file raises."""

_ARRAY = "__array__"
_ELSEWHERE = "__elsewhere__"

Place = Callable[[np.ndarray], str | None]
"""Says under which name an array is kept outside the file; None: it goes into the file."""


def write_state(path: str | Path, state: State, *, elsewhere: Place = lambda array: None) -> None:
    """Write nested plain data (arrays, JSON values) to `path`; a reader sees the old file or the whole new one.

    Raises `FileError` when the place cannot be written.
    """
    path = Path(path)
    arrays: list[np.ndarray] = []
    text = json.dumps({"format": FORMAT, "state": _strip(state, arrays, elsewhere)})

    def fill(stream: BinaryIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("checkpoint.json", text)
            for index, array in enumerate(arrays):
                with archive.open(f"{index}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    write_atomically(path, fill)


def write_text(path: Path, text: str) -> None:
    """Write a text as a whole; raises `FileError`."""
    content = text.encode()

    def fill(stream: BinaryIO) -> None:
        stream.write(content)

    write_atomically(path, fill)


def write_atomically(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """Let `fill` write the file; a reader sees the old one or the whole new one. Raises `FileError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(path, f"its folder cannot be made ({error.strerror or error}).") from error
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        fill(stream)


def read_state(path: str | Path, *, elsewhere: Callable[[str], np.ndarray] | None = None) -> State:
    """What `write_state` wrote; raises `FileError` for anything else.

    elsewhere : finds the arrays that are kept outside the file
    """
    with _opened(Path(path)) as (archive, content):

        def load(index: int) -> np.ndarray:
            # An array that owns its memory stays one object through all states that are made of it.
            with archive.open(f"{index}.npy") as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
            return array if array.flags.owndata else array.copy()

        state = _fill(content["state"], load, elsewhere)
        if not isinstance(state, dict):
            raise ValueError("a state is an object")
    return state


def parts_of(path: Path) -> set[str]:
    """The names of the arrays of a state that are kept outside its file; raises `FileError` for a damaged file."""
    names: set[str] = set()

    def note(name: str) -> np.ndarray:
        names.add(name)
        return np.zeros(0)

    with _opened(path) as (archive, content):
        members = set(archive.namelist())

        def present(index: int) -> np.ndarray:
            if f"{index}.npy" not in members:
                raise KeyError(index)
            return np.zeros(0)

        _fill(content["state"], present, note)
    return names


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """The archive and its text; whatever is wrong with either becomes a `FileError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            # Nothing is compressed: what a member claims to hold can be no more than what the file holds.
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("a member is compressed")
            content = json.loads(archive.read("checkpoint.json"))
            if content["format"] > FORMAT:
                raise FileError(
                    path, "this Checkpoint was written by a newer version.", remedy="Open it with that version."
                )
            yield archive, content
    except OSError as error:
        raise FileError(path, f"the Checkpoint cannot be read ({error.strerror or error}).") from error
    except _DAMAGE as error:
        raise FileError(path, "this is not a Checkpoint, or it is damaged.") from error


def arrays_of(value: Any) -> Iterator[np.ndarray]:
    """Every array in nested plain data."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_of(item)


def own_arrays(value: Any) -> Any:
    """The same nested data with every array that is a view (of a living tensor, perhaps) copied."""
    if isinstance(value, np.ndarray):
        return value if value.flags.owndata else value.copy()
    if isinstance(value, dict):
        return {key: own_arrays(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [own_arrays(item) for item in value]
    return value


def _strip(value: Any, arrays: list[np.ndarray], elsewhere: Place) -> Any:
    if isinstance(value, np.ndarray):
        name = elsewhere(value)
        if name is not None:
            return {_ELSEWHERE: name}
        arrays.append(value)
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, dict):
        return {str(key): _strip(item, arrays, elsewhere) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strip(item, arrays, elsewhere) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _fill(value: Any, load: Callable[[int], np.ndarray], elsewhere: Callable[[str], np.ndarray] | None) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return load(int(value[_ARRAY]))
        if set(value) == {_ELSEWHERE}:
            if elsewhere is None:
                raise ValueError("a part of this state is kept elsewhere")
            return elsewhere(str(value[_ELSEWHERE]))
        return {key: _fill(item, load, elsewhere) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, load, elsewhere) for item in value]
    return value
