"""What a file format is to the registry, and what its reader hands over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.geometry.fields import Field
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.geometry.tet_mesh import TetMesh
from engine.geometry.volume import Volume

UNIT_WORDS = {"mm": "millimetres", "m": "metres"}
Kind = Literal["mesh", "points", "volume", "tetrahedra"]
Progress = Callable[[float], None]
"""Told the fraction read so far, 0 to 1."""


def silent(_fraction: float) -> None:
    """A `Progress` that nobody listens to."""


@dataclass
class Raw:
    """What stands in a file, before checks: lengths in the file's unit, indices as they are written.

    positions : shape (n, 3), float64, may hold NaN
    triangles : shape (m, 3), int64, may be out of range; None for a point cloud
    normals : one a position, any length, or None
    unit : the unit that the file declares, or None
    soup : triangles share no vertices, coincident ones are to be merged
    inner, tets : of a file of tetrahedra, as of a Mesh: checked, the triangles are those round them
    """

    positions: np.ndarray
    triangles: np.ndarray | None = None
    normals: np.ndarray | None = None
    fields: dict[str, Field] = field(default_factory=dict)
    unit: str | None = None
    soup: bool = False
    inner: np.ndarray | None = None
    tets: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)


Reader = Callable[[Path, Progress], Raw | Volume]
Writer = Callable[[Mesh | Points, Path, str], None]
"""Writes a Geometry whose lengths are already in the file's unit, which is the third argument."""
TetrahedraWriter = Callable[[TetMesh, Path, str], None]
"""The same of tetrahedra."""


@dataclass(frozen=True)
class Format:
    """One family of files.

    name : what code calls it ("stl")
    title : what a person calls it
    extensions : lower case with the dot, the usual one first
    reads, writes : the kinds of Geometry that may come out and go in
    write_extensions : those of the extensions that can be written; empty for all
    unit : the unit that the format prescribes ("m" for GLB), or None
    usual_unit : what is assumed where neither the format nor the file says a unit
    declares_unit : the file itself says its unit (3MF)
    float32 : coordinates are stored in single precision
    read, write : see `Reader` and `Writer`; None for a format that is only written, or only read
    write_tetrahedra : writes tetrahedra under `tetrahedra_extensions`, to which nothing else is written
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    reads: tuple[Kind, ...]
    read: Reader | None
    writes: tuple[Kind, ...] = ()
    write: Writer | None = None
    write_extensions: tuple[str, ...] = ()
    write_tetrahedra: TetrahedraWriter | None = None
    tetrahedra_extensions: tuple[str, ...] = ()
    unit: str | None = None
    usual_unit: str = "mm"
    declares_unit: bool = False
    float32: bool = False

    def writable(self, kind: Kind | None) -> tuple[str, ...]:
        """Extensions under which this kind of Geometry, or any, can be written."""
        if kind is not None and kind not in self.writes:
            return ()
        if kind == "tetrahedra":
            return self.tetrahedra_extensions
        usual = self.write_extensions or tuple(e for e in self.extensions if e not in self.tetrahedra_extensions)
        return usual if kind else (*usual, *self.tetrahedra_extensions)

    @property
    def unit_rule(self) -> str:
        """How lengths in such a file are understood, a sentence for the user."""
        if self.declares_unit:
            return "The file declares its unit."
        if self.unit is not None:
            return f"Lengths are in {self.unit} by definition of the format."
        return f"The file has no unit: {UNIT_WORDS[self.usual_unit]}, until you say otherwise."


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what a reader of the file will find different.

    rounding : largest distance between a written coordinate and ours [mm]
    """

    path: Path
    format: str
    unit: str
    size: int
    rounding: float = 0.0
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "format": self.format,
            "unit": self.unit,
            "bytes": self.size,
            "rounding_mm": self.rounding,
            "warnings": list(self.warnings),
        }
