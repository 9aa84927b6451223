"""Snapshots and events: what can be seen of a Run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

State = Literal["idle", "preparing", "running", "paused", "finished", "stopped", "failed"]
Convergence = Literal["descending", "converged", "stalled"]


@dataclass(frozen=True)
class Snapshot:
    """What can be seen of a Run at one iteration. For a live view only the latest matters.

    origin : world position [mm] of the arrays' zero, float64 (keeps float32 exact far from the world's zero)
    arrays : "vertices" (vertex_count, 3) float32 [mm, relative to origin], "triangles" (triangle_count, 3) int32,
        vertex fields such as "sensitivity" (vertex_count,) float32 [1/mm]
    scalars : "loss", "learning_rate", "iterations_per_second", "seconds_left", "device_memory", "engine_memory",
        "history_memory", "history_budget" [bytes], and "term:NAME" (unweighted) and "weight:NAME" for every Term
    info : "euler_number", "parts", "vertex_count", "triangle_count", "device"
    generation : raised whenever the triangles change
    """

    run: int
    iteration: int
    iterations: int
    state: State
    generation: int
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckpointInfo:
    """What the History shows of a Checkpoint.

    thumbnail : RGB image, shape (height, width, 3), uint8
    losses : "loss" and "term:NAME"
    memory : bytes that it takes beside what older Checkpoints hold already; `on_disk`: none of them in memory
    edits : how many of the recorded Edits had acted before it, on whichever branch
    """

    id: int
    parent: int | None
    branch: str
    iteration: int
    losses: dict[str, float]
    thumbnail: np.ndarray | None = None
    label: str = ""
    memory: int = 0
    on_disk: bool = False
    edits: int = 0


@dataclass(frozen=True)
class Event:
    """Something that happened in the engine and must not be missed."""


@dataclass(frozen=True)
class StateChanged(Event):
    run: int
    state: State
    iteration: int
    reason: str = ""


@dataclass(frozen=True)
class LossesRecorded(Event):
    """Losses of the iterations since the last such event: `values["term:NAME"][k]` belongs to `iterations[k]`."""

    run: int
    branch: str
    iterations: list[int]
    values: dict[str, list[float]]


@dataclass(frozen=True)
class CheckpointMade(Event):
    run: int
    checkpoint: CheckpointInfo


@dataclass(frozen=True)
class BranchesChanged(Event):
    """Branches of the History got other names, or were removed.

    renamed : new name of a branch by its old one; all at once (two may exchange their names)
    moved : Checkpoint -> the branch that it is part of now, for those that outlive their branch (with its new name)
    deleted : Checkpoints that are gone
    deleted_branch : the branch that is gone, or ""
    """

    run: int
    renamed: dict[str, str] = field(default_factory=dict)
    moved: dict[int, str] = field(default_factory=dict)
    deleted: tuple[int, ...] = ()
    deleted_branch: str = ""


@dataclass(frozen=True)
class EditApplied(Event):
    """An Edit (its JSON form) acted before iteration `iteration`; `inverse` undoes it, None where nothing does.

    by_engine : nobody sent it, the Run made it itself
    """

    run: int
    iteration: int
    edit: dict[str, Any]
    inverse: dict[str, Any] | None = None
    by_engine: bool = False


@dataclass(frozen=True)
class EditRefused(Event):
    """An Edit (its JSON form) made no sense and changed nothing; the `ProblemRaised` before it says why."""

    run: int
    iteration: int
    edit: dict[str, Any]


@dataclass(frozen=True)
class SteeringRestored(Event):
    """What steers the Run now, after it was begun, taken up again or went back: the Study as it was started, and the
    Edits (their JSON forms) on the line that leads to the present design, in the order in which they acted.

    study : its JSON form where the Run was begun or taken up, None where it went back
    checkpoint : to which it went back
    """

    run: int
    edits: list[dict[str, Any]]
    study: dict[str, Any] | None = None
    checkpoint: int | None = None


@dataclass(frozen=True)
class TopologyChanged(Event):
    run: int
    iteration: int
    euler_number: int
    parts: int


@dataclass(frozen=True)
class ConvergenceChanged(Event):
    """How the smoothed total loss moves over the last iterations: it falls, has settled, or rises."""

    run: int
    iteration: int
    convergence: Convergence


@dataclass(frozen=True)
class RolledBack(Event):
    """A non-finite step: the Run went back to a Checkpoint; `source` names the Term."""

    run: int
    iteration: int
    source: str
    checkpoint: int


@dataclass(frozen=True)
class Progress(Event):
    """A long task: fraction in [0, 1], or None while unknown; done at 1."""

    task: str
    fraction: float | None
    message: str = ""


@dataclass(frozen=True)
class ProblemRaised(Event):
    """An error to show: plain words, remedy, and details that unfold. `place` [mm] lets the camera go there; a
    simulation may do with steps of `step_size` [s]."""

    message: str
    remedy: str = ""
    details: str = ""
    fatal: bool = False
    place: tuple[float, float, float] | None = None
    step_size: float | None = None


@dataclass(frozen=True)
class AnotherAdvised(Event):
    """The Run goes on, but with other parameters of the study it would do what was probably meant.

    message : what is so, in plain words
    title : of the button that takes the advice
    parameters : of the study, to begin again with
    late : what is so where they are set while this Run goes on
    """

    message: str
    title: str
    parameters: dict[str, Any] = field(default_factory=dict)
    late: str = ""


@dataclass(frozen=True)
class QuestionRaised(ProblemRaised):
    """A Run could not be prepared, because only a person knows how what was given is meant.

    question : what is not known
    parameter : of the study, that takes the answer
    readings : value of the parameter -> what it would mean
    """

    question: str = ""
    parameter: str = ""
    readings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogLine(Event):
    level: Literal["debug", "info", "warning", "error"]
    text: str
