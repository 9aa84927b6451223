"""Gmsh's meshes (`.msh`): versions 2.2 and 4.1 are read, as text and as binary; 2.2, which every solver reads, is
written.

Source: *MSH file format* and *MSH file format version 2*, in the Gmsh reference manual. Tetrahedra are taken, or the
triangles where there are none. All tetrahedra that are written belong to one physical volume, 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.errors import FileError
from engine.geometry.tet_mesh import TetMesh
from engine.io.format import Format, Progress, Raw
from engine.io.tetrahedra import raw_tetrahedra

_TRIANGLE, _TETRAHEDRON = 2, 4
"""Gmsh's numbers for elements with nodes at their corners alone."""

_NODES = {
    1: 2, 2: 3, 3: 4, 4: 4, 5: 8, 6: 6, 7: 5, 8: 3, 9: 6, 10: 9, 11: 10, 12: 27, 13: 18, 14: 14, 15: 1, 16: 8, 17: 20,
    18: 15, 19: 13, 20: 9, 21: 10, 22: 12, 23: 15, 24: 15, 25: 21, 26: 4, 27: 5, 28: 6, 29: 20, 30: 35, 31: 56,
}  # fmt: skip
"""Nodes of each kind of element."""

_OTHER_SOLIDS = (5, 6, 7, 11, 12, 13, 14, 17, 18, 19, 29, 30, 31)

_AT_ONCE = 1 << 16
"""Elements of a text that are looked at together for where their kind ends."""

Elements = Iterator[tuple[int, np.ndarray]]
"""Kinds, and the nodes of elements of that kind, shape (count, nodes of the kind)."""


def read(path: Path, progress: Progress) -> Raw:
    content = path.read_bytes()
    if b"$MeshFormat" not in content[:4096]:
        raise FileError(path, "it is no mesh of Gmsh; other programs use this ending too.", remedy="Save it as VTU.")
    try:
        version, binary, width = content.partition(b"$MeshFormat")[2].split(b"\n", 2)[1].split()[:3]
        text = binary == b"0"
    except (IndexError, ValueError):
        raise _damaged(path) from None
    if version not in (b"2.2", b"2", b"4.1") or width != b"8":
        raise FileError(
            path, f"it is of version {version.decode(errors='replace')[:8]} of Gmsh's format.",
            remedy="Save it as version 4.1 or 2.2.",
        )  # fmt: skip
    order = "<" if text or content.partition(b"$MeshFormat")[2].split(b"\n", 2)[2][:4] == b"\1\0\0\0" else ">"
    nodes, elements = (_Numbers(path, content, name, text, order) for name in (b"$Nodes", b"$Elements"))
    numbers, positions = (_nodes_4 if version == b"4.1" else _nodes_2)(nodes)
    progress(0.4)
    found: dict[int, list[np.ndarray]] = {}
    for kind, corners in (_elements_4 if version == b"4.1" else _elements_2)(elements):
        found.setdefault(kind, []).append(corners)
    progress(0.8)
    if any(kind in found for kind in _OTHER_SOLIDS):
        raise FileError(
            path, "it holds solid elements that are no tetrahedra of four nodes.",
            remedy="Make the mesh of first-order tetrahedra.",
        )  # fmt: skip
    if _TETRAHEDRON in found:
        return raw_tetrahedra(path, positions, _indices(path, numbers, found[_TETRAHEDRON]), {})
    if _TRIANGLE in found:
        return Raw(positions, _indices(path, numbers, found[_TRIANGLE]))
    raise FileError(path, "it holds no tetrahedra and no triangles.", remedy="Mesh the part in Gmsh first.")


def _nodes_2(numbers: _Numbers) -> tuple[np.ndarray, np.ndarray]:
    count = numbers.line()
    if numbers.text:
        rows = numbers.take(4 * count, "f8").reshape(count, 4)
        return rows[:, 0].astype(np.int64), rows[:, 1:]
    packed = numbers.take(count * 28, "u1").reshape(count, 28)
    tags, positions = (np.ascontiguousarray(part) for part in (packed[:, :4], packed[:, 4:]))
    return (
        tags.view(f"{numbers.order}i4")[:, 0].astype(np.int64),
        positions.view(f"{numbers.order}f8").astype(np.float64),
    )


def _nodes_4(numbers: _Numbers) -> tuple[np.ndarray, np.ndarray]:
    blocks = int(numbers.take(4, "u8")[0])
    tags, positions = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for _ in range(blocks):
        dimension, _entity, parametric = numbers.take(3, "i4").tolist()
        count = int(numbers.take(1, "u8")[0])
        columns = 3 + (dimension if parametric else 0)
        tags.append(numbers.take(count, "u8").astype(np.int64))
        positions.append(numbers.take(count * columns, "f8").reshape(count, columns)[:, :3])
    return np.concatenate(tags), np.concatenate(positions)


def _elements_2(numbers: _Numbers) -> Elements:
    left = numbers.line()
    while left > 0:
        if numbers.text:
            kind, tags = numbers.peek(3)[1:].astype(np.int64).tolist()
            width = 3 + tags + _node_count(numbers.path, kind)
            rows = numbers.equal_rows(width, min(left, _AT_ONCE))
            yield kind, rows[:, 3 + tags :].astype(np.int64)
        else:
            kind, count, tags = numbers.take(3, "i4").tolist()
            width = 1 + tags + _node_count(numbers.path, kind)
            rows = numbers.take(count * width, "i4").reshape(count, width)
            yield kind, rows[:, 1 + tags :].astype(np.int64)
        if not len(rows):
            raise _damaged(numbers.path)
        left -= len(rows)


