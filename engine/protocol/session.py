"""The Session: the one way to talk to an engine, in this process or in another one."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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
class QualitySheet(Request):
    """Quality of the surface -> dict (see `engine.geometry.sheet`): watertight, manifold, Euler number, parts,
    smallest angle, intersecting faces, distance to the target."""

    checkpoint: int | None = None


@dataclass(frozen=True)
class CheckpointView(Request):
    """A Checkpoint as a `Snapshot`, for scrubbing."""

    checkpoint: int = 0


@dataclass(frozen=True)
class SaveCheckpoint(Request):
    """Write the present state to `path`, atomically -> None. `Session.start(resume=path)` continues from it."""

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
        `ProblemRaised` events. A Run under way is stopped first."""
        ...

    def send(self, edit: Edit) -> None:
        """Steer: the Edit acts before the next iteration."""
        ...

    def ask(self, request: Request) -> Future[Any]:
        """Ask: the Future holds the answer, or the `FormwrightError`."""
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
