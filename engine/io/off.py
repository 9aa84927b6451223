"""OFF: vertices and polygons as text.

Own code, because the libraries lose what stands in a file. trimesh (5.2) opens files that end before their faces do,
leaves out faces that are cut short, turns concave polygons over and drops normals. VTK (9.7) refuses `COFF`, `NOFF`,
counts on the first line and files without faces, and a count that is damaged ends its process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.format import Format, Progress, Raw
from engine.io.polygons import triangulate
from engine.io.text import line_chunks, numbers, table

_KEYWORDS = (b"OFF", b"COFF", b"NOFF", b"CNOFF")


def read(path: Path, progress: Progress) -> Raw:
    lines: list[bytes] = []
    for chunk in line_chunks(path, progress):
        lines += [text for line in chunk.splitlines() if (text := line.split(b"#", 1)[0].strip())]
    if not lines or lines[0].split()[0] not in _KEYWORDS:
        raise FileError(path, "it does not begin with OFF.", remedy="It is of another kind, or damaged.")
    keyword, *rest = lines[0].split(None, 1)
    lines = rest + lines[1:]
    counts = numbers(path, lines[0]) if lines else np.empty(0)
    if counts.size < 2 or not np.isfinite(counts).all() or counts.min() < 0:
        raise FileError(path, "it does not say how many vertices and faces it has.", remedy="Export it again.")
    vertex_count, face_count = int(counts[0]), int(counts[1])
    if vertex_count + face_count > len(lines) - 1:
        raise FileError(
            path,
            f"it promises {vertex_count} vertices and {face_count} faces and ends before.",
            remedy="The file is truncated; copy or export it again.",
        )
    values = table(path, lines[1 : 1 + vertex_count], least=3, what="vertex")
    raw = Raw(values[:, :3].copy())
    if b"N" in keyword and values.shape[1] >= 6:
        raw.normals = values[:, 3:6].copy()
    if face_count:
        lengths, corners = _faces(path, lines[1 + vertex_count : 1 + vertex_count + face_count])
        raw.triangles = triangulate(path, raw.positions, lengths, corners)
        if (lengths > 3).any():
            raw.notes.append(f"{int((lengths > 3).sum())} polygons were split into triangles.")
    return raw


def _faces(path: Path, lines: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Corner counts and corners; what stands behind the corners on a line is a colour."""
    width = int(float(lines[0].split()[0])) + 1 if lines[0].split()[0].isdigit() else 0
    text = b" ".join(lines)
    values = numbers(path, text)
    if 1 < width < 1 << 16 and values.size == width * len(lines):
        rows = values.reshape(-1, width)
        if (rows[:, 0] == width - 1).all() and np.isfinite(rows).all():
            return np.full(len(rows), width - 1), rows[:, 1:].reshape(-1).astype(np.int64)
    lengths, corners = [], []
    for line in lines:
        row = numbers(path, line)
        count = int(row[0]) if row.size and np.isfinite(row[0]) else -1
        if count < 0 or row.size < count + 1 or not np.isfinite(row[: count + 1]).all():
            raise FileError(path, f"a face has fewer corners than it says: {line[:40]!r}.", remedy="Export it again.")
        lengths.append(count)
        corners.append(row[1 : count + 1])
    return np.array(lengths), np.concatenate(corners).astype(np.int64)


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    assert isinstance(geometry, Mesh)
    with path.open("w", encoding="ascii", newline="\n") as stream:
        stream.write(f"OFF\n# Formwright, lengths in {unit}\n{geometry.vertex_count} {geometry.triangle_count} 0\n")
        stream.writelines(f"{x!r} {y!r} {z!r}\n" for x, y, z in geometry.vertices.tolist())
        stream.writelines(f"3 {a} {b} {c}\n" for a, b, c in geometry.triangles.tolist())


FORMAT = Format(
    name="off",
    title="OFF",
    extensions=(".off",),
    reads=("mesh", "points"),
    read=read,
    writes=("mesh",),
    write=write,
)