def _elements_4(numbers: _Numbers) -> Elements:
    for _ in range(int(numbers.take(4, "u8")[0])):
        _dimension, _entity, kind = numbers.take(3, "i4").tolist()
        count = int(numbers.take(1, "u8")[0])
        width = 1 + _node_count(numbers.path, kind)
        yield kind, numbers.take(count * width, "u8").reshape(count, width)[:, 1:].astype(np.int64)


class _Numbers:
    """The numbers of a section, one after the other, as text or as binary."""

    def __init__(self, path: Path, content: bytes, section: bytes, text: bool, order: str) -> None:
        self.path, self.text, self.order = path, text, order
        start = content.find(section)
        self._at = content.find(b"\n", start) + 1
        if start < 0 or not self._at:
            raise _damaged(path)
        self._content = content
        if text:
            end = content.find(b"$End", self._at)
            if end < 0:
                raise _damaged(path)
            self._values = np.array(content[self._at : end].split(), np.float64)
            self._at = 0

    def line(self) -> int:
        """A count on a line of its own, text in binary files too."""
        if self.text:
            return int(self.take(1, "i4")[0])
        end = self._content.find(b"\n", self._at)
        count = int(self._content[self._at : end])
        self._at = end + 1
        return count

    def take(self, count: int, kind: str) -> np.ndarray:
        """The next numbers; `kind` is their type in a binary file."""
        if self.text:
            return self._forward(self._values[self._at : self._at + count], count, count)
        dtype = np.dtype(self.order + kind)
        if count < 0 or count * dtype.itemsize > len(self._content) - self._at:
            raise _damaged(self.path)
        return self._forward(np.frombuffer(self._content, dtype, count, self._at), count, count * dtype.itemsize)

    def peek(self, count: int) -> np.ndarray:
        """The next numbers of a text, which stay."""
        found = self._values[self._at : self._at + count]
        if len(found) < count:
            raise _damaged(self.path)
        return found

    def equal_rows(self, width: int, most: int) -> np.ndarray:
        """Of a text: the rows from here on that have the kind and the number of tags of the first, up to `most`."""
        there = min(most, (len(self._values) - self._at) // width)
        rows = self._values[self._at : self._at + there * width].reshape(there, width)
        other = np.flatnonzero((rows[:, 1:3] != rows[:1, 1:3]).any(axis=1))
        rows = rows[: other[0]] if len(other) else rows
        self._at += rows.size
        return rows

    def _forward(self, found: np.ndarray, count: int, step: int) -> np.ndarray:
        if count < 0 or len(found) < count:
            raise _damaged(self.path)
        self._at += step
        return found


def _node_count(path: Path, kind: int) -> int:
    if kind not in _NODES:
        raise FileError(path, f"it holds elements of kind {kind}, which is not known here.", remedy="Use tetrahedra.")
    return _NODES[kind]


def _indices(path: Path, numbers: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Indices of nodes that are called by number."""
    wanted = np.concatenate(blocks)
    order = np.argsort(numbers, kind="stable")
    place = np.minimum(np.searchsorted(numbers[order], wanted), len(numbers) - 1)
    if not len(numbers) or (numbers[order][place] != wanted).any():
        raise FileError(path, "an element refers to a node that does not exist.", remedy="Export it again.")
    return np.asarray(order[place])


def _damaged(path: Path) -> FileError:
    return FileError(path, "it is damaged or cut short.", remedy="Export it again.")


def write(body: TetMesh, path: Path, unit: str) -> None:
    nodes = np.empty(body.vertex_count, dtype=[("number", "<i4"), ("position", "<f8", 3)])
    nodes["number"] = np.arange(1, body.vertex_count + 1)
    nodes["position"] = body.vertices
    # One header for all: kind, how many follow, how many tags each has.
    header = np.array([_TETRAHEDRON, body.tet_count, 2], "<i4")
    elements = np.empty((body.tet_count, 7), "<i4")
    elements[:, 0] = np.arange(1, body.tet_count + 1)
    elements[:, 1:3] = 1
    elements[:, 3:] = body.tets + 1
    with path.open("wb") as stream:
        stream.write(b"$MeshFormat\n2.2 1 8\n" + np.array([1], "<i4").tobytes() + b"\n$EndMeshFormat\n")
        stream.write(b'$PhysicalNames\n1\n3 1 "body"\n$EndPhysicalNames\n')
        stream.write(b"$Nodes\n%d\n" % body.vertex_count + nodes.tobytes() + b"\n$EndNodes\n")
        stream.write(b"$Elements\n%d\n" % body.tet_count)
        stream.write(header.tobytes() + elements.tobytes() + b"\n$EndElements\n")


FORMAT = Format(
    name="msh",
    title="Gmsh",
    extensions=(".msh",),
    reads=("mesh",),
    read=read,
    writes=("tetrahedra",),
    write_tetrahedra=write,
    tetrahedra_extensions=(".msh",),
)
