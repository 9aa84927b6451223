"""Documents with no window: looked into, and their Runs continued."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from app.cli import main as command_line
from app.document.file import Content, run_note, save_document
from app.document.project import Project, SceneObject
from engine.geometry.mesh import Mesh
from engine.io.registry import read
from engine.protocol.edits import PaintFreeze, SetWeight
from engine.protocol.session import ResultMesh, SaveRun
from engine.protocol.study import Study
from engine.studies.session import LocalSession

PARAMETERS = {"resolution": 12, "iterations": 12, "samples": 400, "device": "cpu"}


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(arguments)
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


@pytest.fixture(scope="module")
def ball() -> Mesh:
    made = trimesh.creation.icosphere(subdivisions=2, radius=10.0)
    return Mesh(np.asarray(made.vertices), np.asarray(made.faces), name="ball")


def content(ball: Mesh) -> Content:
    project = Project(
        objects=(SceneObject("ball", ball, "#7f8c99"),),
        study=Study(parameters=PARAMETERS),
        roles={"target": "ball"},
        strokes=(PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=3.0),),
    )
    return Content(project, name="ball", saved=1.7e9)


def test_the_run_of_a_document_goes_on_to_the_mesh_that_it_would_have_had(ball: Mesh, tmp_path: Path) -> None:
    session = LocalSession(thumbnails=False)
    session.start(Study(parameters=PARAMETERS), {"target": ball})
    while session.run is None or session.run.iteration < 6:
        session.advance()
    session.send(SetWeight(term="fit", weight=2.0))
    session.advance()
    session.ask(SaveRun(tmp_path / "run")).result()
    document = tmp_path / "ball.formwright"
    kept = Content(**{**content(ball).__dict__, "run": run_note(tmp_path / "run"), "run_inputs": {"target": ball}})
    save_document(document, kept, run_folder=tmp_path / "run")
    session.run_to_end()
    whole = session.ask(ResultMesh()).result()
    losses = tmp_path / "losses.csv"
    assert run("run", str(document), "-o", str(tmp_path / "again.ply"), "--quiet", "--losses", str(losses)) == 0
    rows = losses.read_text(encoding="utf-8").splitlines()[1:]
    assert [int(row.split(",")[1]) for row in rows] == list(range(12))  # those of before it was saved, too
    again = read(tmp_path / "again.ply")
    assert isinstance(again, Mesh) and np.array_equal(again.triangles, whole.triangles)
    assert np.allclose(again.vertices, whole.vertices, atol=1e-5)


def test_a_document_without_a_run_begins_one_with_what_is_frozen(ball: Mesh, tmp_path: Path) -> None:
    save_document(tmp_path / "ball.formwright", content(ball))
    assert run("run", str(tmp_path / "ball.formwright"), "-o", str(tmp_path / "ball.ply"), "--quiet") == 0
    assert isinstance(read(tmp_path / "ball.ply"), Mesh)


def test_info_says_what_is_in_it(ball: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_document(tmp_path / "ball.formwright", content(ball))
    assert run("info", str(tmp_path / "ball.formwright")) == 0
    said = capsys.readouterr().out
    assert "object ball: 320 triangles, the target" in said and "1 stroke" in said and "run:" not in said
    assert run("info", str(tmp_path / "ball.formwright"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["objects"][0]["name"] == "ball" and found["run"] is None and found["counts"]["stroke"] == 1


def test_what_is_no_document_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.formwright").write_text("no zip")
    assert run("info", str(tmp_path / "x.formwright")) == 2
    assert "no document of Formwright" in capsys.readouterr().err
    assert run("run", str(tmp_path / "x.formwright"), "--set", "resolution=8") == 2
    assert "--set" in capsys.readouterr().err


def test_geometry_is_measured_and_not_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scan.ply").write_bytes(b"ply")
    assert run("info", str(tmp_path / "scan.ply")) != 0
    assert "formwright measure scan.ply" in capsys.readouterr().err
