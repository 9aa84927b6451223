"""The Session: the one way to talk to an engine, in this process or in another one."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.protocol.catalogue import Catalogue
from engine.protocol.edits import Edit
from engine.protocol.snapshot import Event, Snapshot
from engine.protocol.study import Study


@dataclass(frozen=True)
class Request:
    """A question to the engine, answered between iterations. It carries all that is needed to answer it."""


@dataclass(frozen=True)
class ResultMesh(Request):
    """The surface as it would be exported -> `engine.geometry.mesh.Mesh` [mm, world], from the running design
    (`checkpoint` None) or from a Checkpoint of the History."""

    checkpoint: int | None = None


@dataclass(frozen=True)
class ResultTetrahedra(Request):
    """The inside of the surface -> `engine.geometry.tet_mesh.TetMesh` [mm, world], of the same designs."""

    checkpoint: int | None = None


@dataclass(frozen=True)
class QualitySheet(Request):
    """Quality of the surface -> dict (see `engine.geometry.sheet`): watertight, manifold, Euler number, parts,
    smallest angle, intersecting faces, distance to the target."""

    checkpoint: int | None = None


@dataclass(frozen=True)
class CheckpointView(Request):
    """A Checkpoint as a `Snapshot`, for scrubbing."""

    checkpoint: int = 0


@dataclass(frozen=True)
class CompareCheckpoints(Request):
    """How far the surface of `a` is from that of `b` -> `Snapshot` of `a` (a Checkpoint; None: the running design).

    Its array "distance" (vertex_count,) float32 [mm] is the distance of every vertex of `a` to the surface of `b`,
    negative inside it; its scalars "distance:mean", "distance:percentile_95" and "distance:maximum" [mm] are of the
    distances without their sign.
    """

    a: int | None = None
    b: int | None = None


@dataclass(frozen=True)
class SensitivityOf(Request):
    """What a number of a simulation, at its present step, depends on -> `Sensitivity`.

    number : one of those that a Snapshot's info has as "numbers"
    horizon : so many steps ago the positions were others
    """

    number: str
    horizon: int = 10


@dataclass(frozen=True)
class Sensitivity:
    """Derivatives of a number, through the last steps of a simulation.

    number : its name, with its unit
    value : what it is now
    horizon : steps back
    vertices : length of the derivative in the position of each vertex [unit/m], so many steps ago; float32, shape
        (vertex_count,)
    directions : the derivative itself, float64, shape (vertex_count, 3)
    parameters : by the name of a physical number ("cloth.young"): its value (a number, or three of gravity) and the
        derivative in it. "contact.friction" is the scene's own coefficient, "contact.friction.low/high" that of a pair.
        Of what moves as it is told, all poses since then changed alike: "hand.offset" [m], "hand.turn" (a rotation
        vector [rad]; both are 0) and the "hand.width" of a gripper [m] now
    """

    number: str
    value: float
    horizon: int
    vertices: np.ndarray
    directions: np.ndarray
    parameters: dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class RenameBranch(Request):
    """Call a branch `name` -> None. Raises `ParameterError` for an empty name or one that another branch has."""

    branch: str
    name: str


@dataclass(frozen=True)
class PromoteBranch(Request):
    """Make `branch` the "main" one -> None. The branch that was it is called `old` (empty: a name is made up)."""

    branch: str
    old: str = ""


@dataclass(frozen=True)
class DeleteBranch(Request):
    """Remove a branch and its Checkpoints, for good -> None.

    Checkpoints from which another branch descends stay, as part of that branch. The branch on which the Run descends
    cannot be removed: `ParameterError`. Numbers of Checkpoints are never given again.
    """

    branch: str


@dataclass(frozen=True)
class SaveRun(Request):
    """Write the whole Run with its History as a Run folder (`engine.protocol.run_folder`) at `path` -> None.

    Nothing may be there yet. `Session.start(resume=path)` continues from it, on this or another machine. Checkpoints
    that are on disk already are linked where that can be, else copied.
    """

    path: Path = field(default_factory=Path)


@dataclass(frozen=True)
class RecordedEdits(Request):
    """What steered the Run so far, to be repeated -> `engine.protocol.recording.Recording`."""


@dataclass(frozen=True)
class SaveReplay(Request):
    """Write what repeats the Run without a window into the folder `path` -> list of sentences to say.

    `study.toml` as it was started, `edits.jsonl`, and the inputs that are not as their files are:
    `formwright run study.toml --edits edits.jsonl`.
    """

    path: Path = field(default_factory=Path)


@dataclass(frozen=True)
class Diagnostics(Request):
    """Versions, devices, memory -> dict of plain values."""


class Session(Protocol):
    """An engine at work. One Run steps at a time."""

    def catalogue(self) -> Future[Catalogue]:
        """What this engine offers."""
        ...

    def start(self, study: Study, inputs: dict[str, Any], *, resume: Path | None = None, paused: bool = False) -> int:
        """Begin a Run of `study` on `inputs` (role -> Mesh or Points); returns its number. Errors arrive as
        `ProblemRaised` events. A Run under way is stopped first.

        resume : a Run folder of the same study (`engine.protocol.run_folder`): its whole History is back, told by a
            `CheckpointMade` for each Checkpoint and a `LossesRecorded` for each branch
        """
        ...

    def send(self, edit: Edit) -> None:
        """Steer: the Edit acts before the next iteration."""
        ...

    def ask(self, request: Request) -> Future[Any]:
        """Ask: the Future holds the answer, or the `FormwrightError`."""
        ...

    def withdraw(self, future: Future[Any]) -> None:
        """Nobody waits for this answer of `ask` any more: unless it comes first, the Future holds `WithdrawnError`."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The latest Snapshot that has not been seen yet, or None."""
        ...

    def events(self) -> list[Event]:
        """Events since the last call, oldest first."""
        ...

    def close(self) -> None:
        """End the engine's work; idempotent."""
        ...
