"""`formwright run STUDY.toml` of studies that optimise through a simulation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main as command_line
from app.cli.job import quality_lines
from engine.io.registry import read
from engine.studies.examples import FOLDER, YOUNG


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(["run", *(str(word) for word in words)])
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


@pytest.mark.slow
def test_identify_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "cloth.ply"
    assert run(FOLDER / "identify.toml", "-o", output, "--set", "iterations=4", "--json") == 0
    quality = json.loads(capsys.readouterr().out)["quality"]
    found = quality["found"]["cloth.young"]
    assert found["value"] == pytest.approx(YOUNG, rel=0.02) and found["unit"] == "Pa"
    assert 0.0 < found["standard_deviation"] < 0.02 * YOUNG
    assert any(line.startswith("cloth.young = ") and line.endswith(" Pa") for line in quality_lines(quality))


@pytest.mark.slow
def test_a_flat_pattern_writes_what_is_cut(tmp_path: Path) -> None:
    output = tmp_path / "pattern.ply"
    assert run(FOLDER / "flat-pattern.toml", "-o", output, "--set", "iterations=1", "--quiet") == 0
    mesh = read(output, unit="mm")
    assert mesh.vertex_count == 36 and abs(mesh.bounds[:, 2]).max() == 0.0


def test_a_table_with_a_missing_column_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "points.csv").write_text("time, x, y\n0.1, 1, 2\n")
    text = (FOLDER / "identify.toml").read_text().replace("sample:swung-cloth", "points.csv")
    (tmp_path / "study.toml").write_text(text)
    assert run(tmp_path / "study.toml", "-o", tmp_path / "cloth.ply") != 0
    assert "points.csv: it has no column 'z'" in capsys.readouterr().err.replace("\n", " ")
