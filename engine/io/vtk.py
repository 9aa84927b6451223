"""VTK's files: surfaces (`.vtp`, `.vtk`), tetrahedra and other cells (`.vtu`, by their outer surface), grids (`.vti`).

Only VTK's readers, writers and surface filters are used, and imported when a file is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import FileError
from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.volume import Volume
from engine.io.format import Format, Progress, Raw
from engine.io.polygons import triangulate
from engine.io.tetrahedra import raw_tetrahedra

MOST_PACKED = 1100
"""Entries that a byte of a file can stand for at most: zlib packs zeros so."""
_PROMISES = re.compile(rb'NumberOf\w+\s*=\s*"\s*(\d{1,30})')


def read(path: Path, progress: Progress) -> Raw | Volume:
    data = read_data(path)
    progress(0.6)
    with overheard():
        if data.IsA("vtkImageData"):
            return _volume(path, data)
        if data.IsA("vtkRectilinearGrid"):
            raise FileError(
                path, "its grid has uneven steps, which are not read.", remedy="Resample it to a .vti file."
            )
        return surface(path, data)


def read_data(path: Path) -> Any:
    """The vtkDataSet in a file as it stands; raises `FileError` for one that is damaged."""
    with overheard() as messages:
        data = _read_data(path)
        if data is None or "error" in messages.GetOutput().lower():
            raise damaged(path)
        return data


def damaged(path: Path) -> FileError:
    """What is said when VTK reports an error, whose words name its sources more than the file."""
    return FileError(path, "it is damaged or cut short.", remedy="Export it again.")


def _read_data(path: Path) -> Any:
    """The vtkDataSet in the file, or None where VTK reports an error."""
    with path.open("rb") as stream:
        head = stream.read(512)
    if b"<VTKFile" in head:
        content = path.read_bytes()
        if b"</VTKFile>" not in content[-256:]:
            return None
        # VTK makes room for whatever number stands there, and goes through it.
        promised = max((int(count) for count in _PROMISES.findall(content)), default=0)
        if promised > MOST_PACKED * len(content):
            return None
        from vtkmodules import vtkIOXML

        kinds = {
            b'"PolyData"': vtkIOXML.vtkXMLPolyDataReader,
            b'"UnstructuredGrid"': vtkIOXML.vtkXMLUnstructuredGridReader,
            b'"ImageData"': vtkIOXML.vtkXMLImageDataReader,
        }
        kind = next((reader for name, reader in kinds.items() if name in head), None)
        if kind is None:
            raise FileError(path, "it is a kind of VTK file that is not read.", remedy="Save it as .vtp, .vtu or .vti.")
        reader: Any = kind()
    else:
        from vtkmodules.vtkIOLegacy import vtkGenericDataObjectReader

        reader = vtkGenericDataObjectReader()
        for everything in ("Scalars", "Vectors", "Normals", "Tensors", "ColorScalars", "TCoords", "Fields"):
            getattr(reader, f"ReadAll{everything}On")()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutputDataObject(0)
    if reader.GetErrorCode() or data is None or not data.IsA("vtkDataSet"):
        return None
    if data.IsA("vtkPolyData") and b"<VTKFile" not in head and not _has_all_polygons(path, data):
        return None
    return data


def _has_all_polygons(path: Path, data: Any) -> bool:
    """Whether a legacy file gave as many polygons as it promises: where it is cut short, VTK says nothing.

    From version 5.1 of the format on, the number that is written counts one more (offsets, not polygons).
    """
    promised = re.search(rb"^POLYGONS\s+(\d+)", path.read_bytes(), re.MULTILINE)
    return promised is None or 0 <= int(promised[1]) - data.GetNumberOfPolys() <= 1


def surface(path: Path, data: Any) -> Raw:
    """Polygons as they stand, split here: VTK's filters follow indices without looking, and crash on bad ones."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    notes = []
    if data.IsA("vtkUnstructuredGrid"):
        if (found := _tetrahedra(path, data)) is not None:
            return found
        notes.append(f"The outer surface of {data.GetNumberOfCells()} cells was taken.")
        data = _outer_surface(path, data)
    if not data.IsA("vtkPolyData") or data.GetNumberOfStrips():
        what = "strips of triangles" if data.IsA("vtkPolyData") else "a curved grid"
        raise FileError(path, f"it holds {what}, which are not read.", remedy="Save it as a surface of triangles.")
    if not data.GetNumberOfPoints():
        raise FileError(path, "it holds no points.", remedy="Export it again.")
    raw = Raw(vtk_to_numpy(data.GetPoints().GetData()).astype(np.float64), notes=notes)
    counts, corners = _cells(path, data.GetPolys())
    if len(counts):
        raw.triangles = triangulate(path, raw.positions, counts, corners)
        if (counts > 3).any():
            notes.append(f"{int((counts > 3).sum())} polygons were split into triangles.")
        first = data.GetNumberOfVerts() + data.GetNumberOfLines()
        pieces = np.maximum(counts - 2, 0)
        for field in _fields(data.GetCellData(), "face", data.GetNumberOfCells()):
            values = np.repeat(field.values[first : first + len(counts)], pieces, axis=0)
            raw.fields[field.name] = dataclasses.replace(field, values=values)
    normals = data.GetPointData().GetNormals()
    if normals is not None and normals.GetNumberOfTuples() == len(raw.positions):
        raw.normals = vtk_to_numpy(normals).astype(np.float64)
    raw.fields |= {field.name: field for field in _fields(data.GetPointData(), "vertex", len(raw.positions))}
    return raw


