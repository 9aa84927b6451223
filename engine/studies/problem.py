"""What a Session needs of a study at work."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from engine.core.device import Device
from engine.geometry.mesh import Mesh
from engine.geometry.tet_mesh import TetMesh
from engine.optimization.problem import AdvancingProblem, DescentProblem
from engine.protocol.snapshot import AnotherAdvised


class Viewable(Protocol):
    """What can be looked at and exported."""

    @property
    def device(self) -> Device: ...

    @property
    def iterations(self) -> int:
        """How many iterations the study asks for, its kind's default included."""
        ...

    @property
    def notes(self) -> tuple[str | AnotherAdvised, ...]:
        """What preparing it found or left out, sentences for the user; and what would suit the input better."""
        ...

    def view(self) -> tuple[tuple[float, float, float], dict[str, np.ndarray], dict[str, Any]]:
        """Origin [mm], arrays and info of a `Snapshot`, of the last evaluation (after a `restore`, or before any
        evaluation: of the design as it is, without touching the random state): "vertices", "triangles",
        "sensitivity" (change of the total loss per mm of outward normal motion, mesh-independent). What info has as
        "scalars" joins those of the Snapshot."""
        ...

    def topology(self) -> tuple[int, int]:
        """Euler characteristic and number of parts now."""
        ...

    def result_mesh(self) -> Mesh:
        """The surface as it would be exported [mm, world]: of the design as it is now, which a `view` may lag behind
        by a step. The same before a `state` is taken and after its `restore`."""
        ...

    def quality_sheet(self) -> dict[str, Any]:
        """What `engine.geometry.sheet` measures of `result_mesh` against the target."""
        ...

    def thumbnail(self, size: int = 96) -> np.ndarray:
        """Picture of the surface, shape (size, size, 3), uint8."""
        ...


@runtime_checkable
class Fillable(Protocol):
    """A problem whose surface has an inside."""

    def result_tetrahedra(self) -> TetMesh:
        """The inside of the surface [mm, world], of the design as it is now; raises `GeometryError` when it cannot be
        filled."""
        ...


class DescentStudy(DescentProblem, Viewable, Protocol):
    """A study that descends."""


class AdvancingStudy(AdvancingProblem, Viewable):
    """A study that goes on by itself, and keeps what it did on disk."""

    @abstractmethod
    def keep_in(self, folder: Path | None, before: Path | None = None) -> None:
        """Keep it in the folder of the Run; None: in a temporary one.

        before : the folder of the Run that this one goes on from
        """

    @abstractmethod
    def close(self) -> None:
        """Nothing more is asked; idempotent."""


StudyProblem = DescentStudy | AdvancingStudy
