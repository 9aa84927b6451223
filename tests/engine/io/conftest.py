"""A small closed part, a small scan, and both in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from survey_files import write_e57, write_las

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tetrahedral import ball_tets
from engine.io.registry import write

PCD = """# .PCD v0.7
VERSION 0.7
FIELDS x y z
SIZE 4 4 4
TYPE F F F
COUNT 1 1 1
WIDTH {count}
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS {count}
DATA {coding}
"""


def torus(rings: int = 12, sides: int = 8) -> Mesh:
    """A closed torus around z, lying away from the origin so that axes and signs show."""
    i, j = np.meshgrid(np.arange(rings), np.arange(sides), indexing="ij")
    around, across = 2 * np.pi * i / rings, 2 * np.pi * j / sides
    radius = 20.0 + 6.0 * np.cos(across)
    vertices = np.stack([radius * np.cos(around), radius * np.sin(around), 6.0 * np.sin(across)], axis=-1)
    a = (i * sides + j).ravel()
    b = ((i + 1) % rings * sides + j).ravel()
    c = ((i + 1) % rings * sides + (j + 1) % sides).ravel()
    d = (i * sides + (j + 1) % sides).ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return Mesh(vertices.reshape(-1, 3) + np.array([5.0, -7.0, 11.0]), triangles, name="torus")


@pytest.fixture(scope="session")
def mesh() -> Mesh:
    return torus()


@pytest.fixture(scope="session")
def scan(mesh: Mesh) -> Points:
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(60, 3))
    return Points(mesh.vertices[:60], normals / np.linalg.norm(normals, axis=1, keepdims=True), name="scan")


def write_vti(path: Path) -> None:
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkIOXML import vtkXMLImageDataWriter

    axis = np.linspace(-1.0, 1.0, 21)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    image = vtkImageData()
    image.SetDimensions(21, 21, 21)
    image.SetOrigin(10.0, 20.0, 30.0)
    image.SetSpacing(0.5, 0.5, 0.5)
    distance = numpy_to_vtk((0.7 - np.sqrt(x**2 + y**2 + z**2)).ravel(), deep=True)
    distance.SetName("distance")
    labels = numpy_to_vtk(
        np.where(x**2 + y**2 + z**2 < 0.49, np.where(x > 0, 2, 1), 0).astype(np.uint8).ravel(), deep=True
    )
    labels.SetName("labels")
    image.GetPointData().AddArray(distance)
    image.GetPointData().AddArray(labels)
    writer = vtkXMLImageDataWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    assert writer.Write()


def write_vtu(path: Path) -> None:
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import VTK_TETRA, vtkUnstructuredGrid
    from vtkmodules.vtkIOXML import vtkXMLUnstructuredGridWriter

    points, grid = vtkPoints(), vtkUnstructuredGrid()
    for corner in ((0, 0, 0), (3, 0, 0), (0, 4, 0), (0, 0, 5)):
        points.InsertNextPoint(*corner)
    grid.SetPoints(points)
    grid.InsertNextCell(VTK_TETRA, 4, (0, 1, 2, 3))
    writer = vtkXMLUnstructuredGridWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(grid)
    assert writer.Write()


def lzf_literals(data: bytes) -> bytes:
    """LZF without any copy: runs of at most 32 literals."""
    return b"".join(bytes([len(data[i : i + 32]) - 1]) + data[i : i + 32] for i in range(0, len(data), 32))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory, mesh: Mesh, scan: Points) -> dict[str, Path]:
    """One valid file of every kind, by a name of its own."""
    folder = tmp_path_factory.mktemp("corpus")
    files = {suffix: folder / f"part.{suffix}" for suffix in ("obj", "stl", "ply", "off", "glb", "3mf", "vtp", "vtk")}
    for path in files.values():
        write(mesh, path)
    for name, suffix in (("scan ply", "ply"), ("scan xyz", "xyz"), ("scan vtp", "vtp")):
        files[name] = folder / f"scan.{suffix}"
        write(scan, files[name])
    files["vti"], files["vtu"] = folder / "grid.vti", folder / "cells.vtu"
    write_vti(files["vti"])
    write_vtu(files["vtu"])
    files["text stl"] = folder / "text.stl"
    corners = mesh.vertices[mesh.triangles].tolist()
    facets = (
        "facet normal 0 0 0\nouter loop\n"
        + "".join(f"vertex {x} {y} {z}\n" for x, y, z in face)
        + "endloop\nendfacet\n"
        for face in corners
    )
    files["text stl"].write_text("solid torus\n" + "".join(facets) + "endsolid torus\n")
    files["text ply"] = folder / "text.ply"
    files["text ply"].write_text(
        f"ply\nformat ascii 1.0\nelement vertex {mesh.vertex_count}\nproperty double x\nproperty double y\n"
        f"property double z\nelement face {mesh.triangle_count}\nproperty list uchar int vertex_indices\nend_header\n"
        + "".join(f"{x} {y} {z}\n" for x, y, z in mesh.vertices.tolist())
        + "".join(f"3 {a} {b} {c}\n" for a, b, c in mesh.triangles.tolist())
    )
    for suffix in ("las", "laz", "e57"):
        files[f"scan {suffix}"] = folder / f"scan.{suffix}"
    write_las(scan.positions / 1000.0, files["scan las"])
    write_las(scan.positions / 1000.0, files["scan laz"])
    write_e57(scan.positions / 1000.0 - 1.0, files["scan e57"], np.ones(3))
    points = scan.positions.astype("<f4")
    packed = lzf_literals(points.T.tobytes())
    bodies = {
        "ascii": "\n".join(" ".join(map(repr, row)) for row in points.tolist()).encode(),
        "binary": points.tobytes(),
        "binary_compressed": np.array([len(packed), points.nbytes], "<u4").tobytes() + packed,
    }
    for coding, body in bodies.items():
        files[f"pcd {coding}"] = folder / f"{coding}.pcd"
        files[f"pcd {coding}"].write_bytes(PCD.format(count=len(points), coding=coding).encode() + body)
    files["msh"] = folder / "ball.msh"
    write(ball_tets(10.0, 4), files["msh"])
    return files
