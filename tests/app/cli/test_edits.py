"""`formwright run --edits`: from files to a file, on a small grid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main as command_line

STUDY = """
format = 1
study = "reconstruct"
[inputs]
target = "sample:knot"
[parameters]
resolution = 12
iterations = 20
samples = 400
device = "cpu"
start = "sphere"
"""
LINES = [
    '{"iteration": 8, "edit": {"edit": "rewind", "checkpoint": 1}}',
    '{"iteration": 10, "edit": {"edit": "set-weight", "term": "fit", "weight": 3.0}}',
    '{"iteration": 14, "end": true}',
]


def run(folder: Path, lines: list[str], output: str) -> int:
    (folder / "study.toml").write_text(STUDY)
    (folder / "edits.jsonl").write_text("\n".join(lines))
    words = ["run", str(folder / "study.toml"), "--edits", str(folder / "edits.jsonl"), "-o", str(folder / output)]
    with pytest.raises(SystemExit) as leaving:
        command_line.main([*words, "--json"])
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


def test_edits_steer_the_study_to_where_they_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, LINES, "steered.ply") == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 14
    assert run(tmp_path, LINES[-1:], "plain.ply") == 0
    assert (tmp_path / "steered.ply").read_bytes() != (tmp_path / "plain.ply").read_bytes()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([LINES[0], LINES[1][:-3]], "edits.jsonl: line 2 is no JSON object"),
        ([LINES[1].replace("fit", "absent")], "Edit 1 of the recording: absent"),
        ([LINES[0], '{"iteration": 90, "end": true}'], "came to rest at iteration 20"),
    ],
)
def test_edits_that_cannot_act_are_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str], words: str
) -> None:
    assert run(tmp_path, lines, "steered.ply") == 2
    assert words in json.loads(capsys.readouterr().err)["error"]["message"]
    assert not (tmp_path / "steered.ply").exists()
