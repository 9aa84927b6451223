"""Tetrahedra to files and back, with meshio on the other side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest

from engine.core.errors import FileError, GeometryError
from engine.geometry.mesh import Mesh
from engine.geometry.repaired import keep
from engine.geometry.tet_mesh import TetMesh, tet_volumes
from engine.geometry.tet_sheet import tet_sheet
from engine.geometry.tetrahedral import ball_tets, box_tets
from engine.io.loader import load
from engine.io.registry import extensions, read, write


@pytest.fixture
def ball() -> TetMesh:
    body = ball_tets(10.0, 6)
    return TetMesh(body.vertices, body.tets, "ball", "in", (1000.0, 0.0, -500.0))


@pytest.mark.parametrize("suffix", [".vtu", ".msh"])
def test_another_reader_finds_the_same_tetrahedra(ball: TetMesh, tmp_path: Path, suffix: str) -> None:
    report = write(ball, tmp_path / f"ball{suffix}")
    assert report.unit == "in" and report.rounding == 0.0
    found = meshio.read(report.path)
    np.testing.assert_array_equal(found.cells_dict["tetra"], ball.tets)
    np.testing.assert_allclose(found.points * 25.4 - ball.shift, ball.vertices, atol=1e-10)
    assert tet_volumes(found.points, found.cells_dict["tetra"]).min() > 0


def same(found: object, ball: TetMesh) -> None:
    """Tetrahedra in the same order and at the same places, within their own surface."""
    assert isinstance(found, Mesh) and found.tets is not None and found.inner is not None
    assert found.triangle_count == len(ball.surface)
    assert found.vertex_count == len(np.unique(ball.surface)) and len(found.inner) > 0
    np.testing.assert_allclose(found.all_vertices[found.tets], ball.vertices[ball.tets], atol=1e-9)
    np.testing.assert_allclose(found.vertices[found.triangles], ball.vertices[ball.surface], atol=1e-9)


@pytest.mark.parametrize("suffix", [".vtu", ".msh"])
def test_what_is_written_is_read_back(ball: TetMesh, tmp_path: Path, suffix: str) -> None:
    path = write(ball, tmp_path / f"ball{suffix}").path
    same(read(path, unit="in", shift=ball.shift), ball)
    same(load(path, unit="in", shift=ball.shift), ball)  # through another process


@pytest.mark.parametrize("form", ["gmsh", "gmsh22"])
@pytest.mark.parametrize("binary", [False, True])
def test_meshes_of_gmsh_are_read_in_every_form(ball: TetMesh, tmp_path: Path, form: str, binary: bool) -> None:
    cells = [("triangle", ball.surface), ("tetra", ball.tets), ("line", ball.surface[:3, :2])]
    entities = np.where(np.arange(ball.vertex_count) % 3 > 0, 3, 2)  # nodes in two blocks, which takes them apart
    ones = [np.ones(len(corners), int) for _, corners in cells]
    tags = {"gmsh:geometrical": ones, "gmsh:physical": ones}
    grid = meshio.Mesh(ball.vertices, cells, {"gmsh:dim_tags": np.stack([entities, np.ones_like(entities)], 1)}, tags)
    meshio.write(tmp_path / "ball.msh", grid, file_format=form, binary=binary)
    same(read(tmp_path / "ball.msh", unit="mm"), ball)
    surface = meshio.Mesh(ball.vertices, cells[:1])
    meshio.write(tmp_path / "shell.msh", surface, file_format=form, binary=binary)
    found = read(tmp_path / "shell.msh", unit="mm")
    assert isinstance(found, Mesh) and found.tets is None and found.triangle_count == len(ball.surface)


def test_cells_of_a_grid_keep_their_values_on_the_surface(ball: TetMesh, tmp_path: Path) -> None:
    cells = [("triangle", ball.surface[:5]), ("tetra", ball.tets)]
    middles = ball.vertices[ball.tets].mean(axis=1)
    grid = meshio.Mesh(ball.vertices, cells, point_data={"height": ball.vertices[:, 2]})
    grid.cell_data = {"level": [np.zeros(5), middles[:, 2]]}
    meshio.write(tmp_path / "ball.vtu", grid)
    found = read(tmp_path / "ball.vtu")
    assert isinstance(found, Mesh)
    np.testing.assert_allclose(found.fields["height"].values, found.vertices[:, 2])
    heights = found.vertices[found.triangles].mean(axis=1)[:, 2]
    np.testing.assert_allclose(found.fields["level"].values, heights, atol=2.0)  # half a cell


def test_turned_and_torn_tetrahedra_are_put_right(ball: TetMesh, tmp_path: Path) -> None:
    turned = meshio.Mesh(ball.vertices, [("tetra", ball.tets[:, [1, 0, 2, 3]])])
    meshio.write(tmp_path / "turned.vtu", turned)
    found = read(tmp_path / "turned.vtu")
    assert isinstance(found, Mesh) and found.tets is not None
    assert tet_volumes(found.all_vertices, found.tets).min() > 0.0
    assert any("other way round" in note for note in found.notes)
    torn = meshio.Mesh(ball.vertices[ball.tets].reshape(-1, 3), [("tetra", np.arange(ball.tets.size).reshape(-1, 4))])
    meshio.write(tmp_path / "torn.vtu", torn)
    same(read(tmp_path / "torn.vtu"), ball)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ([("tetra", [[0, 1, 2, 2]])], "names a vertex twice"),
        ([("tetra", [[0, 1, 2, 9]])], "does not exist"),
        ([("tetra", [[0, 1, 2, 4]])], "not a number"),
        ([("tetra", [[0, 1, 2, 3]]), ("hexahedron", [[0, 1, 2, 3, 5, 6, 7, 8]])], "no tetrahedra of four nodes"),
        ([("line", [[0, 1]])], "no tetrahedra and no triangles"),
    ],
)  # fmt: skip
def test_what_cannot_be_tetrahedra_is_said(tmp_path: Path, cells: list[tuple[str, list]], complaint: str) -> None:
    points = np.eye(9, 3)
    points[4] = np.nan
    text = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$Nodes", str(len(points))]
    text += [f"{i + 1} {x} {y} {z}" for i, (x, y, z) in enumerate(points.tolist())]
    kinds = {"line": 1, "tetra": 4, "hexahedron": 5}
    text += ["$EndNodes", "$Elements", str(len(cells))]
    for number, (kind, corners) in enumerate(cells, start=1):
        text.append(f"{number} {kinds[kind]} 2 0 1 " + " ".join(str(c + 1 if c < 9 else 99) for c in corners[0]))
    path = tmp_path / "bad.msh"
    path.write_text("\n".join([*text, "$EndElements", ""]))
    with pytest.raises(FileError, match=rf"bad\.msh.*{complaint}"):
        read(path)


def test_a_repair_of_the_surface_loses_the_tetrahedra(ball: TetMesh, tmp_path: Path) -> None:
    found = read(write(ball, tmp_path / "ball.vtu", unit="mm").path)
    assert isinstance(found, Mesh) and found.tets is not None
    assert keep(found, np.arange(found.triangle_count) > 3, np.ones(found.vertex_count, bool)).tets is None
    with pytest.raises(GeometryError, match="tetrahedron refers"):
        replace(found, inner=found.inner[1:])  # type: ignore[index]


def test_formats_of_surfaces_take_no_tetrahedra_and_the_reverse(ball: TetMesh, tmp_path: Path) -> None:
    assert {suffix for group in extensions("write", "tetrahedra").values() for suffix in group} == {".vtu", ".msh"}
    with pytest.raises(FileError, match=r"tetrahedra.*\.msh, \.vtu"):
        write(ball, tmp_path / "ball.stl")
    surface = Mesh(ball.vertices, ball.surface)
    for suffix in (".vtu", ".msh"):
        with pytest.raises(FileError, match=r"cannot hold a mesh"):
            write(surface, tmp_path / f"ball{suffix}")
    assert not list(tmp_path.iterdir())


def test_the_sheet_says_what_a_simulation_needs_to_know(ball: TetMesh) -> None:
    box = box_tets((2.0, 1.0, 1.0), 4)
    sheet = tet_sheet(box.vertices, box.tets)
    assert sheet.volume == pytest.approx(2.0) and sheet.usable and not sheet.poor_tets
    assert sheet.smallest_dihedral == pytest.approx(54.7356, abs=1e-3)  # the corners of a cube
    turned = box.tets.copy()
    turned[3] = turned[3, [1, 0, 2, 3]]
    bad = tet_sheet(box.vertices, turned)
    assert bad.inverted_tets == 1 and not bad.usable and "1 tetrahedra are inverted" in bad.to_text()
    doubled = tet_sheet(np.concatenate([box.vertices, [[9.0, 9, 9]]]), np.concatenate([box.tets, box.tets[:1]]))
    assert not doubled.conforming and doubled.unused_vertices == 1 and not doubled.usable
