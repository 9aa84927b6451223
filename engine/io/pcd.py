"""PCD, the scans of the Point Cloud Library: text, binary or compressed binary, through pypcd4.

Points that a scanner could not see stand there as NaN and are left out. What pypcd4 (1.5) needs beside it: headers
of before version 0.7 are completed, text may have more than one space between numbers, and a file that ends before
its points do is refused, where pypcd4 gives the points that are there.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.io.binary import columns_of_rows, vectors
from engine.io.format import Format, Progress, Raw

_DATA = re.compile(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", re.MULTILINE)
MOST_VALUES = 1 << 16
"""A point with more values than this is taken for damage: pypcd4 makes a name for each, until memory is full."""
_NORMALS = ("normal_x", "normal_y", "normal_z")


def read(path: Path, progress: Progress) -> Raw:
    from pypcd4 import MetaData

    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
        found = _DATA.search(head)
        if found is None:
            raise FileError(path, "its PCD header is not complete.", remedy="The file is truncated; copy it again.")
        coding = found[1].lower()
        header = _header(path, head[: found.start()], coding)
        metadata = MetaData.parse_header(header.decode("utf-8").splitlines())
        stream.seek(found.end())
        if coding == b"binary":
            row = metadata.build_dtype()
            if metadata.points * row.itemsize > size - found.end():
                raise _truncated(path, metadata.points)
            columns = columns_of_rows(stream, row, metadata.points, size, progress)
        else:
            columns = _decoded(path, header, stream.read(), coding)
            progress(0.8)
    single = [
        name for name, count in zip(metadata.fields, metadata.count, strict=True) if count == 1 and name.isidentifier()
    ]
    return _raw(path, {name: columns[name] for name in single if name in columns})


def _decoded(path: Path, header: bytes, body: bytes, coding: bytes) -> dict[str, np.ndarray]:
    """Columns of text or of compressed points."""
    from pypcd4 import PointCloud

    if coding == b"ascii":
        body = b"\n".join(b" ".join(line.split()) for line in body.splitlines())
    cloud = PointCloud.from_fileobj(io.BufferedReader(io.BytesIO(header + body)))
    rows, expected = np.atleast_1d(cloud.pc_data), cloud.metadata.points
    unpacked = int.from_bytes(body[4:8], "little")
    if len(rows) < expected or (coding == b"binary_compressed" and unpacked < expected * rows.itemsize):
        raise _truncated(path, expected)
    return {name: rows[name][:expected] for name in rows.dtype.names or ()}


def _truncated(path: Path, expected: int) -> FileError:
    return FileError(path, f"it ends before its {expected} points do.", remedy="The file is truncated; copy it again.")


def _header(path: Path, head: bytes, coding: bytes) -> bytes:
    """The header as of version 0.7, which says everything."""
    lines = [line.split() for line in head.decode("latin-1").splitlines()]
    entries = {words[0]: words[1:] for words in lines if len(words) > 1 and words[0] != "#"}
    entries["VERSION"] = ["0.7"]
    entries["FIELDS"] = entries.pop("COLUMNS", entries.get("FIELDS", []))
    entries.setdefault("HEIGHT", ["1"])
    entries.setdefault("COUNT", ["1"] * len(entries["FIELDS"]))
    if sum(map(int, entries["COUNT"])) > MOST_VALUES:
        raise FileError(path, f"its header promises more than {MOST_VALUES} values a point.", remedy="Save it again.")
    if "POINTS" not in entries and "WIDTH" in entries:
        entries["POINTS"] = [str(int(entries["WIDTH"][0]) * int(entries["HEIGHT"][0]))]
    known = ("VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "POINTS")
    text = "".join(f"{key} {' '.join(entries[key])}\n" for key in known if key in entries)
    return text.encode("utf-8") + b"DATA " + coding + b"\n"


def _raw(path: Path, columns: dict[str, np.ndarray]) -> Raw:
    if not all(axis in columns for axis in "xyz"):
        raise FileError(path, "it has no fields x, y and z.", remedy="Save it with positions.")
    finite = np.isfinite(columns["x"]) & np.isfinite(columns["y"]) & np.isfinite(columns["z"])
    missing = len(finite) - int(np.count_nonzero(finite))
    seen = finite if missing else slice(None)
    raw = Raw(vectors(columns["x"][seen], columns["y"][seen], columns["z"][seen]))
    if missing:
        raw.notes.append(f"{missing} points that the scanner did not see (not a number) were left out.")
    if all(name in columns for name in _NORMALS):
        raw.normals = vectors(*(columns[name][seen] for name in _NORMALS))
    for name, values in columns.items():
        if name in (*"xyz", *_NORMALS):
            continue
        if name in ("rgb", "rgba") and values.dtype.itemsize == 4:
            packed = np.ascontiguousarray(values[seen]).view(np.uint32)
            channels = np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=1)
            raw.fields["colour"] = Field("colour", channels / 255.0)
        else:
            raw.fields[name] = Field(name, values[seen].astype(np.float64))
    return raw


FORMAT = Format(name="pcd", title="PCD", extensions=(".pcd",), reads=("points",), read=read)
