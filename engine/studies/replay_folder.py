"""All that `formwright run STUDY.toml --edits EDITS.jsonl` needs, written into one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.core.atomic import atomic_write
from engine.core.errors import FileError, FormwrightError
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.io.registry import read, write
from engine.io.shift import NO_SHIFT
from engine.protocol.recording import Recording
from engine.protocol.study import SAMPLE, Study

STUDY = "study.toml"
EDITS = "edits.jsonl"

Geometry = Mesh | Points


def save_replay(folder: Path, study: Study, inputs: Mapping[str, Geometry], recording: Recording) -> list[str]:
    """Write a study, its Edits and, where they are not as their files are, its inputs; raises `FileError`.

    An input whose file gives the very same Geometry is named by its path. One that was moved, repaired or made here is
    written as PLY. Returns what a person should know: sentences.

    study : as it was started, on `inputs` (role -> Geometry)
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileError(folder, "there is something already.", remedy="Choose another place.")
    except OSError as error:
        raise FileError(folder, f"this folder cannot be made ({error.strerror or error}).") from error
    notes: list[str] = []
    for role, geometry in inputs.items():
        if not _is_file(study, role, geometry):
            study, note = _written(folder, study, role, geometry)
            notes += note
    for name, text in ((STUDY, study.to_toml()), (EDITS, recording.to_text())):
        with atomic_write(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return notes


def _is_file(study: Study, role: str, geometry: Geometry) -> bool:
    """Whether what the study names is that Geometry, to the last bit."""
    named = study.inputs.get(role, "")
    if not named:
        return False
    try:
        if named.startswith(SAMPLE):
            from engine.studies.inputs import sample_geometry

            return _same(sample_geometry(named.removeprefix(SAMPLE)), geometry)
        if not Path(named).is_absolute():
            return False
        found = read(named, unit=study.units.get(role), shift=study.shifts.get(role, "auto"))
    except FormwrightError:
        return False
    if not isinstance(found, (Mesh, Points)):
        from engine.io.isosurface import isosurface

        found = isosurface(found)
    return _same(found, geometry)


def _written(folder: Path, study: Study, role: str, geometry: Geometry) -> tuple[Study, list[str]]:
    path = folder / f"{role}.ply"
    write(geometry, path, unit="mm", give_back_shift=False)
    named = study.model_copy(
        update={
            "inputs": {**study.inputs, role: path.name},
            "units": {**study.units, role: "mm"},
            "shifts": {**study.shifts, role: NO_SHIFT},
        }
    )
    if _same(read(path, unit="mm", shift="none"), geometry):
        return named, []
    return named, [f"{path.name} is rounded: the replay comes close to the same surface, but not to the last bit."]


def _same(one: object, other: Geometry) -> bool:
    if isinstance(one, Mesh) and isinstance(other, Mesh):
        same = np.array_equal(one.vertices, other.vertices) and np.array_equal(one.triangles, other.triangles)
    elif isinstance(one, Points) and isinstance(other, Points):
        same = np.array_equal(one.positions, other.positions) and _same_normals(one, other)
    else:
        return False
    return bool(same) and _same_fields(one, other)


def _same_normals(one: Points, other: Points) -> bool:
    if one.normals is None or other.normals is None:
        return one.normals is other.normals
    return np.array_equal(one.normals, other.normals)


def _same_fields(one: Geometry, other: Geometry) -> bool:
    return one.fields.keys() == other.fields.keys() and all(
        np.array_equal(values.values, other.fields[name].values, equal_nan=True) for name, values in one.fields.items()
    )
