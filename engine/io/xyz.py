"""Scans as text: one point a line, with or without normals, intensity and colour (`.xyz`, `.pts`, `.txt`, `.csv`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.format import Format, Progress, Raw
from engine.io.text import line_chunks, rows

_SEPARATORS = bytes.maketrans(b",;\t", b"   ")


def read(path: Path, progress: Progress) -> Raw:
    """Columns: x y z, then 1 intensity | 3 normal or colour | 4 intensity and colour | 6 normal and colour."""
    blocks: list[np.ndarray] = []
    begun = False
    for chunk in line_chunks(path, progress):
        text = chunk.translate(_SEPARATORS)
        if not begun or b"#" in text or b"/" in text:
            lines = [line for raw in text.splitlines() if (line := raw.strip()) and line[:1] not in b"#/"]
            text = b"\n".join(lines if begun else _without_header(path, lines))
            begun = begun or bool(lines)
        block = rows(path, text, least=3, what="point")
        if len(block):
            blocks.append(block)
    if not blocks:
        raise FileError(path, "it holds no points.", remedy="Write one point a line: x y z.")
    raw, rest = _parted(blocks)
    columns = 3 + rest.shape[1]
    if columns in (4, 7):
        raw.fields["intensity"] = Field("intensity", rest[:, 0].copy())
        rest = rest[:, 1:]
    for start in range(0, rest.shape[1] - 2, 3):
        triple = rest[:, start : start + 3]
        if raw.normals is None and _are_normals(triple):
            raw.normals = triple.copy()
        elif "colour" not in raw.fields:
            raw.fields["colour"] = Field("colour", triple / (255.0 if triple.max(initial=0.0) > 1.0 else 1.0))
    return raw


def _parted(blocks: list[np.ndarray]) -> tuple[Raw, np.ndarray]:
    """Positions, and what stands behind them, shape (n, columns). The blocks go as they are copied: a scan should not
    be in memory twice."""
    columns = min(block.shape[1] for block in blocks)
    count = sum(len(block) for block in blocks)
    positions, rest = np.empty((count, 3)), np.empty((count, columns - 3))
    while blocks:
        block = blocks.pop()
        positions[count - len(block) : count] = block[:, :3]
        rest[count - len(block) : count] = block[:, 3:columns]
        count -= len(block)
    return Raw(positions), rest


def _without_header(path: Path, lines: list[bytes]) -> list[bytes]:
    """The lines without up to two before the points: the number of them (`.pts`), the names of the columns."""
    if not lines:
        return lines
    for skip in range(min(3, len(lines))):
        if _is_row(lines[skip]):
            return lines[skip:]
    raise FileError(path, "it holds no columns of numbers.", remedy="Write one point a line: x y z.")


def _is_row(line: bytes) -> bool:
    try:
        return len([float(token) for token in line.split()]) >= 3
    except ValueError:
        return False


def _are_normals(triple: np.ndarray) -> bool:
    """Whether nearly all rows have length one."""
    length = np.linalg.norm(triple, axis=1)
    return bool((np.abs(length - 1.0) < 0.02).mean() > 0.95)


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    assert isinstance(geometry, Points)
    parts = [geometry.positions] if geometry.normals is None else [geometry.positions, geometry.normals]
    with path.open("w", encoding="ascii", newline="\n") as stream:
        stream.write(f"# Formwright, lengths in {unit}\n")
        stream.writelines(" ".join(map(repr, row)) + "\n" for row in np.hstack(parts).tolist())


FORMAT = Format(
    name="xyz",
    title="Points as text",
    extensions=(".xyz", ".pts", ".asc", ".txt", ".csv"),
    reads=("points",),
    read=read,
    writes=("points",),
    write=write,
    write_extensions=(".xyz", ".pts"),
)
