"""Copy as Python: a script that says the same as the study and the recording, and does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.document.python_script import WIDTH, edits_need_a_file, python_script
from engine.protocol.recording import Recording, as_recording
from engine.protocol.study import OptimizerSpec, Study, TermSpec

STUDY = Study(
    inputs={"target": "sc\"an's µ.ply"},
    units={"target": "in"},
    parameters={"resolution": 24, "iterations": 12, "samples": 2000, "device": "cpu", "start": "sphere", "seed": 3},
    optimizer=OptimizerSpec(learning_rate=0.02),
    terms=[
        TermSpec(kind="fit", name="fit", weight=10.0),
        TermSpec(
            kind="handle",
            name="handle 2",
            enabled=False,
            parameters={"anchor": [1.25, 2.1234567890123, 3.0], "target": [1e-7, -2.0, 3.5], "radius": 3.0},
        ),
    ],
)


def recording(points: int = 2) -> Recording:
    centres = [[0.1 * index, 2.0, 1 / 3] for index in range(points)]
    return as_recording(
        [
            {"step": 5, "iteration": 5, "edit": {"edit": "paint-freeze", "centres": centres, "radius": 2.0}},
            {"step": 9, "iteration": 9, "edit": {"edit": "rewind", "checkpoint": 1}},
            {"step": 14, "iteration": 10, "end": True},
        ]
    )


def executed(script: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "script"}
    exec(compile(script, "script.py", "exec"), names)
    return names


def test_the_script_holds_the_same_study_and_the_same_edits() -> None:
    script = python_script(STUDY, recording())
    names = executed(script)
    assert names["STUDY"] == STUDY
    assert as_recording(names["EDITS"]) == recording()
    assert max(len(line) for line in script.splitlines()) <= WIDTH + 20
    assert executed(python_script(Study()))["STUDY"] == Study()


def test_long_edits_are_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = recording(points=2000)
    assert edits_need_a_file(long) and not edits_need_a_file(recording())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "part.edits.jsonl").write_text(long.to_text())
    script = python_script(STUDY, long, edits_file="part.edits.jsonl")
    assert len(script) < 2000
    assert executed(script)["EDITS"] == long


def test_the_script_and_the_command_come_to_the_same_file(tmp_path: Path) -> None:
    study = STUDY.model_copy(update={"inputs": {"target": "sample:knot"}, "units": {}, "terms": []})
    steered = recording()
    (tmp_path / "part.toml").write_text(study.to_toml())
    (tmp_path / "part.edits.jsonl").write_text(steered.to_text())
    (tmp_path / "part.py").write_text(python_script(study, steered, output="script.ply"))
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "app.cli.main", "run", "part.toml", "--edits", "part.edits.jsonl", "-o", "cli.ply"]
    for words in ([sys.executable, "part.py"], command):
        environment = {**os.environ, "PYTHONPATH": str(root)}
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "script.ply").read_bytes() == (tmp_path / "cli.ply").read_bytes()
