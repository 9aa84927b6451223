"""From a file to a file, with the real engine on a small grid."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import meshio
import numpy as np
import pytest
import trimesh

from app.cli import main as command_line
from engine.geometry.tet_mesh import tet_volumes
from engine.protocol.study import Study

SMALL = ["--resolution", "12", "--iterations", "12", "--samples", "400", "--device", "cpu"]


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ball of radius 10, in a file without a unit."""
    path = tmp_path_factory.mktemp("part") / "ball.obj"
    trimesh.creation.icosphere(subdivisions=3, radius=10.0).export(path)
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(arguments)
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


def test_a_mesh_a_report_a_picture_and_a_study(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mesh, report, picture, study = (tmp_path / name for name in ("ball.ply", "ball.json", "ball.png", "ball.toml"))
    files = ["-o", str(mesh), "--report", str(report), "--picture", str(picture), "--study", str(study)]
    assert run("reconstruct", str(part), *files, *SMALL) == 0
    made = trimesh.load(mesh)
    assert made.is_watertight
    assert np.linalg.norm(made.vertices, axis=1) == pytest.approx(10.0, abs=0.6)
    told = json.loads(report.read_text())
    assert told["iterations"] == 12
    assert told["quality"]["euler_characteristic"] == 2
    assert told["quality"]["reference_to_surface"]["mean"] < 0.2
    assert told["losses"]["loss"] > 0
    assert picture.stat().st_size > 1000
    assert Study.read(study).parameters["resolution"] == 12
    written = capsys.readouterr()
    assert written.out == ""
    assert "100% iteration 12 of 12" in written.err
    assert str(mesh) in written.err


def test_losses_as_a_table_and_as_a_chart(part: Path, tmp_path: Path) -> None:
    table, chart = tmp_path / "losses.csv", tmp_path / "losses.svg"
    for losses in (table, chart):
        assert run("reconstruct", str(part), "-o", str(tmp_path / "b.stl"), "--losses", str(losses), "-q", *SMALL) == 0
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert [int(row["Iteration"]) for row in rows] == list(range(12))
    assert {row["Branch"] for row in rows} == {"main"}
    fit = next(heading for heading in rows[0] if heading.startswith("Fit to target"))
    assert all(float(row[fit]) > 0 for row in rows)
    root = ElementTree.parse(chart).getroot()
    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Losses of ball", "Iteration", "Total", fit} <= texts


def test_losses_go_nowhere_else(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reconstruct", str(part), "-o", str(tmp_path / "b.stl"), "--losses", str(tmp_path / "l.xls")) == 2
    assert "Use .csv or .svg" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_saved_study_runs_to_the_same_mesh(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again, study = tmp_path / "first.ply", tmp_path / "again.ply", tmp_path / "study.toml"
    in_inches = ["--unit", "in", "--study", str(study), "--quiet"]
    assert run("reconstruct", str(part), "-o", str(first), *in_inches, *SMALL) == 0
    assert capsys.readouterr().err == ""
    assert run("run", str(study), "-o", str(again), "--json") == 0
    assert again.read_bytes() == first.read_bytes()
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert told["interrupted"] is False
    assert told["mesh"]["unit"] == "in"
    assert captured.err == ""


def test_the_unit_is_the_users_word(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mesh = tmp_path / "ball.stl"
    assert run("reconstruct", str(part), "-o", str(mesh), "--unit", "in", "--json", *SMALL) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mesh"]["unit"] == "in"
    assert told["quality"]["size"][0] == pytest.approx(2 * 254.0, rel=0.1)
    assert np.ptp(trimesh.load(mesh).vertices[:, 0]) == pytest.approx(20.0, rel=0.1)


@pytest.mark.parametrize("suffix", [".vtu", ".msh"])
def test_the_inside_goes_to_a_file_of_tetrahedra(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    place = tmp_path / f"ball{suffix}"
    assert run("reconstruct", str(part), "-o", str(place), "--json", *SMALL) == 0
    sheet = json.loads(capsys.readouterr().out)["tetrahedra"]
    assert sheet["usable"] and not sheet["inverted_tets"] and not sheet["unused_vertices"]
    found = meshio.read(place)
    volumes = tet_volumes(found.points, found.cells_dict["tetra"])
    assert volumes.min() > 0 and volumes.sum() == pytest.approx(sheet["volume"])
    assert volumes.sum() == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.15)


def test_another_start(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, study = tmp_path / "ball.ply", tmp_path / "study.toml"
    given = ["--start-from", str(part), "--study", str(study), "--json"]
    assert run("reconstruct", str(part), "-o", str(place), *given, *SMALL) == 0
    told = json.loads(capsys.readouterr().out)["study"]
    assert told["parameters"]["start"] == "file" and told["inputs"]["start"] == str(part)
    assert run("run", str(study), "-o", str(tmp_path / "again.ply"), "--quiet") == 0
    assert (tmp_path / "again.ply").read_bytes() == place.read_bytes()
    formula = ["--start", "formula", "--formula", "x^2 + y^2 + z^2 - 0.7"]
    assert run("reconstruct", str(part), "-o", str(place), *formula, *SMALL) == 0
    assert run("reconstruct", str(part), "-o", str(place), "--start", "formula", "--formula", "os.system", *SMALL) == 2
    assert "formula:" in capsys.readouterr().err


def test_weights_are_of_terms_that_exist(part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["-o", str(tmp_path / "ball.stl")]
    assert run("reconstruct", str(part), *place, "--weight", "love=2") == 2
    assert "love: there is no such Term." in capsys.readouterr().err
    assert run("reconstruct", str(part), *place, "--weight", "fit=2", "--json", *SMALL) == 0
    terms = json.loads(capsys.readouterr().out)["study"]["terms"]
    assert {term["name"]: term["weight"] for term in terms}["fit"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-o", "ball.jpg"], "is no mesh format"),
        (["-o", "nowhere/ball.stl"], "there is no folder"),
        (["-o", "ball.stl", "--resolution", "2"], "resolution"),
        (["-o", "ball.stl", "--device", "abacus"], "abacus"),
        (["-o", "ball.stl", "--unit", "parsec"], "parsec"),
        (["-o", "ball.vtu", "--surface", "g-shell"], "no inside that is filled"),
        (["-o", "ball.msh", "--surface", "deepmesh"], "no inside that is filled"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_work(
    part: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("reconstruct", str(part), *arguments) == 2
    assert complaint in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--report", "--picture", "--study"])
def test_places_are_looked_at_before_the_work(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    mesh = tmp_path / "ball.stl"
    assert run("reconstruct", str(part), "-o", str(mesh), option, str(tmp_path / "nowhere" / "file")) == 2
    assert "there is no folder" in capsys.readouterr().err and not mesh.exists()
    assert run("reconstruct", str(part), "-o", str(mesh), option, str(tmp_path)) == 2
    assert "this is a folder" in capsys.readouterr().err and not mesh.exists()


def test_a_damaged_file_is_repaired_by_the_name_that_its_error_says(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.obj"
    damaged.write_text("v nan 0 0\n" + part.read_text())
    assert run("measure", str(damaged)) == 2
    assert "--repair drop-non-finite" in capsys.readouterr().err
    assert run("measure", str(damaged), "--repair", "drop-non-finite") == 0
    assert "1 vertices that are not a number were left out" in capsys.readouterr().err
    assert run("measure", str(damaged), "--repair", "pray") == 2
    assert "there is no repair 'pray'" in capsys.readouterr().err


def test_a_failed_run_is_said_once_and_vertices_alone_are_called_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    three = tmp_path / "three.obj"
    three.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    assert run("reconstruct", str(three), "-o", str(tmp_path / "out.stl"), *SMALL) == 2
    said = capsys.readouterr().err
    assert "three.obj: It holds no faces" in said
    assert said.count("at least four points") == 1


def test_the_catalogue_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("studies", "--json") == 0
    studies = [study["study"] for study in json.loads(capsys.readouterr().out)["studies"]]
    assert studies == [
        "reconstruct", "simulate", "complete", "predict", "identify", "hold", "flat-pattern", "fold",
    ]  # fmt: skip
    assert run("studies") == 0
    assert "term fit" in capsys.readouterr().out


def test_a_measured_ball_is_a_ball(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("measure", str(part), "--against", str(part), "--json") == 0
    sheet = json.loads(capsys.readouterr().out)
    assert sheet["watertight"] is True
    assert sheet["euler_characteristic"] == 2
    assert sheet["volume"] == pytest.approx(4 / 3 * np.pi * 1000, rel=0.02)
    assert sheet["surface_to_reference"]["maximum"] < 1e-3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent to a process alone")
def test_ctrl_c_writes_the_mesh_so_far(part: Path, tmp_path: Path) -> None:
    mesh, report = tmp_path / "ball.stl", tmp_path / "ball.json"
    options = ["--resolution", "12", "--iterations", "3000", "--samples", "400", "--report", str(report)]
    command = [sys.executable, "-m", "app.cli.main", "reconstruct", str(part), "-o", str(mesh), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "% iteration" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(timeout=120) == 130
    assert "Interrupted after" in rest
    assert trimesh.load(mesh).is_watertight
    told = json.loads(report.read_text())
    assert told["interrupted"] is True
    assert 0 < told["iterations"] < 3000
