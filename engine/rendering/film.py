"""Pictures in a row as a GIF or an MP4. Imports neither torch nor Warp: the window writes films of its own view."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import accumulate, pairwise, repeat
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, ParameterError

FILMS = (".gif", ".mp4")
"""Extensions that `write_film` knows."""

SHORTEST = 2
"""Hundredths of a second that a picture of a GIF lasts at least: browsers take less for a tenth of a second."""

ENCODERS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf", "mpeg4")
"""Video encoders in the order in which they are preferred: H.264 plays everywhere, MPEG-4 part 2 nearly so."""

QUALITY = {"libx264": {"crf": "18", "preset": "medium"}, "mpeg4": {"qscale:v": "2"}}
"""What makes each of them keep fine shading; the others get bits enough instead."""


def write_film(path: str | Path, pictures: Iterable[np.ndarray], *, pictures_per_second: float) -> int:
    """Write pictures as they come, whole or not at all: an error (or a cancel) in `pictures` leaves no file.

    Parameters
    ----------
    path : `.gif` or `.mp4`
    pictures : shape (height, width, 3 or 4), uint8, all alike; a fourth channel is left out

    Returns
    -------
    The number of pictures.

    Raises
    ------
    FileError : nothing here can write this kind of film, or the disk refuses
    """
    path = Path(path)
    check_film(path)
    if not pictures_per_second > 0.0:
        raise ParameterError("pictures a second", f"{pictures_per_second:g} is not more than 0.")
    counted = _Counted(pictures)
    with atomic_write(path) as temporary:
        if path.suffix.lower() == ".gif":
            _write_gif(temporary, counted, pictures_per_second)
        elif _ffmpeg() is not None:
            _write_by_ffmpeg(path, temporary, counted, pictures_per_second)
        else:
            _write_by_pyav(temporary, counted, pictures_per_second)
        if not counted.count:
            raise FileError(path, "there are no pictures to make a film of.")
    return counted.count


def check_film(path: str | Path) -> None:
    """Raise `FileError` where no such film can be written here, before the pictures are drawn."""
    path = Path(path)
    if path.suffix.lower() not in FILMS:
        raise FileError(path, f"{path.suffix or 'no extension'!r} is no film.", remedy=f"Use {' or '.join(FILMS)}.")
    if path.suffix.lower() == ".mp4" and not writes_mp4():
        raise FileError(
            path,
            "an MP4 needs ffmpeg, which is not installed here.",
            remedy="Install ffmpeg (on Debian and Ubuntu: apt install ffmpeg; on macOS: brew install ffmpeg; on "
            "Windows: winget install ffmpeg), or PyAV (pip install av), or save a GIF.",
        )


def writes_mp4() -> bool:
    """Whether there is an ffmpeg, or PyAV."""
    return _ffmpeg() is not None or importlib.util.find_spec("av") is not None


class _Counted:
    """Pictures of three channels on their way, and how many there were."""

    def __init__(self, pictures: Iterable[np.ndarray]) -> None:
        self._pictures = iter(pictures)
        self.count = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for picture in self._pictures:
            self.count += 1
            yield np.ascontiguousarray(picture[..., :3], np.uint8)


def gif_durations(pictures_per_second: float) -> Iterator[int]:
    """How long each picture of a GIF lasts [ms]: whole hundredths of a second whose sums keep to the speed."""
    ends = accumulate(repeat(100.0 / pictures_per_second), initial=0.0)
    for begin, end in pairwise(ends):
        yield 10 * max(SHORTEST, round(end) - round(begin))


def _write_gif(path: Path, pictures: _Counted, pictures_per_second: float) -> None:
    """Every picture with the 256 colours that suit it best, drawn as it comes."""
    from PIL import Image

    def drawn() -> Iterator[Any]:
        for picture, duration in zip(pictures, gif_durations(pictures_per_second), strict=False):
            image = Image.fromarray(picture).quantize(256, Image.Quantize.MEDIANCUT)
            image.info["duration"] = duration
            yield image

    rest = drawn()
    first = next(rest, None)
    if first is None:
        return
    first.save(path, format="GIF", save_all=True, append_images=rest, loop=0)


def _even(picture: np.ndarray) -> np.ndarray:
    """With a last row or column twice where there is an odd number: H.264 halves the colours' resolution."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return picture


def _rate(pictures_per_second: float) -> Fraction:
    return Fraction(pictures_per_second).limit_denominator(1000)


def _ffmpeg() -> tuple[str, str] | None:
    """The system's ffmpeg and its best encoder, or None."""
    program = shutil.which("ffmpeg")
    encoder = _best_encoder(program) if program else ""
    return (program, encoder) if program and encoder else None


@cache
def _best_encoder(program: str) -> str:
    """The first of `ENCODERS` that this ffmpeg was built with, or ""."""
    try:
        listing = [program, "-hide_banner", "-encoders"]
        said = subprocess.run(listing, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    known = {line.split()[1] for line in said.stdout.splitlines() if len(line.split()) > 1}
    return next((name for name in ENCODERS if name in known), "")


def _write_by_ffmpeg(path: Path, temporary: Path, pictures: _Counted, pictures_per_second: float) -> None:
    """The pictures go to ffmpeg as they come, through a pipe."""
    found = _ffmpeg()
    assert found is not None
    program, encoder = found
    source = iter(pictures)
    first = next(source, None)
    if first is None:
        return
    height, width = _even(first).shape[:2]
    quality = QUALITY.get(encoder, {"b:v": "12M"})
    command = [
        program, "-hide_banner", "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(_rate(pictures_per_second)),
        "-i", "-", "-an", "-c:v", encoder, *(part for key, value in quality.items() for part in (f"-{key}", value)),
        "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-color_primaries", "bt709",
        "-color_trc", "bt709", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", str(temporary),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints)
        assert process.stdin is not None
        try:
            _feed(process.stdin, first, source)
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if code:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise FileError(path, f"ffmpeg could not write it ({said[-1] if said else f'code {code}'}).")


def _feed(pipe: IO[bytes], first: np.ndarray, rest: Iterator[np.ndarray]) -> None:
    try:
        pipe.write(_even(first).tobytes())
        for picture in rest:
            pipe.write(_even(picture).tobytes())
        pipe.close()
    except BrokenPipeError:
        pass  # it has ended early; its code and its words say why


def _write_by_pyav(temporary: Path, pictures: _Counted, pictures_per_second: float) -> None:
    import av

    source = iter(pictures)
    first = next(source, None)
    if first is None:
        return
    encoder = next((name for name in ENCODERS if name in av.codecs_available), "mpeg4")
    with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(encoder, rate=_rate(pictures_per_second))
        stream.height, stream.width = _even(first).shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18"} if encoder == "libx264" else {}
        stream.bit_rate = 0 if encoder == "libx264" else 12_000_000
        for picture in _chained(first, source):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(_even(picture), format="rgb24")))
        container.mux(stream.encode(None))


def _chained(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest
