"""Tetrahedra to files, read back by meshio, and by our own reader as their surface."""

from __future__ import annotations

from pathlib import Path

import meshio
import numpy as np
import pytest

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.tet_mesh import TetMesh, tet_volumes
from engine.geometry.tet_sheet import tet_sheet
from engine.geometry.tetrahedral import ball_tets, box_tets
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


def test_the_surface_of_a_vtu_is_read_back(ball: TetMesh, tmp_path: Path) -> None:
    surface = read(write(ball, tmp_path / "ball.vtu", unit="mm").path)
    assert isinstance(surface, Mesh)
    assert surface.triangle_count == len(ball.surface)


def test_formats_of_surfaces_take_no_tetrahedra_and_the_reverse(ball: TetMesh, tmp_path: Path) -> None:
    assert {suffix for group in extensions("write", "tetrahedra").values() for suffix in group} == {".vtu", ".msh"}
    with pytest.raises(FileError, match=r"tetrahedra.*\.msh, \.vtu"):
        write(ball, tmp_path / "ball.stl")
    surface = Mesh(ball.vertices, ball.surface)
    for suffix in (".vtu", ".msh"):
        with pytest.raises(FileError, match=r"cannot hold a mesh"):
            write(surface, tmp_path / f"ball{suffix}")
    assert not list(tmp_path.iterdir())


def test_meshes_of_gmsh_are_not_read(ball: TetMesh, tmp_path: Path) -> None:
    path = write(ball, tmp_path / "ball.msh").path
    assert not any(".msh" in group for group in extensions("read").values())
    with pytest.raises(FileError, match="no format known"):
        read(path)


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
