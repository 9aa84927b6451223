"""`formwright picture`: a mesh or a scan as a picture, or turning in a film, without OpenGL."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from app.cli.console import UsageError, say, silent
from app.cli.options import InputShift, InputUnit, Repairs
from engine.core.atomic import check_place
from engine.io.loader import shut_down
from engine.io.shift import parse_shift
from engine.studies.inputs import load_geometry

DIRECTIONS = {
    "usual": (-1.0, -1.6, 1.0),
    "front": (0.0, -1.0, 0.0),
    "back": (0.0, 1.0, 0.0),
    "left": (-1.0, 0.0, 0.0),
    "right": (1.0, 0.0, 0.0),
    "top": (0.0, 0.0, 1.0),
    "bottom": (0.0, 0.0, -1.0),
}
LARGEST = 16384
"""Pixels along a side."""


def picture(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The mesh or the scan.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .png, or a film: .gif or .mp4.")],
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="In pixels.")] = "960x720",
    view: Annotated[
        Literal["usual", "front", "back", "left", "right", "top", "bottom"],
        typer.Option(help="From where; of a turntable, the first picture."),
    ] = "usual",
    colour: Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Of the surface or the points.")] = None,
    background: Annotated[str, typer.Option(metavar="#RRGGBB", help="Behind it; or none, for a transparent PNG.")] = (
        "#f6f7f9"
    ),
    turntable: Annotated[bool, typer.Option("--turntable", help="Turn it once round; needs a .gif or .mp4.")] = False,
    frames: Annotated[int, typer.Option(min=2, max=3600, help="Pictures of a turntable.")] = 90,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="How long a turn takes.")] = 6.0,
    axis: Annotated[Literal["x", "y", "z"], typer.Option(help="What a turntable turns about; it stands upright.")] = (
        "z"
    ),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    unit: InputUnit = None,
    shift: InputShift = "auto",
    repairs: Repairs = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
) -> None:
    """Make a picture of a mesh or a scan, or a film in which it turns (a .gif or .mp4 is always one)."""
    from engine.rendering.film import FILMS, check_film, write_film

    is_film = output.suffix.lower() in FILMS
    if is_film:
        check_film(output)
    elif turntable:
        raise UsageError(f"{output.name}: a turntable is a film.", remedy=f"Use {' or '.join(FILMS)}.")
    elif output.suffix.lower() != ".png":
        raise UsageError(f"{output.name}: this is no picture.", remedy=f"Use .png, {' or '.join(FILMS)}.")
    shape = parse_size(size)
    behind = None if background == "none" else parse_colour(background)
    if is_film and behind is None:
        raise UsageError("A film has no transparent background.", remedy="Name a colour, or save a PNG.")
    painted = parse_colour(colour) if colour else None
    check_place(output)
    try:
        geometry = load_geometry(
            file, unit=unit, shift=parse_shift(shift), repairs=repairs or [], tell=silent if quiet else say
        )
    finally:
        shut_down()
    from engine.core.device import choose_device
    from engine.rendering.camera import Camera
    from engine.rendering.picture import pictures, places, save_png
    from engine.rendering.turntable import AXES, camera_all_round
    from engine.rendering.turntable import turntable as all_round

    aspect, where = shape[0] / shape[1], choose_device(device).name
    if is_film:
        first, centre = camera_all_round(places(geometry), axis=AXES[axis], direction=DIRECTIONS[view], aspect=aspect)
        views = all_round(first, frames, axis=AXES[axis], centre=centre)
        drawn = pictures(
            geometry, views, shape, colour=painted, background=behind, samples=2, occlusion_rays=6, device=where
        )
        write_film(output, told(drawn, frames, "Turning", quiet=quiet), pictures_per_second=frames / seconds)
    else:
        still = Camera.around(places(geometry), direction=DIRECTIONS[view], aspect=aspect)
        save_png(
            next(iter(pictures(geometry, [still], shape, colour=painted, background=behind, device=where))), output
        )
    if not quiet:
        say(f"  {output}")


def parse_size(text: str) -> tuple[int, int]:
    """`960x720` as numbers; raises `UsageError`."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"--size: {text!r} is no size.", remedy="Write width and height in pixels, as 960x720.")
    width, height = int(parts[0]), int(parts[1])
    if not (8 <= width <= LARGEST and 8 <= height <= LARGEST):
        raise UsageError(f"--size: {text} is too small or too large.", remedy=f"Use sides from 8 to {LARGEST} pixels.")
    return width, height


def parse_colour(text: str) -> tuple[float, float, float]:
    """`#rrggbb` as red, green and blue in [0, 1]; raises `UsageError`."""
    digits = text.removeprefix("#")
    try:
        if len(digits) != 6:
            raise ValueError
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        raise UsageError(f"{text!r} is no colour.", remedy="Write red, green and blue, as #c9ccd0.") from None
    return red / 255.0, green / 255.0, blue / 255.0


def told(drawn: Iterable[np.ndarray], count: int, what: str, *, quiet: bool) -> Iterator[np.ndarray]:
    """The pictures, with a bar on a terminal while they come."""
    from rich.console import Console
    from rich.progress import track

    silenced = quiet or not sys.stderr.isatty()
    yield from track(drawn, what, total=count, console=Console(stderr=True), disable=silenced)
