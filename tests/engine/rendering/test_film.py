"""Films hold the pictures that they were given, last as long as asked, and are whole or not there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import FileError, ParameterError
from engine.rendering import film
from engine.rendering.film import check_film, gif_durations, write_film

COLOURS = ((200, 40, 40), (40, 160, 60), (50, 70, 200), (220, 200, 60))


def pages(width: int = 41, height: int = 30) -> Iterator[np.ndarray]:
    """A white picture with a bar of another colour and at another place each time."""
    for index, colour in enumerate(COLOURS):
        page = np.full((height, width, 3), 255, np.uint8)
        page[:, 10 * index : 10 * index + 10] = colour
        yield page


def test_a_gif_holds_every_picture_in_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "bars.gif"
    assert write_film(path, pages(), pictures_per_second=8.0) == 4
    with Image.open(path) as image:
        assert (image.n_frames, image.size) == (4, (41, 30))
        assert image.info["loop"] == 0
        lasting = 0
        for index, page in enumerate(pages()):
            image.seek(index)
            lasting += image.info["duration"]
            assert np.abs(np.asarray(image.convert("RGB"), int) - page).max() <= 2
    assert lasting == 500


@pytest.mark.parametrize("speed", [7.0, 12.0, 24.0, 29.97, 30.0])
def test_a_gif_keeps_its_speed_though_it_counts_in_hundredths(speed: float) -> None:
    durations = list(islice(gif_durations(speed), 300))
    assert sum(durations) == pytest.approx(300_000 / speed, abs=10)
    assert {duration % 10 for duration in durations} == {0}


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the system's ffmpeg")
def test_an_mp4_by_ffmpeg(tmp_path: Path) -> None:
    path = tmp_path / "bars.mp4"
    assert write_film(path, pages(), pictures_per_second=12.5) == 4
    about = probed(path)
    assert (about["width"], about["height"]) == (42, 30)  # an even number: one column twice
    assert about["nb_frames"] == "4"
    assert float(about["duration"]) == pytest.approx(4 / 12.5, abs=0.01)
    raw = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    seen = np.frombuffer(raw, np.uint8).reshape(4, 30, 42, 3).astype(int)
    for index, colour in enumerate(COLOURS):
        assert np.abs(seen[index, 15, 10 * index + 5] - colour).max() < 12
        assert np.abs(seen[index, 15, (10 * index + 25) % 40] - 255).max() < 12


def test_an_mp4_by_pyav_where_there_is_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    path = tmp_path / "bars.mp4"
    assert write_film(path, pages(), pictures_per_second=12.5) == 4
    with av.open(str(path)) as container:
        seen = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(seen) == 4
    assert np.abs(seen[2][15, 25].astype(int) - COLOURS[2]).max() < 40  # PyAV names no matrix for the colours


def test_an_mp4_with_nothing_to_write_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(film.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match="needs ffmpeg") as caught:
        check_film("turn.mp4")
    assert "apt install ffmpeg" in caught.value.remedy
    assert "GIF" in caught.value.remedy
    check_film("turn.gif")


@pytest.mark.parametrize("name", ["turn.gif", "turn.mp4"])
def test_a_cancelled_film_leaves_what_stood_there(tmp_path: Path, name: str) -> None:
    if name.endswith("mp4") and shutil.which("ffmpeg") is None:
        pytest.skip("needs the system's ffmpeg")

    def cancelled() -> Iterator[np.ndarray]:
        yield from pages()
        raise KeyboardInterrupt

    path = tmp_path / name
    path.write_bytes(b"what stood there")
    with pytest.raises(KeyboardInterrupt):
        write_film(path, cancelled(), pictures_per_second=10.0)
    assert path.read_bytes() == b"what stood there"
    assert list(tmp_path.iterdir()) == [path]


def test_no_pictures_are_no_film(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no pictures"):
        write_film(tmp_path / "none.gif", iter(()), pictures_per_second=10.0)
    assert list(tmp_path.iterdir()) == []


def test_other_extensions_and_speeds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"'\.avi' is no film"):
        write_film(tmp_path / "turn.avi", pages(), pictures_per_second=10.0)
    with pytest.raises(ParameterError, match="not more than 0"):
        write_film(tmp_path / "turn.gif", pages(), pictures_per_second=0.0)


def probed(path: Path) -> dict[str, str]:
    command = ["ffprobe", "-loglevel", "error", "-show_streams", "-of", "json", str(path)]
    about: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"][0]
    return about
