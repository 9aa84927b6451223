"""`formwright motion` writes what a simulation recorded, and refuses plainly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from motions import RisingStrip
from PIL import Image

from app.cli.main import main
from engine.io.registry import read


@pytest.fixture
def strip(tmp_path: Path) -> RisingStrip:
    return RisingStrip(tmp_path / "frames").write(7)


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_a_part_is_written_and_told_as_json(
    strip: RisingStrip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "rise.obj"
    code = run(
        "motion", strip.folder, "-o", output, "--first", "2", "--every", "3", "--body", "strip", "--unit", "m", "--json"
    )
    assert code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["frames"] == 2 and said["unit"] == "m" and len(said["files"]) == 2
    mesh = read(Path(said["files"][1]), unit="m")
    assert mesh.vertex_count == 10
    np.testing.assert_allclose(mesh.vertices[:, 2], 5.0, atol=1e-4)


def test_a_film_shows_bodies_in_their_colours(strip: RisingStrip, tmp_path: Path) -> None:
    output = tmp_path / "rise.gif"
    assert run("motion", strip.folder, "-o", output, "--every", "3", "--size", "64x48", "-q") == 0
    film = Image.open(output)
    assert film.n_frames == 3 and film.size == (64, 48)
    first = np.asarray(film.convert("RGB"), np.int64)
    film.seek(2)
    last = np.asarray(film.convert("RGB"), np.int64)
    assert np.abs(first - last).max() > 40, "it moves"
    blue, brown = (np.array(colour) for colour in ((0x7A, 0x9C, 0xC6), (0xD6, 0xA2, 0x5E)))
    signed = first[..., 2] - first[..., 0]
    assert signed.max() > 20 and signed.min() < -20, f"both {blue} and {brown} are seen"


def test_wrong_use_is_refused(strip: RisingStrip, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, word in (
        ([tmp_path, "-o", tmp_path / "a.glb"], "no trajectory"),
        ([strip.folder, "-o", tmp_path / "a.doc"], "holds no motion"),
        ([strip.folder, "-o", tmp_path / "a.glb", "--first", "9"], "none to write"),
        ([strip.folder, "-o", tmp_path / "a.glb", "--body", "lid"], "no such body"),
        ([strip.folder, "-o", tmp_path / "a.glb", "--turntable"], "film"),
        ([strip.folder, "-o", tmp_path / "nowhere" / "a.glb"], "no folder"),
        ([strip.folder, "-o", tmp_path / "a.ply", "--unit", "parsec"], "not a length unit"),
    ):
        assert run("motion", *arguments) == 2
        assert word in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]
