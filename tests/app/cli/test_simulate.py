"""`formwright simulate`: a scene's file to a folder, and plain words for what is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest

from app.cli.main import main
from engine.geometry.mesh import Mesh
from engine.geometry.tetrahedral import ball_tets
from engine.io.registry import read, write
from engine.protocol.scene_file import read_scene
from engine.protocol.trajectory import Trajectory
from engine.simulation.newton import NotConvergedError
from engine.simulation.stepper import Solved, Stepper

SCENE = """
name = "Falling card"

[time]
step = "10 ms"
duration = "50 ms"

[contact]
mode = "none"

[[sheets]]
name = "card"
material = "card"
shape = { kind = "rectangle", columns = 2, rows = 2 }

[[sensors]]
name = "corner"
kind = "vertices"
body = "card"
region = { kind = "corner", corner = "top-right" }
"""


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "card.toml"
    path.write_text(SCENE, encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *map(str, arguments)])
    return int(ended.value.code or 0)


def summary(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert run("--json", *arguments) == 0
    return dict(json.loads(capsys.readouterr().out))


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    assert run("--quiet", *arguments) == code
    return capsys.readouterr().err


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "sensors.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_with_frames_numbers_meshes_and_the_scene(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    report = summary(capsys, scene, "-o", out)
    assert report["steps"] == 5 and report["failure"] is None and report["residual"] <= 1e-8
    trajectory = Trajectory.open(out)
    assert list(trajectory.steps()) == [0, 1, 2, 3, 4, 5]
    # It falls freely: implicit Euler has sunk by g h² (1 + 2 + ... + 5).
    fallen = float(trajectory[5].positions[:, 2].mean())
    assert fallen == pytest.approx(-9.81 * 0.01**2 * 15.0, rel=1e-5)
    table = rows(out)
    assert float(table[-1]["corner 8 z [m]"]) == pytest.approx(fallen, rel=1e-5)
    assert float(table[-1]["time [s]"]) == pytest.approx(0.05)
    mesh = read(out / "meshes" / "card.ply")
    assert isinstance(mesh, Mesh)
    assert float(mesh.vertices[:, 2].mean()) == pytest.approx(1e3 * fallen, rel=1e-5)
    assert read_scene(out / "scene.toml") == read_scene(scene)


def test_numbers_are_set_by_their_path(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    settings = [
        "--set",
        "sheets.card.material=silk",
        "--set",
        "gravity=[0, 0, -1]",
        "--set",
        "time.step=20 ms",
        "--set",
        "sheets.card.material.thickness=0.2 mm",
    ]
    report = summary(capsys, scene, "-o", out, *settings, "--steps", "3", "--every", "2")
    assert report["steps"] == 3
    taken = read_scene(out / "scene.toml")
    assert (taken.sheets[0].preset, taken.gravity, taken.time.step) == ("silk", (0.0, 0.0, -1.0), 0.02)
    assert taken.sheets[0].material.thickness == 2e-4
    assert list(Trajectory.open(out).steps()) == [0, 2, 3]
    assert len(rows(out)) == 4


def test_a_mesh_is_read_in_its_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vertices = np.array([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0], [0.0, 100.0, 0.0]])
    write(Mesh(vertices, np.array([[0, 1, 2]])), tmp_path / "sail.stl")
    scene = tmp_path / "sail.toml"
    scene.write_text(
        '[inputs]\ncloth = "sail.stl"\n[units]\ncloth = "mm"\n[[sheets]]\nname = "sail"\n'
        'shape = { kind = "mesh", input = "cloth" }\n',
        encoding="utf-8",
    )
    out = tmp_path / "out"
    assert summary(capsys, scene, "-o", out, "--duration", "10 ms")["vertices"] == 3
    assert float(np.ptp(Trajectory.open(out)[0].positions[:, 0])) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('colour = "red"\n', "card.toml.colour"),
        ('[time]\nstep = "1 kg"\n', "card.toml.time.step"),
        ("[time\n", "valid TOML"),
        ('[[sheets]]\nname = "a"\nmaterial = { thickness = 0 }\n', "thickness"),
        ('[[sheets]]\nname = "a"\nmaterial = "steel"\n', "steel"),
        ('[[sheets]]\nname = "a"\nshape = { kind = "mesh", input = "b" }\n', "'b'"),
        ("", "nothing that deforms"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    wrong: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "card.toml"
    path.write_text(wrong, encoding="utf-8")
    assert said in refused(capsys, path, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


CLOTH = '[[sheets]]\nname = "cloth"\nshape = { kind = "rectangle", columns = 2, rows = 2 }\n'


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('[time]\nstepp = "1 ms"\n' + CLOTH, ["card.toml.time.stepp", "line 2"]),
        (CLOTH.replace("rows = 2", 'width = "0.1 s"'), ["sheets.0.shape.rectangle.width", "'0.1 s'", "mm", "line 3"]),
        (CLOTH + "material = { thickness = 0 }\n", ["sheets.0.material.thickness", "greater than 0", "line 4"]),
        (CLOTH + '[[sheets.pins]]\ngripper = "hand"\n', ["'cloth'", "'hand'", "there is not"]),
        (CLOTH + '[[obstacles]]\nname = "ball"\n', ["'ball' and 'cloth'", "inside each other", "mm"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    wrong: str, said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "card.toml"
    path.write_text(wrong, encoding="utf-8")
    told = refused(capsys, path, "-o", tmp_path / "out")
    for words in said:
        assert words in told
    assert "{" not in told  # no tables of what was given


def test_a_step_without_an_equilibrium_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "card.toml"
    path.write_text('[time]\nscheme = "quasi-static"\n' + CLOTH, encoding="utf-8")
    told = refused(capsys, path, "-o", tmp_path / "out", code=1)
    assert "Step 1 has no equilibrium" in told
    assert "Pin it" in told
    assert len(Trajectory.open(tmp_path / "out")) == 1  # where it started


@pytest.mark.parametrize("suffix", [".vtu", ".msh"])
def test_a_solid_of_a_file_of_tetrahedra_falls(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, form = ball_tets(20.0, 4), {".msh": "gmsh22"}.get(suffix)
    write(body, tmp_path / f"ball{suffix}", unit="cm")
    path = tmp_path / "ball.toml"
    path.write_text(
        f'[inputs]\nball = "ball{suffix}"\n[units]\nball = "cm"\n[time]\nstep = "10 ms"\n[contact]\nmode = "none"\n'
        '[[solids]]\nname = "ball"\nshape = { kind = "mesh", input = "ball" }\n'
    )
    out = tmp_path / "out"
    assert summary(capsys, path, "-o", out, "--steps", "2")["vertices"] == body.vertex_count
    trajectory = Trajectory.open(out)
    moved = trajectory[2].positions - trajectory[0].positions
    np.testing.assert_allclose(moved[:, 2], -9.81 * 0.01**2 * 3.0, rtol=1e-4)
    assert read_scene(out / "scene.toml").solids == read_scene(path).solids
    inverted = body.tets.copy()
    inverted[5] = inverted[5, [1, 0, 2, 3]]
    meshio.write(tmp_path / f"ball{suffix}", meshio.Mesh(body.vertices / 10.0, [("tetra", inverted)]), form)
    assert "tetrahedron 5" in (told := refused(capsys, path, "-o", tmp_path / "none"))
    assert "is inverted" in told


@pytest.mark.parametrize("kind", ["sheets", "solids"])
def test_a_mesh_that_is_no_surface_is_told_with_its_place(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three triangles at one edge are no sheet, and what is open cannot be filled."""
    vertices = np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, -100, 0], [50, 50, 100]], float)
    write(Mesh(vertices, np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]])), tmp_path / "fan.ply")
    path = tmp_path / "card.toml"
    shape = 'shape = { kind = "mesh", input = "fan" }'
    path.write_text(f'[inputs]\nfan = "fan.ply"\n[units]\nfan = "mm"\n[[{kind}]]\nname = "fan"\n{shape}\n')
    told = refused(capsys, path, "-o", tmp_path / "out")
    assert "fan" in told
    assert ("has 3 triangles" if kind == "sheets" else "more than two triangles") in told


