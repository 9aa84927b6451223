"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.core.errors import FileError

_REASONS = {
    errno.ENOSPC: ("the disk is full.", "Free some space, or choose another place; nothing was changed."),
    errno.EDQUOT: ("your disk quota is used up.", "Free some space, or choose another place; nothing was changed."),
    errno.EACCES: ("you may not write there.", "Choose another folder, or change its permissions."),
    errno.EPERM: ("you may not write there.", "Choose another folder, or change its permissions."),
    errno.EROFS: ("the disk is read-only.", "Choose another place."),
    errno.ENOENT: ("its folder does not exist.", "Make the folder first, or choose another."),
    errno.ENOTDIR: ("its folder does not exist.", "Choose another folder."),
    errno.EISDIR: ("this is a folder.", "Add a file name."),
    errno.ENAMETOOLONG: ("the name is too long.", "Choose a shorter one."),
}


def check_place(path: Path | None) -> None:
    """Refuse a file that could not be written, before the work; None is no file. Raises `FileError`."""
    if path is None:
        return
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileError(path, f"there is no folder {path.parent}.", remedy="Make it first, or choose another place.")
    if path.is_dir():
        raise FileError(path, "this is a folder.", remedy="Name a file in it.")
    if not os.access(folder, os.W_OK):
        raise FileError(path, f"you may not write into {folder}.", remedy="Choose another folder.")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, which takes the place of `path` when the block ends well.

    On any failure what stood at `path` is untouched and the temporary file is removed. Raises `FileError`.
    """
    given = Path(path)
    try:
        target = given.resolve()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        mode = None
        with suppress(FileNotFoundError):
            mode = target.stat().st_mode & 0o7777
        temporary = target.with_name(f".formwright-{uuid.uuid4().hex}{target.suffix}")
        # The system itself takes the umask off: whoever asks for it changes it, for all threads.
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else 0o600))
        try:
            yield temporary
            _flush(temporary)
            if mode is not None:
                temporary.chmod(mode)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        with suppress(OSError):
            _flush(target.parent)
    except OSError as error:
        message, remedy = _REASONS.get(error.errno or 0, (f"it cannot be written ({error.strerror}).", ""))
        raise FileError(given, message, remedy=remedy) from error


def _flush(path: Path) -> None:
    """Bring a file (or, where the system can, a folder's list of names) to the disk itself."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
