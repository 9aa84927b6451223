"""LAS and LAZ, the scans of surveyors, through laspy; read in pieces.

Coordinates are whole numbers with a scale and an offset, mostly in metres of a map's projection; the file says its
unit only by naming the projection, so metres are assumed.
Source: ASPRS, LAS specification 1.4-R15.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.io.format import Format, Progress, Raw
from engine.io.optional import optional_library

POINTS_AT_ONCE = 1 << 20
_COMPRESSED = 0x80
_COLOURS = ("red", "green", "blue")


def read(path: Path, progress: Progress) -> Raw:
    """Positions, and intensity, class and colour where the points have them."""
    laspy, _ = optional_library(path, "laspy", "lazrs", extra="scans")
    size = path.stat().st_size
    _check_records(path, size)
    with laspy.open(path) as reader:
        header = reader.header
        count = int(header.point_count)
        # A compressed point has at least a bit or two; the header's word alone fills no memory.
        if count > 16 * size or (not header.are_points_compressed and count * header.point_format.size > size):
            raise _truncated(path, count)
        names = [
            name
            for name in ("intensity", "classification", *_COLOURS)
            if name in set(header.point_format.dimension_names)
        ]
        positions = np.empty((count, 3))
        columns = {name: np.empty(count, np.float32) for name in names}
        begin = 0
        for points in reader.chunk_iterator(POINTS_AT_ONCE):
            end = begin + len(points)
            if end > count:
                break
            for axis, name in enumerate("xyz"):
                positions[begin:end, axis] = points[name]
            for name, column in columns.items():
                column[begin:end] = points[name]
            begin = end
            progress(begin / count)
    if begin < count:
        raise _truncated(path, count)
    if not count:
        raise FileError(path, "it holds no points.", remedy="Export it again.")
    raw = Raw(positions)
    if all(name in columns for name in _COLOURS):
        colour = np.stack([columns.pop(name) for name in _COLOURS], axis=1)
        # The specification wants 16 bits; many programs write 8.
        if colour.any():
            raw.fields["colour"] = Field("colour", colour / (65535.0 if colour.max() > 255 else 255.0))
    raw.fields |= {name: Field(name, column) for name, column in columns.items() if column.any()}
    return raw


def _check_records(path: Path, size: int) -> None:
    """Refuse a header that promises more records than there are bytes for: laspy (2.7) reads nothing, so many times.

    Source: LAS 1.4, tables 3 (public header), 6 (variable length records) and 7 (extended ones).
    """
    with path.open("rb") as stream:
        header = stream.read(375)
    if len(header) < 227:
        raise FileError(path, "it ends within its header.", remedy="The file is truncated; copy it again.")
    header_size, points_at, records = struct.unpack_from("<HII", header, 94)
    extended_at, extended = struct.unpack_from("<QI", header, 235) if len(header) >= 247 and header[25] >= 4 else (0, 0)
    whole = header_size + 54 * records <= points_at <= size and not (extended and extended_at + 60 * extended > size)
    if not whole or (header[104] & _COMPRESSED and not _has_chunks(path, points_at, size)):
        raise FileError(path, "its header promises records that are not there.", remedy="Copy or export it again.")


def _has_chunks(path: Path, points_at: int, size: int) -> bool:
    """Whether the table of compressed pieces is where it should be, and no longer than the file: lazrs (0.8) makes room
    for as many as it says, and its process ends where there is none."""
    with path.open("rb") as stream:
        stream.seek(points_at)
        (table_at,) = struct.unpack("<q", stream.read(8).ljust(8, b"\0"))
        if table_at == -1:  # written without going back: it stands at the end
            stream.seek(max(0, size - 8))
            (table_at,) = struct.unpack("<q", stream.read(8).ljust(8, b"\0"))
        if not points_at < table_at <= size - 8:
            return False
        stream.seek(table_at)
        version, chunks = struct.unpack("<II", stream.read(8))
    return bool(version == 0 and chunks <= size - table_at)


def _truncated(path: Path, count: int) -> FileError:
    return FileError(path, f"it ends before its {count} points do.", remedy="The file is truncated; copy it again.")


FORMAT = Format(
    name="las",
    title="LAS",
    extensions=(".las", ".laz"),
    reads=("points",),
    read=read,
    usual_unit="m",
)
