"""Small simulations as Runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.optimization.saved_run import saved_study
from engine.protocol import edits
from engine.protocol.scene import Scene
from engine.protocol.study import Study
from engine.protocol.trajectory import Trajectory
from engine.studies.session import LocalSession
from engine.studies.simulate import SimulateProblem


def flag(**changes: Any) -> Scene:
    """A piece of card that hangs at one side, folds along a crease that yields, and a post beside it."""
    values: dict[str, Any] = {
        "name": "flag",
        "time": {"step": 0.01, "duration": 0.3, "scheme": "bdf2"},
        "contact": {"mode": "none"},
        "sheets": [
            {
                "name": "card",
                "shape": {"kind": "rectangle", "width": 0.1, "height": 0.08, "columns": 5, "rows": 4},
                "material": "cotton",
                "pins": [{"name": "edge", "region": {"kind": "side", "side": "left"}}],
                "creases": [{"line": [[0.01, -0.04, 0.0], [0.01, 0.04, 0.0]], "yield_angle": 0.05, "hardening": 0.5}],
            }
        ],
        "obstacles": [
            {
                "name": "post",
                "shape": {"kind": "box", "size": [0.01, 0.01, 0.02]},
                "pose": {"translation": [0.2, 0.0, 0.0]},
            }
        ],
        "sensors": [{"name": "edge", "kind": "reaction", "body": "card"}],
    }
    return Scene.parse(values | changes, owner="scene")


def study(**changes: Any) -> Study:
    return Study(study="simulate", scene=flag(**changes))


def begin(folder: Path | None = None, *, seconds: float = 0.0, edits: Any = None, **changes: Any) -> LocalSession:
    session = LocalSession(folder=folder, autosave_seconds=seconds)
    session.start(study(**changes), {}, edits=edits)
    session.advance()
    return session


def resumed(folder: Path, **options: Any) -> LocalSession:
    session = LocalSession(**options)
    session.start(saved_study(folder), {}, resume=folder)
    session.advance()
    return session


def until(session: LocalSession, iteration: int) -> LocalSession:
    while session.run is None or session.run.iteration < iteration:
        assert session.advance()
    return session


def problem_of(session: LocalSession) -> SimulateProblem:
    assert session.run is not None
    assert isinstance(session.run.problem, SimulateProblem)
    return session.run.problem


def positions(session: LocalSession) -> np.ndarray:
    """[m]."""
    return problem_of(session).stepper.positions.numpy().copy()


def frames(session: LocalSession) -> Trajectory:
    """Of the present line."""
    problem = problem_of(session)
    return Trajectory.open(str(problem.view()[2]["trajectory"]))


def heavier(gravity: float = -20.0, **changes: Any) -> edits.SetScene:
    return edits.SetScene(scene=flag(gravity=[0.0, 0.0, gravity], **changes))


PULL = edits.Pull(body="card", vertex=29, target=(60.0, 40.0, 30.0))


def branched(session: LocalSession) -> LocalSession:
    """Goes to 17, steered twice, back to 5 on another branch, is steered and goes on to 12."""
    until(session, 8).send(PULL)
    until(session, 12).send(PULL.model_copy(update={"target": None}))
    until(session, 17).send(edits.Rewind(checkpoint=1, branch="other"))
    session.advance()
    session.send(heavier())
    return until(session, 12)
