"""Pictures and turntables from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from app.cli import main as command_line


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bar of 20 × 4 × 4 mm along x."""
    path = tmp_path_factory.mktemp("block") / "block.ply"
    trimesh.creation.box((20.0, 4.0, 4.0)).export(path)
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as leaving:
        command_line.main(["picture", *arguments, "--device", "cpu"])
    return leaving.value.code if isinstance(leaving.value.code, int) else 0


def test_a_transparent_picture_of_the_asked_size_and_colour(block: Path, tmp_path: Path) -> None:
    path = tmp_path / "block.png"
    look = ["--view", "front", "--background", "none", "--colour", "#3060c0", "--size", "80x40"]
    assert run(str(block), "-o", str(path), *look) == 0
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("RGBA", (80, 40))
        pixels = np.asarray(image).astype(int)
    shown = pixels[..., 3] > 128
    assert 0.2 < shown.mean() < 0.6  # a long bar across the middle
    assert shown[20, 10:70].all()
    assert (pixels[shown][:, 2] > pixels[shown][:, 0]).all()
    assert pixels[0, 0, 3] == 0


def test_a_turntable_shows_the_bar_from_all_sides(block: Path, tmp_path: Path) -> None:
    path = tmp_path / "block.gif"
    film = ["--turntable", "--frames", "8", "--seconds", "2", "--size", "48x32", "--view", "front", "--quiet"]
    assert run(str(block), "-o", str(path), *film) == 0
    widths = []
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (8, (48, 32))
        for index in range(8):
            image.seek(index)
            pixels = np.asarray(image.convert("RGB")).astype(int)
            widths.append(int((np.abs(pixels - pixels[0, 0]).max(axis=2) > 20).any(axis=0).sum()))
    assert widths[0] > 1.8 * widths[2]  # broadside, then end on
    assert widths[4] == pytest.approx(widths[0], abs=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "x.png", "--turntable"], "a turntable is a film"),
        (["-o", "x.jpg"], "this is no picture"),
        (["-o", "x.png", "--size", "12"], "'12' is no size"),
        (["-o", "x.png", "--size", "1x100000"], "too small or too large"),
        (["-o", "x.png", "--colour", "blue"], "'blue' is no colour"),
        (["-o", "x.gif", "--background", "none"], "no transparent background"),
        (["-o", "nowhere/x.png"], "there is no folder"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_work(
    block: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(block), *arguments) == 2
    assert said in capsys.readouterr().err
