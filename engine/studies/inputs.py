"""The inputs of a study: its files read as Geometry, by role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.volume import Volume
from engine.io.assemble import REPAIRS as FILE_REPAIRS
from engine.io.isosurface import Axes, Sign, isosurface
from engine.io.loader import load, shut_down
from engine.io.shift import Shift
from engine.protocol.study import MODEL, SAMPLE, Study


def load_inputs(
    study: Study,
    *,
    unit: str | None = None,
    shift: Shift | None = None,
    repairs: Sequence[str] = (),
    tell: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """The study's input files by role: Geometry, or a recorded motion. Parameters as of `load_geometry`."""
    inputs: dict[str, Any] = {}
    try:
        for role, path in study.inputs.items():
            if role == MODEL:
                continue  # the study reads it itself
            motion = _recorded(study, path)
            inputs[role] = motion or load_geometry(
                Path(path),
                sign=study.parameters.get("sign", "auto"),
                axes=study.parameters.get("axes", "auto"),
                unit=unit or study.units.get(role),
                shift=shift if shift is not None else study.shifts.get(role, "auto"),
                repairs=repairs,
                tell=tell,
            )
    finally:
        shut_down()
    return inputs


def sample_geometry(name: str) -> Mesh | Points:
    """The input that the program brings by this name: of the gallery, or simulated for an example."""
    from engine.studies.samples import GALLERY, sample_named

    if name not in {sample.name for sample in GALLERY}:
        from engine.studies.examples import TARGETS

        if name in TARGETS:
            return TARGETS[name]()
    return sample_named(name).make()


def _recorded(study: Study, path: str) -> Any:
    """The motion that an input of a study on a scene holds; None for Geometry."""
    if study.scene is None or path.startswith(SAMPLE):
        return None
    from engine.studies.recorded_motion import is_recording, read_recorded

    return read_recorded(Path(path)) if is_recording(Path(path)) else None


def load_geometry(
    path: Path,
    *,
    unit: str | None = None,
    shift: Shift = "auto",
    repairs: Sequence[str] = (),
    sign: Sign = "auto",
    axes: Axes = "auto",
    tell: Callable[[str], object] = lambda line: None,
) -> Mesh | Points:
    """A mesh or a scan from a file or of the samples; of a volume, the surface inside it, as the window opens it.

    unit : length unit, for a file that declares none
    shift : what to take away from its coordinates (`engine.io.shift`)
    repairs : names, of what may be left out of a damaged file (`engine.io.assemble.REPAIRS`) and of repairs of meshes
        (`engine.geometry.repair.REPAIRS`), these in their best order; "all" for every one that is needed
    sign, axes : of a volume, see `engine.io.isosurface`; raises `QuestionError` where it has to be asked
    tell : told what a person should know of the file and what repairs did, a line at a time
    """
    of_meshes = _mesh_repairs(repairs)
    if str(path).startswith(SAMPLE):
        return sample_geometry(str(path).removeprefix(SAMPLE))
    geometry = load(path, unit=unit, shift=shift, repairs=FILE_REPAIRS if "all" in repairs else _file_repairs(repairs))
    for note in geometry.notes:
        tell(f"{path.name}: {note}")
    if isinstance(geometry, Volume):
        geometry = isosurface(geometry, sign=sign, axes=axes)
    if isinstance(geometry, Mesh) and of_meshes:
        from engine.geometry.repair import apply_repair

        for name in of_meshes:
            repaired = apply_repair(name, geometry)
            geometry = repaired.mesh
            if repaired.changed or "all" not in repairs:
                tell(f"{path.name}: {repaired.done}")
    elif of_meshes and "all" not in repairs:
        tell(f"{path.name}: a scan has nothing to repair in this way.")
    return geometry


def _file_repairs(repairs: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in repairs if name in FILE_REPAIRS)


def _mesh_repairs(repairs: Sequence[str]) -> list[str]:
    """Those for meshes, as they were written, in their best order; raises `ParameterError` for a name that is none."""
    if not repairs:
        return []  # SciPy, which repairs need, is not loaded for nothing
    from engine.geometry.repair import REPAIRS, parse_repair

    if "all" in repairs:
        return list(REPAIRS)
    for name in repairs:
        if name not in FILE_REPAIRS:
            if name.partition("=")[0] not in REPAIRS:
                known = ", ".join(dict.fromkeys([*FILE_REPAIRS, *REPAIRS]))
                raise ParameterError("repair", f"there is no repair {name!r}.", remedy=f"Use all, or {known}.")
            parse_repair(name)
    order = list(REPAIRS)
    return sorted(
        (name for name in repairs if name not in FILE_REPAIRS), key=lambda name: order.index(name.partition("=")[0])
    )
