"""The inputs of a study: its files read as Geometry, by role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import ParameterError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.assemble import REPAIRS
from engine.io.loader import load, shut_down
from engine.protocol.study import SAMPLE, Study


def load_inputs(
    study: Study,
    *,
    unit: str | None = None,
    repairs: Sequence[str] = (),
    tell: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """The study's input files as Geometry, by role. Parameters as of `load_geometry`."""
    try:
        return {
            role: load_geometry(Path(path), unit=unit or study.units.get(role), repairs=repairs, tell=tell)
            for role, path in study.inputs.items()
        }
    finally:
        shut_down()


def load_geometry(
    path: Path,
    *,
    unit: str | None = None,
    repairs: Sequence[str] = (),
    tell: Callable[[str], object] = lambda line: None,
) -> Mesh | Points:
    """A mesh or a scan from a file or of the samples; of a volume, the surface inside it, as the window opens it.

    unit : length unit, for a file that declares none
    repairs : what may be left out of a damaged file (`engine.io.assemble.REPAIRS`)
    tell : told what a person should know of the file, a line at a time
    """
    unknown = [name for name in repairs if name not in REPAIRS]
    if unknown:
        raise ParameterError("repair", f"there is no repair {unknown[0]!r}.", remedy=f"Use {' or '.join(REPAIRS)}.")
    if str(path).startswith(SAMPLE):
        from engine.studies.samples import sample_named

        return sample_named(str(path).removeprefix(SAMPLE)).make()
    geometry = load(path, unit=unit, repairs=tuple(repairs))
    if isinstance(geometry, (Mesh, Points)):
        for note in geometry.notes:
            tell(f"{path.name}: {note}")
        return geometry
    from engine.io.isosurface import isosurface

    return isosurface(geometry)