def _cells(path: Path, cells: Any) -> tuple[np.ndarray, np.ndarray]:
    """Corner count of each cell, and the corners one after the other."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    if not cells.GetNumberOfCells():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    offsets = vtk_to_numpy(cells.GetOffsetsArray()).astype(np.int64)
    corners = vtk_to_numpy(cells.GetConnectivityArray()).astype(np.int64)
    counts = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != len(corners) or counts.min() < 0:
        raise FileError(path, "its list of faces is damaged.", remedy="Export it again.")
    return counts, corners


def _tetrahedra(path: Path, grid: Any) -> Raw | None:
    """The tetrahedra of a grid; None where there are none, or other solid cells too."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkGenericCell

    if not grid.GetNumberOfCells():
        return None
    kinds = vtk_to_numpy(grid.GetCellTypes())
    shapes = [(int(kind), vtkGenericCell.InstantiateCell(int(kind))) for kind in np.unique(kinds)]
    if any(shape is None for _, shape in shapes):
        return None
    if [kind for kind, shape in shapes if shape.GetCellDimension() == 3] != [VTK_TETRA]:
        return None
    counts, corners = _cells(path, grid.GetCells())
    chosen = kinds == VTK_TETRA
    if (counts[chosen] != 4).any():
        raise FileError(path, "a tetrahedron has not four corners.", remedy="Export it again.")
    tets = corners[np.repeat(chosen, counts)].reshape(-1, 4)
    fields = {field.name: field for field in _fields(grid.GetPointData(), "vertex", grid.GetNumberOfPoints())}
    for field in _fields(grid.GetCellData(), "face", grid.GetNumberOfCells()):
        fields[field.name] = dataclasses.replace(field, values=field.values[chosen])
    positions = vtk_to_numpy(grid.GetPoints().GetData()).astype(np.float64)
    return raw_tetrahedra(path, positions, tets, fields)


def _outer_surface(path: Path, grid: Any) -> Any:
    """The polygons around a grid of cells, as vtkPolyData."""
    from vtkmodules.vtkCommonDataModel import vtkGenericCell
    from vtkmodules.vtkFiltersGeometry import vtkGeometryFilter

    counts, corners = _cells(path, grid.GetCells())
    if not len(counts):
        raise FileError(path, "it holds no cells.", remedy="Export it again.")
    if corners.size and not (corners.min() >= 0 and corners.max() < grid.GetNumberOfPoints()):
        raise FileError(path, "a cell refers to a point that does not exist.", remedy="Export it again.")
    for index, count in enumerate(counts.tolist()):
        shape = vtkGenericCell.InstantiateCell(grid.GetCellType(index))
        if shape is None or 0 < shape.GetNumberOfPoints() != count:
            raise FileError(path, f"cell {index} has not the corners of its kind.", remedy="Export it again.")
    outer = vtkGeometryFilter()
    outer.SetInputData(grid)
    outer.Update()
    return outer.GetOutput()


def _volume(path: Path, data: Any) -> Volume:
    count = data.GetNumberOfPoints()
    shape, start = data.GetDimensions(), data.GetExtent()[::2]
    spacing = data.GetSpacing()
    fields = {field.name: field for field in _fields(data.GetPointData(), "node", count)}
    origin = [data.GetOrigin()[axis] + start[axis] * spacing[axis] for axis in range(3)]
    if not fields and data.GetCellData().GetNumberOfArrays():
        shape = tuple(size - 1 for size in shape)
        origin = [origin[axis] + 0.5 * spacing[axis] for axis in range(3)]
        fields = {field.name: field for field in _fields(data.GetCellData(), "node", data.GetNumberOfCells())}
    if not fields:
        raise FileError(path, "its grid holds no values.", remedy="Save it with its data arrays.")
    return Volume(tuple(shape), tuple(origin), tuple(spacing), fields)


