"""What is open, kept in a folder while one works, so that nothing is lost when the window or the machine dies.

A window has one folder below the *root*. Its name says whose it is (process and when that started), so that a window
that lives is told from one that has died, and two windows never offer each other's work. In it lie `document.json`,
`preview.png` and `arrays/` as in a document's file (`app.document.file`), and `engine/` with the files of the Run.
A save writes only the arrays that are not there yet and then replaces `document.json`: whoever is killed in between
leaves the last save whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil

from app.document.archive import array_member, check_header, damaged, is_safe, write_array
from app.document.file import (
    LARGEST_MANIFEST,
    LARGEST_PREVIEW,
    MANIFEST,
    PREVIEW,
    Content,
    content_of,
    manifest_text,
    read_manifest,
    run_note,
)
from app.document.records import ArrayNames, Encoder
from engine.core.atomic import atomic_write
from engine.core.errors import FileError

ENGINE = "engine"

_CLOCK_ERROR = 2.0
"""Seconds by which two readings of when a process started may differ."""


class RecoveryFolder:
    """The folder of this window. `keep` may be called from any one thread at a time.

    names : what `save_document` has too, so that each array is hashed once
    """

    def __init__(self, folder: Path, names: ArrayNames | None = None) -> None:
        self.folder = folder
        self._names = names or ArrayNames()
        self._written: set[str] = set()
        self._preview = b""

    @staticmethod
    def make(root: Path, names: ArrayNames | None = None) -> RecoveryFolder:
        """A new one below `root`; raises `OSError` where none can be made."""
        folder = root / _name_of_this_process()
        (folder / ENGINE).mkdir(parents=True)
        return RecoveryFolder(folder, names)

    @property
    def engine_folder(self) -> Path:
        """Where the engine keeps its Runs."""
        return self.folder / ENGINE

    def keep(self, content: Content) -> None:
        """Write what is open; raises `FileError`, and then what was kept last is still there."""
        encoder = Encoder(self._names)
        try:
            text = manifest_text(content, encoder)
        except ValueError as error:
            raise FileError(self.folder, f"it cannot be kept: {error}.") from error
        try:
            (self.folder / "arrays").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(self.folder, f"it cannot be written ({error.strerror or error}).") from error
        for name, array in encoder.arrays.items():
            if name not in self._written:
                with atomic_write(self.folder / array_member(name)) as temporary, temporary.open("wb") as stream:
                    write_array(stream, array)
                self._written.add(name)
        if content.preview != self._preview:
            with atomic_write(self.folder / PREVIEW) as temporary:
                temporary.write_bytes(content.preview)
            self._preview = content.preview
        with atomic_write(self.folder / MANIFEST) as temporary:
            temporary.write_text(text, encoding="utf-8")
        for name in self._written - encoder.arrays.keys():
            with contextlib.suppress(OSError):
                (self.folder / array_member(name)).unlink()
            self._written.discard(name)

    def forget(self) -> None:
        """Nothing is open any more that would be worth recovering."""
        for path in (self.folder / MANIFEST, self.folder / PREVIEW):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._preview = b""

    def remove(self) -> None:
        """The window ends as it should."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Recoverable:
    """What a window that died had open, for a list to choose from.

    saved : seconds since 1970
    objects : what they are called
    iteration : of its Run, None where there was none
    """

    folder: Path
    name: str
    saved: float
    objects: tuple[str, ...] = ()
    iteration: int | None = None
    checkpoints: int = 0
    preview: bytes = field(default=b"", repr=False)

    def discard(self) -> None:
        """Remove it for good."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def claim(self) -> Recoverable:
        """Make it this process's own, so that no other window recovers it; raises `FileError` when one has.

        Should this process die before it has the content, the folder is offered again.
        """
        claimed = self.folder.with_name(_name_of_this_process())
        try:
            self.folder.rename(claimed)
        except OSError as error:
            raise FileError(
                self.folder, "it is not there any more.", remedy="Another window has recovered or discarded it."
            ) from error
        return replace(self, folder=claimed)

    def read(self) -> Content:
        """What was open; raises `FileError` for what is lost or damaged."""
        return read_kept(self.folder)

    @property
    def run_folder(self) -> Path | None:
        """The files of its Run; None where there are none that are whole."""
        return _run_folder(self.folder)


def crashed(root: Path) -> list[Recoverable]:
    """What windows that have died left below `root`, the newest first. Folders with nothing in them are removed."""
    found = []
    with contextlib.suppress(OSError):
        for folder in sorted(root.iterdir()):
            if not folder.is_dir() or _lives(folder.name):
                continue
            kept = look_at(folder)
            if kept is not None:
                found.append(kept)
            elif _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
    return sorted(found, key=lambda kept: -kept.saved)


def look_at(folder: Path) -> Recoverable | None:
    """What a folder holds, without its arrays; None where there is nothing to recover."""
    try:
        path = folder / MANIFEST
        if path.stat().st_size > LARGEST_MANIFEST:
            return None
        manifest = json.loads(path.read_text(encoding="utf-8"))
        objects = manifest["project"]["objects"]
        preview = folder / PREVIEW
        run = _run_folder(folder)
        note = run_note(run) if run is not None else None  # as its own files say: they are newer than the document
        return Recoverable(
            folder,
            str(manifest["name"]),
            float(manifest["saved"]),
            tuple(str(item["name"]) for item in objects),
            note.iteration if note is not None else None,
            note.checkpoints if note is not None else 0,
            preview.read_bytes() if preview.exists() and preview.stat().st_size <= LARGEST_PREVIEW else b"",
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_kept(folder: Path) -> Content:
    """What `RecoveryFolder.keep` wrote; raises `FileError`."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise damaged(path)
        manifest, _ = read_manifest(path, path.read_bytes())
        preview = folder / PREVIEW
        picture = preview.read_bytes() if preview.exists() and preview.stat().st_size <= LARGEST_PREVIEW else b""

        def read(name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
            return _read_array(folder / array_member(name), dtype, shape)

        return replace(content_of(path, manifest, read), preview=picture)
    except OSError as error:
        raise FileError(path, f"it cannot be read ({error.strerror or error}).") from error


def _read_array(path: Path, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    with path.open("rb") as stream:
        begin = check_header(path, path.name, stream.read(4096), dtype, shape)
        count = int(np.prod(shape, dtype=object))
        if path.stat().st_size - begin != count * np.dtype(dtype).itemsize:
            raise damaged(path, "it is not as long as its shape says")
        stream.seek(begin)
        return np.fromfile(stream, np.dtype(dtype), count).reshape(shape)


def _run_folder(folder: Path) -> Path | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        run = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["run"]
        for name in (run.get("folder"), run.get("earlier")) if run is not None else ():
            if name and is_safe(str(name)) and run_note(folder / str(name)) is not None:
                return folder / str(name)
    return None


def _name_of_this_process() -> str:
    started = psutil.Process().create_time()
    return f"{os.getpid()}-{round(started * 1000)}-{uuid.uuid4().hex[:8]}"


def _lives(name: str) -> bool:
    """Whether the process still runs that a folder is named after; another one of the same number is not it."""
    process, _, rest = name.partition("-")
    started, _, _ = rest.partition("-")
    if not (process.isdigit() and started.isdigit()):
        return True  # none of ours: leave it alone
    try:
        running = psutil.Process(int(process))
        return abs(running.create_time() - int(started) / 1000.0) < _CLOCK_ERROR and (
            running.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _is_abandoned(folder: Path) -> bool:
    """Nothing in it and not made just now: its window may be between making it and dying."""
    with contextlib.suppress(OSError):
        return time.time() - folder.stat().st_mtime > _CLOCK_ERROR
    return False
