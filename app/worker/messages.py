"""What goes over the pipe between the window and the engine process, besides slots. All of it pickles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import FormwrightError
from engine.protocol.edits import Edit
from engine.protocol.session import Request
from engine.protocol.snapshot import Event
from engine.protocol.study import Study


@dataclass(frozen=True)
class Settings:
    """What an engine process is started with.

    folder : where each Run has its folder (`engine.protocol.run_folder`), and a log that outlives the process
    threads : of torch; 0 leaves one core to the window
    device : where studies run that leave it open: "auto", "cpu", "cuda", "cuda:1"
    build : "module:function" that makes a study's problem; "" is the registry of studies
    catalogue : "module:function" that makes the Catalogue; "" is the registry's
    history_budget : bytes of Checkpoints in memory
    warm_up : load or compile all kernels at the start
    autosave_seconds : between two saves of a Run
    temporary : the folder goes when the session ends, or when the window dies. One that is not stays for recovery; an
        engine whose window has died saves its Run there before it ends
    """

    folder: Path
    threads: int = 0
    device: str = "auto"
    build: str = ""
    catalogue: str = ""
    history_budget: int = 2**30
    warm_up: bool = True
    autosave_seconds: float = 2.0
    temporary: bool = True


@dataclass(frozen=True)
class Start:
    number: int
    study: Study
    inputs: dict[str, Any]
    resume: Path | None
    paused: bool


@dataclass(frozen=True)
class Steer:
    edit: Edit


@dataclass(frozen=True)
class Ask:
    """`request` None asks for the Catalogue."""

    ticket: int
    request: Request | None


@dataclass(frozen=True)
class Withdraw:
    """The answer to an `Ask` is not wanted any more."""

    ticket: int


@dataclass(frozen=True)
class Acknowledge:
    """The slot has been read (or skipped) and may be written again."""

    generation: int
    slot: int


@dataclass(frozen=True)
class Close:
    """End the process."""


@dataclass(frozen=True)
class Happened:
    events: list[Event]


@dataclass(frozen=True)
class Answered:
    ticket: int
    result: Any = None
    error: FormwrightError | None = None


@dataclass(frozen=True)
class RoomWanted:
    """The next Snapshot needs slots of so many bytes."""

    size: int
