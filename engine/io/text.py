"""Numbers in text files, read in large pieces."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.io.format import Progress

CHUNK = 4 << 20


def line_chunks(path: Path, progress: Progress, *, skip: int = 0) -> Iterator[bytes]:
    """Pieces of the file that end at line ends, from byte `skip` on; tells `progress` the bytes read."""
    size = max(path.stat().st_size, 1)
    with path.open("rb") as stream:
        stream.seek(skip)
        rest = b""
        while block := stream.read(CHUNK):
            rest += block
            cut = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
            progress(min(stream.tell() / size, 1.0))
        if rest:
            yield rest


def numbers(path: Path, text: bytes) -> np.ndarray:
    """All numbers of `text`, separated by white space, float64; raises `FileError` at the first that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            pass
    for token in text.split():
        try:
            float(token)
        except ValueError:
            raise FileError(
                path,
                f"{token[:40].decode('ascii', 'replace')!r} stands where a number should be.",
                remedy="The file is damaged or of another kind; export it again.",
            ) from None
    return np.array([float(token) for token in text.split()])


def table(path: Path, lines: list[bytes], *, least: int, what: str) -> np.ndarray:
    """Rows of numbers, shape (line_count, columns), cut to the shortest row; `least` columns are needed."""
    return rows(path, b"\n".join(lines), least=least, what=what)


def rows(path: Path, text: bytes, *, least: int, what: str) -> np.ndarray:
    """Rows of numbers of the lines that are not blank, shape (line_count, columns), cut to the shortest row; `least`
    columns are needed. No line becomes an object of its own: a scan has ten millions."""
    counts = _numbers_a_line(text)
    if not len(counts):
        return np.empty((0, least))
    values = numbers(path, text)
    columns = int(counts.min())
    if columns < least:
        short = int(counts.argmin())
        raise FileError(
            path,
            f"{what} {short} has {counts[short]} numbers; {least} are needed.",
            remedy="The file is truncated or damaged; export it again.",
        )
    if int(counts.max()) == columns:
        return values.reshape(len(counts), columns)
    starts = np.cumsum(counts) - counts
    return values[starts[:, None] + np.arange(columns)]


def _numbers_a_line(text: bytes) -> np.ndarray:
    """How many words stand on each line that is not blank, int64."""
    characters = np.frombuffer(text + b"\n", np.uint8)
    white = characters <= ord(" ")
    begins = ~white
    begins[1:] &= white[:-1]
    ends = np.flatnonzero((characters == ord("\n")) | (characters == ord("\r")))
    counts = np.diff(np.cumsum(begins, dtype=np.int64)[ends], prepend=0)
    return counts[counts > 0]
