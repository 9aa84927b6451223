"""`formwright measure` mends as asked, and compares in one frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest

from app.cli.main import main
from engine.geometry.mesh import Mesh
from engine.geometry.tetrahedral import ball_tets
from engine.geometry.verification import sphere_mesh
from engine.io.registry import write

SHIFT = (512_300_000.0, 4_512_300_000.0, 0.0)


@pytest.fixture
def ball() -> Mesh:
    vertices, triangles = sphere_mesh(16, 20.0)
    return Mesh(vertices, triangles)


def measured(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    with pytest.raises(SystemExit) as ended:
        main(["measure", "--json", *arguments])
    assert ended.value.code == 0
    return dict(json.loads(capsys.readouterr().out))


def test_tetrahedra_of_a_file_have_a_sheet_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = ball_tets(20.0, 4)
    sheet = measured(capsys, str(write(body, tmp_path / "ball.msh").path))
    assert sheet["watertight"] is True
    inside = sheet["tetrahedra"]
    assert isinstance(inside, dict) and inside["usable"] is True and inside["tets"] == body.tet_count
    assert inside["volume"] == pytest.approx(body.volumes.sum())
    inverted = body.tets.copy()
    inverted[5] = inverted[5, [1, 0, 2, 3]]
    meshio.write(tmp_path / "bad.vtu", meshio.Mesh(body.vertices, [("tetra", inverted)]))
    with pytest.raises(SystemExit):
        main(["measure", str(tmp_path / "bad.vtu")])
    assert "1 tetrahedra are inverted or flat." in capsys.readouterr().out
    assert "tetrahedra" not in measured(capsys, str(write(Mesh(body.vertices, body.surface), tmp_path / "b.ply").path))


def test_repairs_make_a_torn_mesh_printable(ball: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torn = replace(ball, triangles=np.delete(ball.triangles, [5, 100, 101], axis=0))
    path = str(write(torn, tmp_path / "torn.stl").path)
    assert measured(capsys, path)["watertight"] is False
    sheet = measured(capsys, path, "--repair", "fill-holes=8", "--repair", "orient")
    assert sheet["watertight"] is True and sheet["printable"] is True
    assert measured(capsys, path, "--repair", "all")["printable"] is True


def test_a_reference_on_a_map_is_measured_in_the_same_frame(
    ball: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = replace(ball, shift=SHIFT)
    moved = replace(there, vertices=ball.vertices + np.array([0.0, 0.0, 3.0]))
    one, other = (str(write(mesh, tmp_path / f"{name}.ply").path) for name, mesh in (("a", there), ("b", moved)))
    for option in ("auto", "none", "512300 m, 4512300 m, 0"):
        distance = measured(capsys, one, "--against", other, "--shift", option)["surface_to_reference"]
        assert isinstance(distance, dict) and distance["maximum"] == pytest.approx(3.0, abs=0.2)


@pytest.mark.parametrize("option", [["--shift", "far"], ["--shift", "1,2"], ["--repair", "magic"]])
def test_what_is_no_shift_and_no_repair_is_refused(ball: Mesh, tmp_path: Path, option: list[str]) -> None:
    path = str(write(ball, tmp_path / "ball.stl").path)
    with pytest.raises(SystemExit) as ended:
        main(["measure", path, *option])
    assert ended.value.code == 2
