"""A folder that repeats a session: the study, its Edits, and the inputs where no file has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from sphere_study import build

from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.registry import read, write
from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.recording import Recording, read_recording
from engine.protocol.study import Study
from engine.studies.inputs import load_inputs
from engine.studies.replay import replay
from engine.studies.replay_folder import save_replay
from engine.studies.samples import sample_named
from engine.studies.session import LocalSession


@pytest.fixture
def ball() -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=2, radius=10.0)
    return Mesh(np.asarray(shape.vertices) + 1.0 / 3.0, shape.faces)


def saved(folder: Path, study: Study, target: Any) -> tuple[Study, list[str]]:
    notes = save_replay(folder, study, {"target": target}, Recording())
    return Study.read(folder / "study.toml"), notes


def test_an_input_that_is_as_its_file_is_named(tmp_path: Path, ball: Mesh) -> None:
    write(ball, tmp_path / "ball.ply")
    study = Study(inputs={"target": str(tmp_path / "ball.ply")})
    again, notes = saved(tmp_path / "replay", study, read(tmp_path / "ball.ply"))
    assert again == study and not notes
    assert sorted(path.name for path in (tmp_path / "replay").iterdir()) == ["edits.jsonl", "study.toml"]
    study = Study(inputs={"target": "sample:knot"})
    assert saved(tmp_path / "other", study, sample_named("knot").make()) == (study, [])


def test_one_that_was_moved_or_made_here_is_written_to_the_last_bit(tmp_path: Path, ball: Mesh) -> None:
    write(ball, tmp_path / "ball.ply")
    moved = replace(ball, vertices=ball.vertices * np.pi, shift=(1e6, 0.0, 0.0), unit="in")
    for index, inputs in enumerate(({"target": str(tmp_path / "ball.ply")}, {})):
        again, notes = saved(tmp_path / f"replay-{index}", Study(inputs=inputs, units={"target": "in"}), moved)
        assert not notes
        found = load_inputs(again)["target"]
        assert np.array_equal(found.vertices, moved.vertices) and np.array_equal(found.triangles, moved.triangles)


def test_what_cannot_be_written_exactly_is_said(tmp_path: Path, ball: Mesh) -> None:
    normals = ball.vertices / np.linalg.norm(ball.vertices, axis=1)[:, None]
    again, notes = saved(tmp_path / "replay", Study(), Points(ball.vertices, normals=normals))
    assert "target.ply is rounded" in notes[0]
    assert np.array_equal(load_inputs(again)["target"].positions, ball.vertices)


def test_a_session_writes_what_repeats_it(tmp_path: Path) -> None:
    session = LocalSession(build=build)
    session.start(Study(study="sphere", parameters={"iterations": 20}), {})
    for _ in range(8):
        session.advance()
    session.send(edits.SetWeight(term="noise", weight=0.5))
    session.run_to_end()
    assert session.ask(requests.SaveReplay(tmp_path / "replay")).result() == []
    study = Study.read(tmp_path / "replay" / "study.toml")
    mesh = session.ask(requests.ResultMesh()).result()
    again = replay(study, {}, read_recording(tmp_path / "replay" / "edits.jsonl"), build=build)
    assert np.array_equal(again.vertices, mesh.vertices)
    (tmp_path / "file").write_text("")
    for place, words in (("file", "file"), ("replay", "something already")):
        with pytest.raises(FileError, match=words):
            session.ask(requests.SaveReplay(tmp_path / place)).result()
