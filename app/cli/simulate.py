"""`formwright simulate`: a scene from its file, to a folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import INTERRUPTED, ResultError, UsageError, print_json, say, silent
from app.cli.descend import Interruption
from app.cli.progress import progress_display
from app.cli.scene_settings import with_settings
from engine.core.errors import ParameterError
from engine.core.loading import loading
from engine.protocol.scene import Scene
from engine.protocol.scene_file import read_scene
from engine.protocol.study import Study
from engine.studies.scenes import example_names, example_path

if TYPE_CHECKING:
    from engine.geometry.mesh import Mesh
    from engine.studies.recorded_steps import Recorded


def simulate(
    scene_file: Annotated[Path | None, typer.Argument(metavar="SCENE.toml", help="The scene.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder to write; without it, one of the scene's name here."),
    ] = None,
    example: Annotated[str, typer.Option(help="A scene that the program brings, by its name.")] = "",
    examples: Annotated[bool, typer.Option("--examples", help="Name the scenes that the program brings.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Another value, for example sheets.cloth.material.young=2e6; may be repeated.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many; without it, the scene's duration.")] = None,
    duration: Annotated[str, typer.Option(help="How long instead, for example 0.5 s.")] = "",
    every: Annotated[int, typer.Option(min=1, help="Keep every so many frames.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on stdout.")] = False,
) -> None:
    """Simulate a scene: sheets, soft bodies, obstacles and grippers; the folder has all frames, numbers and meshes.

    Ctrl-C ends it after the step, and keeps what there is.
    """
    if examples:
        for name in example_names():
            typer.echo(name)
        return
    path = _scene_path(scene_file, example)
    folder = output or Path(path.stem)
    scene = with_settings(read_scene(path), [*(settings or []), *([f"time.duration={duration}"] if duration else [])])
    if steps is not None and duration:
        raise UsageError("--steps and --duration say the same.", remedy="Leave one out.")
    if steps is not None:
        scene = scene.model_copy(update={"time": scene.time.model_copy(update={"duration": steps * scene.time.step})})
    raise typer.Exit(_carry_out(scene, folder, every, device, quiet=quiet, as_json=as_json))


def _scene_path(scene_file: Path | None, example: str) -> Path:
    if (scene_file is None) == (not example):
        raise UsageError(
            "one scene is wanted, as a file or with --example.", remedy=f"There are {', '.join(example_names())}."
        )
    return example_path(example) if scene_file is None else scene_file


def _carry_out(scene: Scene, folder: Path, every: int, device: str, *, quiet: bool, as_json: bool) -> int:
    with loading():
        from engine.core.device import choose_device
        from engine.core.kernels import is_warm, warm_up
        from engine.simulation.world.kernels import kernel_files
        from engine.simulation.world.world import build_world
        from engine.studies.recorded_steps import record

    tell = silent if quiet or as_json else say
    chosen = choose_device(device)
    files = kernel_files(scene)
    if not is_warm(chosen.name, files):
        warm_up(
            lambda title, done: tell(f"Compiling, once: {title}") if title else None, device=chosen.name, files=files
        )
    world = build_world(scene, _meshes(scene, tell), device=str(chosen.torch))
    steps = scene.time.steps
    tell(f"{scene.name or 'scene'}: {len(world.positions):,} vertices, {steps:,} steps of {scene.time.step:g} s")
    display = progress_display(quiet=quiet or as_json)
    with Interruption() as interruption, display:

        def after(step: int, so_far: Recorded) -> bool:
            display.show_steps(step, steps, _status(so_far))
            return not interruption.asked.is_set()

        recorded = record(world, folder, steps=steps, every=every, after=after)
    summary = {"folder": str(folder), "vertices": len(world.positions)} | recorded.summary()
    if as_json:
        print_json(summary)
    else:
        for line in _lines(recorded):
            tell(line)
        tell(f"  {folder}")
    if recorded.failure is not None:
        raise ResultError(recorded.failure.message, remedy=recorded.failure.remedy)
    return INTERRUPTED if recorded.interrupted else 0


def _meshes(scene: Scene, tell: Callable[[str], object]) -> dict[str, Mesh]:
    """The inputs of mesh shapes; raises `ParameterError` for a file that holds no mesh."""
    from engine.geometry.mesh import Mesh
    from engine.studies.inputs import load_inputs

    wanted = {name: path for name, path in scene.inputs.items() if name in scene.mesh_inputs()}
    if not wanted:
        return {}
    # Nothing is taken away from coordinates: bodies stand where their files say.
    loaded = load_inputs(Study(inputs=wanted, units=scene.units), shift="none", tell=tell)
    for name, geometry in loaded.items():
        if not isinstance(geometry, Mesh):
            raise ParameterError(f"inputs.{name}", "these are points and no mesh.", remedy="Reconstruct it first.")
    return loaded


def _status(recorded: Recorded) -> str:
    """`4.2 ms a step · 3.1 iterations · closest 0.4 mm`."""
    per_step = recorded.seconds / max(1, recorded.steps)
    took = f"{per_step:.3g} s" if per_step >= 1.0 else f"{1e3 * per_step:.3g} ms"
    parts = [f"{took} a step", f"{recorded.iterations / max(1, recorded.steps):.3g} iterations"]
    if math.isfinite(recorded.closest):
        parts.append(f"closest {1e3 * recorded.closest:.3g} mm")
    return " · ".join(parts)


def _lines(recorded: Recorded) -> list[str]:
    ending = "Stopped" if recorded.failure is not None else "Interrupted" if recorded.interrupted else "Done"
    energies = ", ".join(f"{name} {value + 0.0:.3g} J" for name, value in recorded.energies.items())
    lines = [
        f"{ending} after {recorded.steps} steps in {recorded.seconds:.1f} s: {_status(recorded)}.",
        f"  Largest residual {recorded.residual:.1e} of the forces.",
        f"  At the end: {energies}.",
    ]
    return [*lines, f"  {_divided(recorded.divided)}."] if recorded.divided else lines


def _divided(divided: Mapping[int, int]) -> str:
    """`Step 41 was taken in 4 parts, step 43 in 2, and 7 more were divided`"""
    (first, parts), *others = divided.items()
    shown = [f"Step {first} was taken in {parts} parts", *(f"step {step} in {parts}" for step, parts in others[:4])]
    more = [f"and {len(others) - 4} more were divided"] if len(others) > 4 else []
    return ", ".join([*shown, *more])