def _fields(attributes: Any, domain: Any, count: int) -> Iterator[Field]:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    for index in range(attributes.GetNumberOfArrays()):
        array = attributes.GetArray(index)
        if array is not None and array.GetNumberOfTuples() == count and array.GetName() != "Normals":
            yield Field(array.GetName() or f"values {index}", vtk_to_numpy(array).copy(), domain)


@contextmanager
def overheard() -> Iterator[Any]:
    """VTK's messages go into the string that is yielded, not to the terminal: its errors become a FileError.

    Turning messages off altogether would also silence the errors that readers report to nobody else.
    """
    from vtkmodules.vtkCommonCore import vtkLogger, vtkOutputWindow, vtkStringOutputWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    before = vtkOutputWindow.GetInstance()
    messages = vtkStringOutputWindow()
    vtkOutputWindow.SetInstance(messages)
    try:
        yield messages
    finally:
        vtkOutputWindow.SetInstance(before)


def polygon_data(geometry: Mesh | Points) -> Any:
    """The Geometry with its Fields as vtkPolyData; points are cells of their own."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    positions = geometry.vertices if isinstance(geometry, Mesh) else geometry.positions
    cells = geometry.triangles if isinstance(geometry, Mesh) else np.arange(len(positions))[:, None]
    points, faces, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(positions, deep=True))
    offsets = np.arange(0, cells.size + 1, cells.shape[1], dtype=np.int64)
    corners = cells.astype(np.int64).reshape(-1)
    faces.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(corners, deep=True))
    data.SetPoints(points)
    if isinstance(geometry, Mesh):
        data.SetPolys(faces)
    else:
        data.SetVerts(faces)
        if geometry.normals is not None:
            normals = numpy_to_vtk(geometry.normals, deep=True)
            normals.SetName("Normals")
            data.GetPointData().SetNormals(normals)
    for field in geometry.fields.values():
        array = numpy_to_vtk(field.values, deep=True)
        array.SetName(field.name)
        (data.GetCellData() if field.domain == "face" else data.GetPointData()).AddArray(array)
    return data


def tetrahedral_data(body: TetMesh) -> Any:
    """Tetrahedra as vtkUnstructuredGrid."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkCellArray, vtkUnstructuredGrid

    points, cells, data = vtkPoints(), vtkCellArray(), vtkUnstructuredGrid()
    points.SetData(numpy_to_vtk(body.vertices, deep=True))
    offsets = np.arange(0, 4 * body.tet_count + 1, 4, dtype=np.int64)
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(body.tets.reshape(-1), deep=True)
    )
    data.SetPoints(points)
    data.SetCells(VTK_TETRA, cells)
    return data


def save(writer: Any, data: Any, path: Path) -> None:
    """Let a VTK writer write; raises `OSError`."""
    writer.SetFileName(str(path))
    writer.SetInputData(data)
    if not writer.Write() or writer.GetErrorCode():
        raise OSError(0, "VTK could not write the file")


def write_tetrahedra(body: TetMesh, path: Path, unit: str) -> None:
    from vtkmodules.vtkIOXML import vtkXMLUnstructuredGridWriter

    save(vtkXMLUnstructuredGridWriter(), tetrahedral_data(body), path)


def write(geometry: Mesh | Points, path: Path, unit: str) -> None:
    from vtkmodules.vtkIOLegacy import vtkPolyDataWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    writer = vtkPolyDataWriter() if path.suffix.lower() == ".vtk" else vtkXMLPolyDataWriter()
    if isinstance(writer, vtkPolyDataWriter):
        writer.SetFileTypeToBinary()
        writer.SetHeader(f"Formwright, lengths in {unit}")
    save(writer, polygon_data(geometry), path)


FORMAT = Format(
    name="vtk",
    title="VTK",
    extensions=(".vtp", ".vtk", ".vtu", ".vti"),
    reads=("mesh", "points", "volume"),
    read=read,
    writes=("mesh", "points", "tetrahedra"),
    write=write,
    write_extensions=(".vtp", ".vtk"),
    write_tetrahedra=write_tetrahedra,
    tetrahedra_extensions=(".vtu",),
)
