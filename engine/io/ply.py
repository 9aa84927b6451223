"""PLY: meshes and scans, text or binary of either byte order, with normals, colours and other named values.

Own code, because the libraries lose what stands in a file. trimesh (5.2) writes positions in single precision
(1e6 mm away they move by 0.03 mm), refuses binary files whose polygons differ in length or that go on behind their
last element, and opens a text file that lacks faces or parts of them without a word. VTK (9.7) reads and writes
positions in single precision and drops named values.
Source: Turk (1994), "The PLY Polygon File Format".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.binary import columns_of_rows, vectors
from engine.io.format import Format, Progress, Raw
from engine.io.polygons import triangulate
from engine.io.text import line_chunks, numbers

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass
class _Property:
    """`length` is the type of a list's length, or empty for a single value."""

    name: str
    kind: str
    length: str = ""


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


Columns = dict[str, np.ndarray | tuple[np.ndarray, np.ndarray]]
"""Property name -> values, shape (count,), or (lengths, values one list after the other)."""


def read(path: Path, progress: Progress) -> Raw:
    with path.open("rb") as stream:
        order, elements = _header(path, stream)
        start = stream.tell()
        data = _binary(path, stream, order, elements, progress) if order else _text(path, start, elements, progress)
    vertex = data.get("vertex")
    if vertex is None or not all(isinstance(vertex.get(axis), np.ndarray) for axis in "xyz"):
        raise FileError(path, "it holds no vertices with x, y and z.", remedy="Export it again.")
    raw = Raw(vectors(*(np.asarray(vertex.pop(axis)) for axis in "xyz")))
    if all(isinstance(vertex.get(axis), np.ndarray) for axis in ("nx", "ny", "nz")):
        raw.normals = vectors(*(np.asarray(vertex.pop(axis)) for axis in ("nx", "ny", "nz")))
    if all(isinstance(vertex.get(colour), np.ndarray) for colour in ("red", "green", "blue")):
        rgb = [np.asarray(vertex.pop(colour)) for colour in ("red", "green", "blue")]
        depth = 255.0 if rgb[0].dtype.kind in "iu" else 1.0
        raw.fields["colour"] = Field("colour", np.stack(rgb, axis=1).astype(np.float64) / depth)
    for name, values in vertex.items():
        if isinstance(values, np.ndarray) and name != "alpha":
            raw.fields[name] = Field(name, values.astype(np.float64))
    _faces(path, data, raw)
    return raw


def _faces(path: Path, data: dict[str, Columns], raw: Raw) -> None:
    face = data.get("face", {})
    lists = next((face[name] for name in ("vertex_indices", "vertex_index") if name in face), None)
    if isinstance(lists, tuple) and len(lists[0]):
        counts, corners = lists
        if not np.isfinite(corners).all():
            raise FileError(path, "a face refers to something that is no vertex number.", remedy="Export it again.")
        raw.triangles = triangulate(path, raw.positions, counts, corners.astype(np.int64))
        if (counts > 3).any():
            raw.notes.append(f"{int((counts > 3).sum())} polygons were split into triangles.")
    elif "tristrips" in data:
        raise FileError(path, "it holds triangle strips, which are not read.", remedy="Export it as plain triangles.")


