"""Gmsh's meshes (`.msh`), written: tetrahedra in the binary form of version 2.2, which every solver reads.

Source: *MSH file format version 2*, in the Gmsh reference manual. All tetrahedra belong to one physical volume, 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.geometry.tet_mesh import TetMesh
from engine.io.format import Format

_TETRAHEDRON = 4
"""Gmsh's number for a tetrahedron of four nodes."""


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
    reads=(),
    read=None,
    writes=("tetrahedra",),
    write_tetrahedra=write,
    tetrahedra_extensions=(".msh",),
)
