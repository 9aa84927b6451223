"""`formwright run STUDY.toml` of a simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cloth_runs import begin, branched, problem_of, study, until

from app.cli import main as command_line
from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.io.registry import read
from engine.protocol import session as requests
from engine.protocol.study import Study


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(["run", *(str(word) for word in words), "--json"])
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


def test_a_scene_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "flag.toml").write_text(study().to_toml())
    assert Study.read(tmp_path / "flag.toml") == study()
    assert run(tmp_path / "flag.toml", "-o", tmp_path / "flag.ply", "--losses", tmp_path / "flag.csv") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["iterations"], report["study"]["scene"]["name"]) == (30, "flag")
    session = begin()
    session.run_to_end()
    mesh = read(tmp_path / "flag.ply", unit="mm", shift="none")
    assert isinstance(mesh, Mesh)
    assert np.array_equal(mesh.vertices, problem_of(session).result_mesh().vertices)
    header, *lines = (tmp_path / "flag.csv").read_text().splitlines()
    assert {"kinetic", "gravity", "bending", "membrane"} <= set(header.split(","))
    assert len(lines) == 30


def test_it_is_steered_again_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = until(branched(begin()), 15)
    session.ask(requests.SaveReplay(tmp_path / "replay")).result()
    edits = tmp_path / "replay" / "edits.jsonl"
    assert run(tmp_path / "replay" / "study.toml", "--edits", edits, "-o", tmp_path / "again.ply") == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 15
    mesh = read(tmp_path / "again.ply", unit="mm", shift="none")
    assert isinstance(mesh, Mesh)
    assert np.array_equal(mesh.vertices, problem_of(session).result_mesh().vertices)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('mode = "none"', 'mode = "none"\nstickiness = 3', "stickiness"),
        ("step = 0.01", 'step = "10 kg"', "unit"),
        ("width = 0.1", "width = -0.1", "width"),
    ],
)
def test_a_wrong_scene_is_refused_by_the_name_of_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    text = study().to_toml()
    assert old in text
    (tmp_path / "flag.toml").write_text(text.replace(old, new))
    assert run(tmp_path / "flag.toml", "-o", tmp_path / "flag.ply") == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["kind"] == ParameterError.__name__
    assert words in error["message"]
    assert not (tmp_path / "flag.ply").exists()
