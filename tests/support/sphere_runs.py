"""Runs of the sphere study that are saved and taken up again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sphere_study import build

from engine.optimization.checkpoint_io import read_state, write_state
from engine.optimization.saved_run import saved_study
from engine.protocol import edits, snapshot
from engine.protocol.run_folder import MANIFEST
from engine.protocol.study import OptimizerSpec, Study
from engine.studies.session import LocalSession


def study(**parameters: Any) -> Study:
    return Study(
        study="sphere",
        parameters={"iterations": 30, "active": 4, "grow": 1, **parameters},
        optimizer=OptimizerSpec(learning_rate=0.02),
    )


def begin(folder: Path | None = None, *, seconds: float = 0.0, **parameters: Any) -> LocalSession:
    session = LocalSession(build=build, folder=folder, autosave_seconds=seconds)
    session.start(study(**parameters), {})
    session.advance()
    return session


def resumed(folder: Path, **options: Any) -> LocalSession:
    session = LocalSession(build=build, **options)
    session.start(saved_study(folder), {}, resume=folder)
    session.advance()
    return session


def until(session: LocalSession, iteration: int) -> LocalSession:
    while session.run is None or session.run.iteration < iteration:
        assert session.advance()
    return session


def radii(session: LocalSession) -> np.ndarray:
    assert session.run is not None
    return session.run.problem.tensors()["radii"].detach().numpy().copy()


def infos(session: LocalSession) -> list[snapshot.CheckpointInfo]:
    assert session.run is not None
    return session.run.history.infos()


def problems(session: LocalSession) -> list[str]:
    return [event.message for event in session.events() if isinstance(event, snapshot.ProblemRaised)]


def branched(session: LocalSession) -> LocalSession:
    """Goes to 17, back to 5 on another branch, and on to 12."""
    until(session, 8).send(edits.SetWeight(term="noise", weight=0.5))
    until(session, 17).send(edits.Rewind(checkpoint=1, branch="other"))
    session.advance()
    return until(session, 12)


def rewrite_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def rewrite_state(folder: Path, change: Callable[[Any], Any]) -> None:
    path = next(folder.glob("state-*.zip"))
    state = read_state(path)
    change(state)
    write_state(path, state)


def set_radii(values: np.ndarray) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        state["run"]["problem"]["radii"] = values

    return change
