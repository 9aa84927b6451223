"""A headless Run: watched to its end, ended politely, its failure told. The engine is played by a stand-in."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.descend import descend
from app.cli.progress import Lines, Silence, describe
from engine.core.errors import FormwrightError, GeometryError
from engine.geometry.mesh import Mesh
from engine.protocol.edits import Edit, Stop
from engine.protocol.recording import Recording
from engine.protocol.session import QualitySheet, Request
from engine.protocol.snapshot import (
    Event,
    LossesRecorded,
    ProblemRaised,
    RolledBack,
    Snapshot,
    State,
    StateChanged,
)
from engine.protocol.study import Study

TRIANGLE = Mesh(np.eye(3), np.array([[0, 1, 2]]))


class StandIn:
    """A session that descends for `iterations` steps or until it is told to stop, or fails at the first."""

    def __init__(
        self,
        iterations: int = 5,
        *,
        failing: str = "",
        stuck: State = "failed",
        interrupt_at: int = -1,
        surface: bool = True,
        deaf: bool = False,
    ) -> None:
        self.iterations = iterations
        self.failing = failing
        self.stuck = stuck
        self.interrupt_at = interrupt_at
        self.surface = surface
        self.deaf = deaf
        self.iteration = 0
        self.sent: list[Edit] = []
        self.told: list[Event] = []
        self.closed = False
        self.between_steps: Callable[[], None] = lambda: None

    def __call__(self, *, between_steps: Callable[[], None]) -> StandIn:
        self.between_steps = between_steps
        return self

    def catalogue(self) -> Future[Any]:
        raise AssertionError("a Run needs no Catalogue")

    def start(
        self,
        study: Study,
        inputs: dict[str, Any],
        *,
        resume: Path | None = None,
        paused: bool = False,
        edits: Recording | None = None,
    ) -> int:
        return 7

    at_recorded_end = False

    def send(self, edit: Edit) -> None:
        self.sent.append(edit)

    def advance(self) -> bool:
        if self.failing:
            self.told += [ProblemRaised(self.failing, remedy="Do this."), StateChanged(7, self.stuck, 0, self.failing)]
            return False
        if self.sent and not self.deaf:
            self.told.append(StateChanged(7, "stopped", self.iteration))
            return False
        self.iteration += 1
        if self.iteration == self.interrupt_at or (self.sent and self.deaf):
            os.kill(os.getpid(), signal.SIGINT)
        self.told.append(LossesRecorded(7, "main", [self.iteration], {"loss": [1.0 / self.iteration]}))
        if self.iteration < self.iterations:
            return True
        self.told.append(StateChanged(7, "finished", self.iteration, "all iterations are done"))
        return False

    def ask(self, request: Request) -> Future[Any]:
        answer: Future[Any] = Future()
        if not self.surface:
            answer.set_exception(GeometryError("There is no surface yet."))
        else:
            answer.set_result({"watertight": True} if isinstance(request, QualitySheet) else TRIANGLE)
        return answer

    def snapshot(self) -> Snapshot | None:
        return Snapshot(7, self.iteration, self.iterations, "running", 0, scalars={"loss": 1.0 / (1 + self.iteration)})

    def events(self) -> list[Event]:
        told, self.told = self.told, []
        return told

    def close(self) -> None:
        self.closed = True


def test_a_run_is_watched_to_its_end() -> None:
    outcome = descend(StandIn(3), Study(), {}, Silence())
    assert outcome.iteration == 3
    assert outcome.losses == {"loss": pytest.approx(1 / 3)}
    assert outcome.mesh is TRIANGLE
    assert outcome.quality == {"watertight": True}
    assert outcome.reason == "all iterations are done"
    assert not outcome.interrupted


def test_ctrl_c_stops_the_run_and_keeps_the_surface() -> None:
    handler = signal.getsignal(signal.SIGINT)
    session = StandIn(10_000, interrupt_at=2)
    outcome = descend(session, Study(), {}, Silence())
    assert outcome.interrupted
    assert outcome.mesh is TRIANGLE
    assert [type(edit) for edit in session.sent] == [Stop]
    assert outcome.iteration < 10
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_gives_up() -> None:
    session = StandIn(10_000, interrupt_at=2, deaf=True)
    with pytest.raises(KeyboardInterrupt):
        descend(session, Study(), {}, Silence())
    assert session.closed


def test_ctrl_c_before_there_is_a_surface_is_an_interruption_and_no_error() -> None:
    with pytest.raises(KeyboardInterrupt):
        descend(StandIn(10_000, interrupt_at=1, surface=False), Study(), {}, Silence())


@pytest.mark.parametrize("stuck", ["failed", "paused"])
def test_a_run_that_fails_or_waits_for_somebody_tells_why(stuck: State) -> None:
    with pytest.raises(FormwrightError) as failure:
        descend(StandIn(failing="The fit is not finite.", stuck=stuck), Study(), {}, Silence())
    assert failure.value.message == "The fit is not finite."
    assert failure.value.remedy == "Do this."


def test_a_log_file_gets_a_line_a_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for iteration in range(101):
        lines.show_snapshot(Snapshot(1, iteration, 100, "running", 0, scalars={"loss": 0.5}))
    lines.show_event(RolledBack(1, 40, "fit", 3))
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 11
    assert written[0].startswith(" 10% iteration 10 of 100 · loss 0.5")
    assert written[-1] == "iteration 40: fit was not finite; back to checkpoint 3"


def test_the_status_speaks_of_what_is_known() -> None:
    snapshot = Snapshot(
        1,
        10,
        100,
        "running",
        0,
        scalars={"loss": 1.25e-4, "iterations_per_second": 41.2, "seconds_left": 75.4},
        info={"euler_number": -4, "parts": 1},
    )
    assert describe(snapshot) == "loss 0.000125 · 41.2 it/s · 1:15 left · χ −4 · 1 part"