def _header(path: Path, stream: BinaryIO) -> tuple[str, list[_Element]]:
    """Byte order ("" for text) and the elements; the stream stands at the first byte after the header."""
    order: str | None = None
    elements: list[_Element] = []
    for _ in range(1000):
        line = stream.readline(4096)
        if not line:
            break
        words = line.decode("latin-1").split()
        try:
            if words[:1] == ["format"]:
                order = _ORDERS[words[1]]
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2])))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append(_Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append(_Property(words[2], _TYPES[words[1]]))
            elif words[:1] == ["end_header"]:
                break
        except (IndexError, KeyError, ValueError):
            raise FileError(
                path, f"its header has a line that is no PLY: {' '.join(words)[:60]!r}.", remedy="Export it again."
            ) from None
    else:
        order = None
    if order is None or words[:1] != ["end_header"] or any(element.count < 0 for element in elements):
        raise FileError(path, "its PLY header is not complete.", remedy="The file is truncated; export it again.")
    return order, elements


def _truncated(path: Path, element: _Element) -> FileError:
    return FileError(
        path,
        f"it ends before its {element.count} {element.name} entries do.",
        remedy="The file is truncated; copy or export it again.",
    )


def _binary(
    path: Path, stream: BinaryIO, order: str, elements: list[_Element], progress: Progress
) -> dict[str, Columns]:
    size = path.stat().st_size
    data: dict[str, Columns] = {}
    for element in elements:
        if not element.count or not element.properties:
            continue
        lists = [item for item in element.properties if item.length]
        start = stream.tell()
        least = sum(np.dtype(item.length or item.kind).itemsize for item in element.properties)
        if element.count * least > size - start:
            raise _truncated(path, element)
        lengths = _first_lengths(stream, order, element) if lists else {}
        row = _row_type(order, element, lengths)
        if not lists:
            if start + row.itemsize * element.count > size:
                raise _truncated(path, element)
            data[element.name] = dict(columns_of_rows(stream, row, element.count, size, progress))
            continue
        if start + row.itemsize * element.count <= size:
            stream.seek(start)
            rows = np.fromfile(stream, row, element.count)
            if all((rows[f"{item.name} length"] == lengths[item.name]).all() for item in lists):
                data[element.name] = {item.name: _column(rows, item) for item in element.properties}
                progress(stream.tell() / size)
                continue
        stream.seek(start)
        data[element.name] = _ragged(path, stream, order, element, progress)
    return data


def _first_lengths(stream: BinaryIO, order: str, element: _Element) -> dict[str, int]:
    """Length of each list in the first row."""
    lengths = {}
    for item in element.properties:
        count = 1
        if item.length:
            kind = np.dtype(order + item.length)
            count = max(0, int(np.frombuffer(stream.read(kind.itemsize).ljust(kind.itemsize, b"\0"), kind)[0]))
            lengths[item.name] = min(count, 1 << 16)
        stream.seek(count * np.dtype(item.kind).itemsize, 1)
    return lengths


def _row_type(order: str, element: _Element, lengths: dict[str, int]) -> np.dtype:
    columns: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for item in element.properties:
        if item.length:
            columns.append((f"{item.name} length", order + item.length))
            columns.append((item.name, order + item.kind, (lengths[item.name],)))
        else:
            columns.append((item.name, order + item.kind))
    return np.dtype(columns)


def _column(rows: np.ndarray, item: _Property) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    if item.length:
        return rows[f"{item.name} length"].astype(np.int64), rows[item.name].reshape(-1)
    return rows[item.name]


def _ragged(path: Path, stream: BinaryIO, order: str, element: _Element, progress: Progress) -> Columns:
    """Rows whose lists differ in length, one by one."""
    rest = stream.read()
    kinds = [
        (item, np.dtype(order + item.kind), np.dtype(order + (item.length or "u1"))) for item in element.properties
    ]
    values: dict[str, list[np.ndarray]] = {item.name: [] for item in element.properties}
    offset = 0
    try:
        for row in range(element.count):
            for item, kind, length in kinds:
                count = 1
                if item.length:
                    count = int(np.frombuffer(rest, length, 1, offset)[0])
                    offset += length.itemsize
                if count < 0:
                    raise _truncated(path, element)
                values[item.name].append(np.frombuffer(rest, kind, count, offset) if count else np.empty(0, kind))
                offset += count * kind.itemsize
            if row % 50_000 == 0:
                progress(row / element.count)
    except ValueError:
        raise _truncated(path, element) from None
    stream.seek(offset - len(rest), 1)
    columns: Columns = {}
    for item, _, _ in kinds:
        joined = np.concatenate(values[item.name])
        columns[item.name] = (
            (np.array([len(part) for part in values[item.name]], np.int64), joined) if item.length else joined
        )
    return columns


def _text(path: Path, start: int, elements: list[_Element], progress: Progress) -> dict[str, Columns]:
    pieces = [numbers(path, chunk) for chunk in line_chunks(path, progress, skip=start)]
    values = np.concatenate(pieces) if pieces else np.empty(0)
    data: dict[str, Columns] = {}
    offset = 0
    for element in elements:
        if not element.count or not element.properties:
            continue
        width = len(element.properties)
        if element.count * width > values.size - offset:
            raise _truncated(path, element)
        if not any(item.length for item in element.properties):
            rows = values[offset : offset + element.count * width].reshape(-1, width)
            data[element.name] = {
                item.name: rows[:, i].astype(
                    item.kind if item.kind[0] in "iu" and np.isfinite(rows[:, i]).all() else "f8"
                )
                for i, item in enumerate(element.properties)
            }
            offset += rows.size
        else:
            data[element.name], offset = _text_lists(path, values, offset, element)
    return data


def _text_lists(path: Path, values: np.ndarray, offset: int, element: _Element) -> tuple[Columns, int]:
    single = len(element.properties) == 1
    width = int(values[offset]) + 1 if single and 0 <= values[offset] < 1 << 16 else 0
    if single and width and offset + width * element.count <= values.size:
        rows = values[offset : offset + width * element.count].reshape(-1, width)
        if (rows[:, 0] == width - 1).all():
            lengths = np.full(element.count, width - 1, np.int64)
            return {element.properties[0].name: (lengths, rows[:, 1:].reshape(-1))}, offset + rows.size
    parts: dict[str, list[np.ndarray]] = {item.name: [] for item in element.properties}
    for _ in range(element.count):
        for item in element.properties:
            count = 1
            if item.length:
                if offset >= values.size or not 0 <= values[offset] <= values.size:
                    raise _truncated(path, element)
                count = int(values[offset])
                offset += 1
            if offset + count > values.size:
                raise _truncated(path, element)
            parts[item.name].append(values[offset : offset + count])
            offset += count
    columns: Columns = {}
    for item in element.properties:
        joined = np.concatenate(parts[item.name])
        columns[item.name] = (
            (np.array([len(part) for part in parts[item.name]], np.int64), joined) if item.length else joined
        )
    return columns, offset


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    """Binary, little-endian, positions in double precision; values on vertices as properties of their names."""
    mesh = geometry if isinstance(geometry, Mesh) else None
    positions = geometry.vertices if isinstance(geometry, Mesh) else geometry.positions
    normals = geometry.normals if isinstance(geometry, Points) else None
    colour = geometry.fields.get("colour")
    columns: list[tuple[str, str]] = [(axis, "<f8") for axis in "xyz"]
    if normals is not None:
        columns += [(axis, "<f4") for axis in ("nx", "ny", "nz")]
    has_colour = colour is not None and colour.values.shape == (len(positions), 3)
    if has_colour:
        columns += [(name, "|u1") for name in ("red", "green", "blue")]
    scalars = {
        field.name.replace(" ", "_"): field.values
        for field in geometry.fields.values()
        if field.values.shape == (len(positions),) and field.domain != "face"
    }
    columns += [(name, "<i4" if values.dtype.kind in "biu" else "<f8") for name, values in scalars.items()]
    rows = np.empty(len(positions), np.dtype(columns))
    for name, values in scalars.items():
        rows[name] = values
    for i, axis in enumerate("xyz"):
        rows[axis] = positions[:, i]
        if normals is not None:
            rows[f"n{axis}"] = normals[:, i]
    if has_colour and colour is not None:
        for i, name in enumerate(("red", "green", "blue")):
            rows[name] = np.clip(np.rint(colour.values[:, i] * 255.0), 0, 255)
    kinds = {"<f8": "double", "<f4": "float", "<i4": "int", "|u1": "uchar"}
    header = ["ply", "format binary_little_endian 1.0", f"comment Formwright, lengths in {unit}"]
    header += [f"element vertex {len(rows)}", *(f"property {kinds[kind]} {name}" for name, kind in columns)]
    if mesh is not None:
        header += [f"element face {mesh.triangle_count}", "property list uchar int vertex_indices"]
    with path.open("wb") as stream:
        stream.write(("\n".join([*header, "end_header"]) + "\n").encode("ascii"))
        stream.write(rows.tobytes())
        if mesh is not None:
            faces = np.empty(mesh.triangle_count, np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
            faces["count"], faces["corners"] = 3, mesh.triangles
            stream.write(faces.tobytes())


FORMAT = Format(
    name="ply",
    title="PLY",
    extensions=(".ply",),
    reads=("mesh", "points"),
    read=read,
    writes=("mesh", "points"),
    write=write,
)
