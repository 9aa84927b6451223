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
from engine.io.format import Format, Progress, Raw

_DATA = re.compile(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", re.MULTILINE)
MOST_VALUES = 1 << 16
"""A point with more values than this is taken for damage: pypcd4 makes a name for each, until memory is full."""
_NORMALS = ("normal_x", "normal_y", "normal_z")


def read(path: Path, progress: Progress) -> Raw:
    from pypcd4 import PointCloud

    content = path.read_bytes()
    progress(0.2)
    found = _DATA.search(content[: 1 << 16])
    if found is None:
        raise FileError(path, "its PCD header is not complete.", remedy="The file is truncated; copy it again.")
    coding, body = found[1].lower(), content[found.end() :]
    if coding == b"ascii":
        body = b"\n".join(b" ".join(line.split()) for line in body.splitlines())
    cloud = PointCloud.from_fileobj(
        io.BufferedReader(io.BytesIO(_header(path, content[: found.start()], coding) + body))
    )
    progress(0.8)
    rows, expected = np.atleast_1d(cloud.pc_data), cloud.metadata.points
    unpacked = int.from_bytes(body[4:8], "little")
    if len(rows) < expected or (coding == b"binary_compressed" and unpacked < expected * rows.itemsize):
        raise FileError(
            path, f"it ends before its {expected} points do.", remedy="The file is truncated; copy it again."
        )
    single = [
        name
        for name, count in zip(cloud.metadata.fields, cloud.metadata.count, strict=True)
        if count == 1 and name.isidentifier()
    ]
    return _raw(path, {name: rows[name][:expected] for name in single})


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
    positions = np.stack([columns[axis].astype(np.float64) for axis in "xyz"], axis=1)
    seen = np.isfinite(positions).all(axis=1)
    raw = Raw(positions[seen])
    if not seen.all():
        raw.notes.append(f"{int((~seen).sum())} points that the scanner did not see (not a number) were left out.")
    if all(name in columns for name in _NORMALS):
        raw.normals = np.stack([columns[name][seen].astype(np.float64) for name in _NORMALS], axis=1)
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
