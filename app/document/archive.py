"""The zip of a document: every member is stored as it is, so that what it claims to hold can be no more than the file.

Nothing here trusts the file: names, sizes, shapes and types are looked at before anything is read, and nothing in it
can run code.
"""

from __future__ import annotations

import errno
import io
import math
import re
import shutil
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from engine.core.errors import FileError

MOST_MEMBERS = 20_000
LARGEST_DIRECTORY = 2**23
"""Bytes of the list of members: some 400 for each."""

PIECE = 2**23
"""Bytes that are read, or checked, at once."""

ARRAY_KINDS = "fiub"
"""Floats, whole numbers, and truth values (`numpy.dtype.kind`)."""

_DAMAGED = "this is no document of Formwright, or it is damaged"
_OTHER_COPY = "Take another copy of it, or what was recovered."

_SAFE_PART = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_\-. ]{0,120}")


def damaged(path: Path, what: str = "") -> FileError:
    """The error for a document that is not as it was written."""
    return FileError(path, f"{_DAMAGED}{': ' + what if what else ''}.", remedy=_OTHER_COPY)


class Archive:
    """The members of a document, open for reading: `with Archive(path) as archive`.

    Raises `FileError`, on opening and on reading, for whatever is not as a document has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._stream: IO[bytes] = path.open("rb")
        except OSError as error:
            raise FileError(path, f"it cannot be read ({error.strerror or error}).") from error
        try:
            self._members = self._look()
        except OSError as error:
            self._stream.close()
            if error.errno == errno.EINVAL:  # a place before the file's beginning was looked for
                raise damaged(path) from error
            raise FileError(path, f"it cannot be read ({error.strerror or error}).", remedy=_OTHER_COPY) from error
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()

    @property
    def names(self) -> list[str]:
        """Of its members, in the order in which they were written."""
        return list(self._members)

    def read(self, name: str, *, most: int) -> bytes:
        """A member of at most so many bytes."""
        with self._reading(name):
            _, size = self._place(name)
            if size > most:
                raise damaged(self.path, f"{name} is larger than {most // 2**20} MiB")
            content = self._exactly(size, name)
            if zlib.crc32(content) != self._members[name].CRC:
                raise damaged(self.path, f"{name} has changed since it was written")
            return content

    def read_array(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """An array of this very type and shape, read straight into its memory."""
        with self._reading(name):
            start, size = self._place(name)
            header = self._exactly(min(size, 4096), name)
            begin = check_header(self.path, name, header, dtype, shape)
            if size - begin != _bytes(dtype, shape):
                raise damaged(self.path, f"{name} is not as long as its shape says")
            array = np.empty(shape, np.dtype(dtype))
            self._stream.seek(start + begin)
            crc = zlib.crc32(header[:begin])
            content = _bytes_of(array)
            for at in range(0, len(content), PIECE):
                piece = content[at : at + PIECE]
                self._fill(piece, name)
                crc = zlib.crc32(piece, crc)
        if crc != self._members[name].CRC:
            raise damaged(self.path, f"{name} has changed since it was written")
        return array

    def extract(self, prefix: str, folder: Path, report: Callable[[float], None] = lambda fraction: None) -> list[str]:
        """Write the members below `prefix` ("runs/1/") into `folder`; raises `FileError`.

        Returns those that are not what was written, which are left out: the others may be of use without them.
        """
        lost: list[str] = []
        names = [name for name in self._members if name.startswith(prefix) and name != prefix]
        total = sum(self._members[name].file_size for name in names) or 1
        done = 0
        for name in names:
            target = folder / name.removeprefix(prefix)
            with self._reading(name):
                _, size = self._place(name)
                crc = 0
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as copy:
                        for at in range(0, size, PIECE):
                            piece = self._exactly(min(PIECE, size - at), name)
                            crc = zlib.crc32(piece, crc)
                            copy.write(piece)
                            done += len(piece)
                            report(done / total)
                except OSError as error:
                    raise FileError(target, f"it cannot be written ({error.strerror or error}).") from error
            if crc != self._members[name].CRC:
                target.unlink()
                lost.append(name)
        return lost

    def size(self, prefix: str) -> int:
        """Bytes of the members below `prefix`."""
        return sum(member.file_size for name, member in self._members.items() if name.startswith(prefix))

    # ---------------------------------------------------------------------------------------------------------------

    def _look(self) -> dict[str, zipfile.ZipInfo]:
        length = self.path.stat().st_size
        if _directory_size(self._stream, length) > LARGEST_DIRECTORY:
            raise damaged(self.path, "its list of members is far too long")
        try:
            with zipfile.ZipFile(self._stream) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, ValueError, KeyError, NotImplementedError, RuntimeError, struct.error, EOFError):
            raise damaged(self.path) from None
        if len(members) > MOST_MEMBERS:
            raise damaged(self.path, "it has far too many members")
        found: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename
            if not is_safe(name):
                raise FileError(
                    self.path, f"its member {name[:80]!r} would lie outside of it, or has no proper name.",
                    remedy="Formwright has not written it: do not trust it.",
                )  # fmt: skip
            if name in found:
                raise damaged(self.path, f"{name} is there twice")
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise FileError(
                    self.path, "another program has packed it anew.",
                    remedy="A document's members are stored as they are: zip it with no compression (zip -0).",
                )  # fmt: skip
            if member.file_size != member.compress_size or member.file_size > length:
                raise damaged(self.path, f"{name} claims to hold more than the file does")
            found[name] = member
        if sum(member.file_size for member in members) > length:
            raise damaged(self.path, "its members claim to hold more than the file does")
        return found

    def _reading(self, name: str) -> _Reading:
        return _Reading(self.path, name)

    def _place(self, name: str) -> tuple[int, int]:
        """Where the content of a member begins, and its size; the stream is there."""
        if name not in self._members:
            raise damaged(self.path, f"{name} is missing")
        member = self._members[name]
        self._stream.seek(member.header_offset)
        header = self._exactly(30, name)
        if header[:4] != b"PK\x03\x04":
            raise damaged(self.path, f"{name} is not where it should be")
        names, extra = struct.unpack("<HH", header[26:30])
        start = member.header_offset + 30 + names + extra
        self._stream.seek(start)
        return start, member.file_size

    def _exactly(self, size: int, name: str) -> bytes:
        content = self._stream.read(size)
        if len(content) != size:
            raise damaged(self.path, f"{name} is cut off")
        return content

    def _fill(self, piece: memoryview, name: str) -> None:
        filled = 0
        while filled < len(piece):
            count = self._stream.readinto(piece[filled:])  # type: ignore[attr-defined]  # IO[bytes] does not name it
            if not count:
                raise damaged(self.path, f"{name} is cut off")
            filled += count


class _Reading:
    """What goes wrong with the disk while a member is read is a `FileError`."""

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, OSError):
            if error.errno == errno.EINVAL:  # a place that no file has was looked for
                raise damaged(self._path) from error
            raise FileError(
                self._path, f"it cannot be read ({error.strerror or error}).", remedy=_OTHER_COPY
            ) from error
        if isinstance(error, MemoryError):
            raise FileError(
                self._path, f"{self._name} does not fit into memory.", remedy="Close what is not needed."
            ) from error


class ArchiveWriter:
    """Writes the members of a document, one after the other, into a stream: `with ArchiveWriter(stream) as writer`.

    Equal content gives equal files.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._zip.close()
        else:
            self._zip.fp = None  # closed without an end: nobody will read it

    def text(self, name: str, content: str | bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name), content)

    def array(self, name: str, array: np.ndarray) -> None:
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
            write_array(member, array)

    def copy(self, name: str, path: Path) -> None:
        """A file as it stands on the disk."""
        with path.open("rb") as source, self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
            shutil.copyfileobj(source, member, PIECE)


