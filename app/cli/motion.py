"""`formwright motion`: the frames of a simulation as an animation, meshes, a table or a film, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from app.cli.console import UsageError, print_json, say
from app.cli.picture import parse_size, told
from engine.core.atomic import check_place
from engine.io.motion.motion import Motion


def motion(
    trajectory: Annotated[Path, typer.Argument(metavar="FOLDER", help="The frames that a simulation wrote.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o",
            help=".glb or .usda (animation), .vtkhdf (ParaView), .ply or .obj (a file each frame), .csv (energies and "
            "sensors), .mp4 or .gif (film).",
        ),
    ],
    first: Annotated[int, typer.Option(min=0, help="The first frame, counted from 0.")] = 0,
    last: Annotated[int | None, typer.Option(min=0, help="The last frame; without it, to the end.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Of so many frames one.")] = 1,
    body: Annotated[list[str] | None, typer.Option(help="Only this body; may be repeated.")] = None,
    unit: Annotated[str, typer.Option(help="Of lengths in .ply and .obj: um, mm, cm, m, in, ft.")] = "mm",
    fps: Annotated[float, typer.Option(min=1.0, max=120.0, help="Pictures a second of a film.")] = 25.0,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of a film, in pixels.")] = "960x720",
    turntable: Annotated[bool, typer.Option("--turntable", help="Turn it once round during the film.")] = False,
    device: Annotated[str, typer.Option(help="For the pictures of a film: auto, cpu, cuda or cuda:1.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
) -> None:  # fmt: skip
    """Write the frames of a simulation for other programs to play."""
    from engine.io.motion.recorded import motion_of
    from engine.io.motion.registry import write_motion
    from engine.protocol.trajectory import Trajectory
    from engine.rendering.film import FILMS

    check_place(output)
    shown = motion_of(Trajectory.open(trajectory)).part(first, last, every)
    if body:
        shown = shown.only(body)
    if output.suffix.lower() in FILMS:
        written: dict[str, Any] = _film(shown, output, fps, parse_size(size), turntable, device, quiet=quiet)
    else:
        if turntable:
            raise UsageError(f"{output.name}: a turntable is a film.", remedy=f"Use {' or '.join(FILMS)}.")
        report = write_motion(shown, output, unit=unit)
        written = {
            "format": report.format, "files": [str(path) for path in report.files], "frames": report.frames,
            "unit": report.unit, "bytes": report.size,
        }  # fmt: skip
    if as_json:
        print_json(written)
    elif not quiet:
        files = written["files"]
        more = f" … {files[-1]}" if len(files) > 1 else ""
        say(f"  {files[0]}{more}, {written['frames']} frames")


def _film(
    shown: Motion, output: Path, fps: float, size: tuple[int, int], turntable: bool, device: str, *, quiet: bool
) -> dict[str, Any]:
    """The bodies in their colours, seen from where all of them stay in the picture."""
    from engine.core.device import choose_device
    from engine.rendering.film import check_film, write_film

    check_film(output)
    drawn = _drawn(shown, size, turntable, choose_device(device).name)
    count = write_film(output, told(drawn, len(shown), "Drawing", quiet=quiet), pictures_per_second=fps)
    return {
        "format": output.suffix[1:].lower(), "files": [str(output)], "frames": count, "unit": "",
        "bytes": output.stat().st_size,
    }  # fmt: skip


def _drawn(shown: Motion, size: tuple[int, int], turntable: bool, device: str) -> Iterator[np.ndarray]:
    from engine.rendering.camera import Camera
    from engine.rendering.picture import picture
    from engine.rendering.turntable import AXES, camera_all_round, turned

    seen = [shown.mesh(index).vertices for index in (0, len(shown) // 2, len(shown) - 1)]
    places, aspect = np.concatenate(seen), size[0] / size[1]
    if turntable:
        view, centre = camera_all_round(places, axis=AXES["z"], aspect=aspect)
    else:
        view, centre = Camera.around(places, aspect=aspect, margin=1.15), (0.0, 0.0, 0.0)
    colours = np.array([list(bytes.fromhex(body.colour[1:])) for body in shown.bodies]) / 255.0
    for index in range(len(shown)):
        mesh = shown.mesh(index)
        owner = mesh.fields["body"].values.astype(int)
        turn = -360.0 * index / len(shown) if turntable else 0.0
        yield picture(
            mesh, size, view=turned(view, turn, axis=AXES["z"], centre=centre), colours=colours[owner], samples=2,
            occlusion_rays=4, device=device,
        )  # fmt: skip
