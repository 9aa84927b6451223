"""Nearly raw raster data (`.nrrd`), as 3D Slicer writes it: a scalar volume along the axes.

Source: *Definition of NRRD file format*, teem.sourceforge.net/nrrd. Read here, for VTK leaves out the directions.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.volume import Volume
from engine.io.format import Format, Progress
from engine.io.vtk import MOST_PACKED, damaged

HEADER = 1 << 16
"""Bytes in which a header must end."""


def read(path: Path, progress: Progress) -> Volume:
    entries, start = _header(path)
    if entries.get("dimension") != "3":
        raise FileError(
            path, f"it has {entries.get('dimension', 'no')} axes.", remedy="Export one scalar volume, with three axes."
        )
    sizes = _numbers(path, entries, "sizes")
    shape = (int(sizes[0]), int(sizes[1]), int(sizes[2]))
    if min(shape) < 1:
        raise damaged(path)
    spacing, flipped = _spacing(path, entries)
    origin = np.array(_numbers(path, entries, "space origin")) if "space origin" in entries else np.zeros(3)
    values = _values(path, entries, start, shape)
    progress(0.8)
    # An axis that runs downwards is turned, so that spacings are positive.
    turned = tuple(axis for axis in range(3) if flipped[axis])
    if turned:
        grid = np.flip(values.reshape(shape[::-1]), tuple(2 - axis for axis in turned))
        values = np.ascontiguousarray(grid).reshape(-1)
        origin = origin - flipped * (np.array(shape) - 1) * spacing
    x, y, z = origin.tolist()
    a, b, c = spacing.tolist()
    return Volume(shape, (x, y, z), (a, b, c), {"values": Field("values", values, "node")})


def _header(path: Path) -> tuple[dict[str, str], int]:
    """The entries, and the byte at which the values begin."""
    with path.open("rb") as stream:
        head = stream.read(HEADER)
    end = re.search(rb"\r?\n\r?\n", head)
    if end is None:
        raise damaged(path)
    text = head[: end.start()].decode("latin-1")
    found = {}
    for line in text.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            found[name.strip().lower()] = value.strip()
    return found, end.end()


def _spacing(path: Path, entries: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Steps along the axes, positive, and which axes run downwards."""
    if "space directions" in entries:
        rows = re.findall(r"\(([^)]*)\)", entries["space directions"])
        try:
            matrix = np.array([[float(number) for number in row.split(",")] for row in rows])
        except ValueError:
            raise damaged(path) from None
        if matrix.shape != (3, 3):
            raise damaged(path)
        steps = np.diag(matrix)
        if np.abs(matrix - np.diag(steps)).max() > 1e-6 * np.abs(steps).max():
            raise FileError(
                path, "its axes are oblique or exchanged, which is not read.", remedy="Resample it along the axes."
            )
    elif "spacings" in entries:
        steps = np.array(_numbers(path, entries, "spacings"))
    else:
        steps = np.ones(3)
    if not np.isfinite(steps).all() or (steps == 0).any():
        raise FileError(path, "its steps are zero or no numbers.", remedy="Export it again.")
    return np.abs(steps), steps < 0


def _numbers(path: Path, entries: dict[str, str], name: str) -> list[float]:
    try:
        found = [float(word) for word in re.sub(r"[(),]", " ", entries[name]).split()]
    except (KeyError, ValueError):
        raise damaged(path) from None
    if len(found) != 3:
        raise damaged(path)
    return found


def _values(path: Path, entries: dict[str, str], start: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Values with x fastest."""
    if "data file" in entries or "datafile" in entries:
        raise FileError(path, "its values are in another file.", remedy="Export it as one .nrrd file.")
    kind = _TYPES.get(entries.get("type", "").lower())
    encoding = entries.get("encoding", "").lower()
    if kind is None or encoding not in ("raw", "gzip", "gz"):
        said = entries.get("type", "none") if kind is None else encoding
        raise FileError(path, f"{said!r} is a type or a packing that is not read.", remedy="Export it raw or gzip.")
    wanted = int(np.prod(shape)) * np.dtype(kind).itemsize
    if wanted > (path.stat().st_size - start) * (1 if encoding == "raw" else MOST_PACKED):
        raise damaged(path)
    with path.open("rb") as stream:
        stream.seek(start)
        if encoding == "raw":
            content = stream.read(wanted)
        else:
            try:
                # No more than is wanted: a few bytes can stand for a thousand times as many.
                content = zlib.decompressobj(wbits=31).decompress(stream.read(), wanted)
            except zlib.error:
                raise damaged(path) from None
    if len(content) < wanted:
        raise damaged(path)
    order = ">" if entries.get("endian", "little").lower() == "big" else "<"
    return np.frombuffer(content, order + kind).astype(kind)


_TYPES = {
    word: kind
    for kind, words in {
        "i1": ("signed char", "int8", "int8_t"), "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
        "i2": ("short", "short int", "signed short", "int16", "int16_t"),
        "u2": ("ushort", "unsigned short", "uint16", "uint16_t"),
        "i4": ("int", "signed int", "int32", "int32_t"), "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
        "i8": ("longlong", "long long", "int64", "int64_t"), "u8": ("ulonglong", "uint64", "uint64_t"),
        "f4": ("float",), "f8": ("double",),
    }.items()
    for word in words
}  # fmt: skip
"""The words of the format for each type of NumPy."""


FORMAT = Format(name="nrrd", title="NRRD", extensions=(".nrrd",), reads=("volume",), read=read)
