"""STL, binary and text, read by trimesh and written by VTK.

Triangles are written one by one, so vertices are merged on reading. Writing is VTK's because a window writes files
in its own process, where trimesh (a second to import) has no place. What trimesh (5.2) passes over is looked at
beside it: a file cut short reads as an empty one, and so does a binary one with bytes behind its last triangle.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.format import Format, Progress, Raw

HEADER, FACET = 84, 50
"""Bytes before the first triangle of a binary file, and of each."""
_NAMED = re.compile(rb"^([ \t]*(?:end)?solid)\b[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def read(path: Path, progress: Progress) -> Raw:
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(4096)
    stated = int.from_bytes(head[80:84], "little") if len(head) >= HEADER else -1
    whole = HEADER + FACET * stated
    if size != whole and head.lstrip()[:5].lower() == b"solid" and b"face" in head.lower():
        found = _load(_text(path))
    elif stated < 0:
        raise FileError(path, "it is too short for an STL file.", remedy="The file is truncated; export it again.")
    elif size < whole or (stated == 0 and size != whole):
        raise FileError(
            path,
            f"its header promises {stated} triangles and it holds {max(0, size - HEADER) // FACET}.",
            remedy="The file is truncated or no STL; export it again.",
        )
    else:
        with path.open("rb") as stream:
            content = stream.read(whole)
        progress(0.3)
        found = _load(content)
    progress(0.7)
    solids = found["geometry"].values() if "geometry" in found else [found]
    with np.errstate(invalid="ignore"):
        corners = np.concatenate([np.empty((0, 3)), *(np.asarray(solid["vertices"], np.float64) for solid in solids)])
    return Raw(corners, np.arange(len(corners), dtype=np.int64).reshape(-1, 3), soup=True)


def _text(path: Path) -> bytes:
    """The file without the names of its solids, in which trimesh looks for keywords too."""
    content = path.read_bytes()
    if b"endsolid" not in content[-1024:].lower():
        raise FileError(path, "it ends before its solid does.", remedy="The file is truncated; export it again.")
    return _NAMED.sub(rb"\1", content)


def _load(content: bytes) -> dict[str, Any]:
    from trimesh.exchange.stl import load_stl

    with warnings.catch_warnings():
        # Before numpy 2.4, numbers that are none end the list with a warning.
        warnings.filterwarnings("error", "string or file could not be read", DeprecationWarning)
        return load_stl(io.BytesIO(content))


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    from vtkmodules.vtkIOGeometry import vtkSTLWriter

    from engine.io.vtk import polygon_data, save

    writer = vtkSTLWriter()
    writer.SetFileTypeToBinary()
    writer.SetHeader(f"Formwright, lengths in {unit}")
    save(writer, polygon_data(geometry), path)


FORMAT = Format(
    name="stl",
    title="STL",
    extensions=(".stl", ".stlb", ".stla"),
    reads=("mesh",),
    read=read,
    writes=("mesh",),
    write=write,
    float32=True,
)