def test_paths_that_lead_nowhere_say_what_there_is(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There are card" in refused(capsys, scene, "--set", "sheets.cart.material.young=1")
    assert "poisson" in refused(capsys, scene, "--set", "sheets.card.material.yuong=1")
    assert "above" in refused(capsys, scene, "--set", "time.step=-1") or "greater" in refused(
        capsys, scene, "--set", "time.step=-1"
    )


def test_one_scene_is_wanted(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "one scene" in refused(capsys)
    assert "one scene" in refused(capsys, scene, "--example", "hanging-cloth")
    assert "hanging-cloth" in refused(capsys, "--example", "flying-carpet")


def test_a_folder_that_is_taken_is_left_alone(scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    summary(capsys, scene, "-o", out, "--steps", "1")
    before = (out / "sensors.csv").read_bytes()
    assert "trajectory already" in refused(capsys, scene, "-o", out)
    assert (out / "sensors.csv").read_bytes() == before


def test_a_step_that_fails_keeps_what_was_reached(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Stepper.step

    def fails(stepper: Stepper, held: Any = None) -> Solved:
        if stepper.moment.step == 2:
            raise NotConvergedError(0.5, 4, 200, step=3)
        return step(stepper, held)

    monkeypatch.setattr(Stepper, "step", fails)
    out = tmp_path / "out"
    said = refused(capsys, scene, "-o", out, "--every", "5", code=1)
    assert "Step 3 does not converge" in said and "vertex 4 of 'card'" in said
    assert list(Trajectory.open(out).steps()) == [0, 2]
    assert len(rows(out)) == 3


FAST = """
gravity = [0, 0, 0]
time = { step = "5 ms", duration = "15 ms" }
[[sheets]]
name = "lower"
material = "rubber"
shape = { kind = "rectangle", width = "60 mm", height = "60 mm", columns = 4, rows = 4 }
[[sheets]]
name = "upper"
material = "rubber"
shape = { kind = "rectangle", width = "60 mm", height = "60 mm", columns = 4, rows = 4 }
pose = { translation = ["5 mm", "7 mm", "10 mm"] }
velocity = [0, 0, -15]
"""


def test_steps_that_are_divided_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene, out = tmp_path / "fast.toml", tmp_path / "out"
    scene.write_text(FAST, encoding="utf-8")
    assert run(scene, "-o", out) == 0
    said = capsys.readouterr().err
    assert "Step 1 was taken in " in said
    parts = [int(row["parts"] or 0) for row in rows(out)]
    assert parts[0] == 0 and parts[1] > 1, "the start, and the first step"
    assert f"Step 1 was taken in {parts[1]} parts" in said
    assert list(Trajectory.open(out).steps()) == [0, 1, 2, 3]
    report = summary(capsys, scene, "-o", tmp_path / "again")
    assert report["divided"]["1"] == parts[1]
    said = refused(capsys, scene, "-o", tmp_path / "whole", "--set", "time.divide=1", code=1)
    assert "Step 1 is too long" in said and "Start anew with steps of" in said


def test_ctrl_c_leaves_a_trajectory(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    step = Stepper.step

    def pressed(stepper: Stepper, held: Any = None) -> Solved:
        if stepper.moment.step == 1:
            signal.raise_signal(signal.SIGINT)
        return step(stepper, held)

    monkeypatch.setattr(Stepper, "step", pressed)
    out = tmp_path / "out"
    assert run(scene, "-o", out, "--json") == 130
    report = json.loads(capsys.readouterr().out)
    assert report["interrupted"] is True and report["steps"] == 2
    assert list(Trajectory.open(out).steps()) == [0, 1, 2]


def test_examples_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--examples") == 0
    assert "drape-ball" in capsys.readouterr().out.split()