def is_safe(name: str) -> bool:
    """Whether a member's name stays within its archive on every system: plain parts, none of them hidden."""
    parts = name.split("/")
    return len(parts) <= 6 and all(_SAFE_PART.fullmatch(part) and not part.endswith((".", " ")) for part in parts)


def array_member(name: str) -> str:
    """Where the array of a name lies, in an archive and in a folder for recovery."""
    return f"arrays/{name}.npy"


def write_array(stream: Any, array: np.ndarray) -> None:
    """A `.npy`, without a copy of the array; raises `ValueError` for what is no array of numbers."""
    array = plain(array)
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    content = _bytes_of(array)
    for at in range(0, len(content), PIECE):
        stream.write(content[at : at + PIECE])


def plain(array: np.ndarray) -> np.ndarray:
    """The array as it is written: contiguous, little-endian; the very same where it is so already."""
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if array.dtype.kind not in ARRAY_KINDS or array.dtype.itemsize > 8:
        raise ValueError(f"an array of {array.dtype} cannot be kept")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def check_header(path: Path, name: str, header: bytes, dtype: str, shape: tuple[int, ...]) -> int:
    """Where the values of a `.npy` begin whose first bytes are `header`, when it is of this type and shape."""
    stream = io.BytesIO(header)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise damaged(path, f"{name} is no array of this version")
        found, transposed, kind = np.lib.format.read_array_header_1_0(stream, max_header_size=2048)
    except (ValueError, TypeError, SyntaxError, EOFError, MemoryError, RecursionError, tokenize.TokenError):
        raise damaged(path, f"{name} is no array") from None
    if kind.kind not in ARRAY_KINDS or kind.str != dtype or found != shape or (transposed and len(shape) > 1):
        raise damaged(path, f"{name} is {kind.str} of shape {found}, and should be {dtype} of shape {shape}")
    return stream.tell()


def require_finite(path: Path, name: str, array: np.ndarray) -> None:
    """Refuse an array with a value that is not a number, or infinite."""
    if array.dtype.kind != "f":
        return
    flat = array.reshape(-1)
    for at in range(0, len(flat), PIECE):
        if not np.isfinite(flat[at : at + PIECE]).all():
            raise FileError(
                path, f"{name} holds a value that is not a number.", remedy="Open the file that it was made of anew."
            )


def _bytes_of(array: np.ndarray) -> memoryview:
    """The memory of a contiguous array, byte by byte."""
    return memoryview(array.reshape(-1).view(np.uint8).data) if array.size else memoryview(b"")


def _bytes(dtype: str, shape: tuple[int, ...]) -> int:
    return math.prod(shape) * np.dtype(dtype).itemsize


def _directory_size(stream: IO[bytes], length: int) -> int:
    """Bytes that the zip's list of members claims to have; 0 where there is none."""
    tail = min(length, 2**16 + 22 + 20)
    stream.seek(length - tail)
    end = stream.read(tail)
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(end):
        return 0
    (size,) = struct.unpack("<L", end[at + 12 : at + 16])
    locator = end[at - 20 : at] if at >= 20 else b""
    if locator[:4] == b"PK\x06\x07":  # more than 4 GiB: the numbers stand in a record of their own
        (place,) = struct.unpack("<Q", locator[8:16])
        stream.seek(min(place, length))
        record = stream.read(56)
        if len(record) == 56 and record[:4] == b"PK\x06\x06":
            (size,) = struct.unpack("<Q", record[40:48])
    return int(size)
