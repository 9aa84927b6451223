"""Wavefront OBJ through VTK: vertices, their colours, and faces; materials, normals and textures are passed over.

Not trimesh (5.2): it takes relative corners (`f -3 -2 -1`) from the end of the file instead of from their line,
corner 0 for the first vertex, leaves out faces that are cut short, and ignores `v` and `f` that a tab follows,
all without a word. VTK (from 9.7, in double precision) reads the former and refuses the latter.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.format import Format, Progress, Raw

_PASSED_OVER = re.compile(rb"/[^\s\\]*|^[ \t]*v[nt][ \t][^\n]*|\\\r?\n", re.MULTILINE)
"""Corners are positions alone (`f 7/1/3`: the first number), or VTK would cut the surface along seams of texture and
of normals; and lines that go on are joined."""


def read(path: Path, progress: Progress) -> Raw:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOCore import vtkMemoryResourceStream
    from vtkmodules.vtkIOGeometry import vtkOBJReader

    from engine.io.vtk import damaged, overheard, surface

    content = path.read_bytes()
    progress(0.1)
    content = _PASSED_OVER.sub(lambda found: b" " if found[0][:1] == b"\\" else b"", content)
    progress(0.3)
    with overheard() as messages:
        stream, reader = vtkMemoryResourceStream(), vtkOBJReader()
        stream.SetBuffer(content, len(content))
        reader.SetStream(stream)
        reader.Update()
        data = reader.GetOutput()
        if "error" in messages.GetOutput().lower():
            raise damaged(path)
    progress(0.7)
    if not data.GetNumberOfPoints():
        curves = re.search(rb"^\s*(curv|surf)", content, re.MULTILINE)
        message = "it holds curved surfaces, which are not read." if curves else "it holds no vertices."
        raise FileError(path, message, remedy="Export the part as a triangle mesh.")
    raw = surface(path, data)
    raw.fields.clear()
    if raw.triangles is None:
        raw.notes.append("It holds no faces: its vertices are read as a point cloud.")
    colours = data.GetPointData().GetArray("RGB")
    if colours is not None and colours.GetNumberOfTuples() == len(raw.positions):
        raw.fields["colour"] = Field("colour", vtk_to_numpy(colours) / 255.0)
    return raw


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    from vtkmodules.vtkIOGeometry import vtkOBJWriter

    from engine.io.vtk import polygon_data, save

    save(vtkOBJWriter(), polygon_data(geometry), path)


FORMAT = Format(
    name="obj",
    title="Wavefront OBJ",
    extensions=(".obj",),
    reads=("mesh", "points"),
    read=read,
    writes=("mesh", "points"),
    write=write,
)
