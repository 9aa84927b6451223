"""What happens while a Run goes on costs the window's thread little: work is counted, not timed."""

from __future__ import annotations

from typing import Any

import pytest
from tests_app_fakes import FakeSession, polls

from app.window.listening import FRAMES_A_PLOT
from engine.protocol.edits import MakeCheckpoint
from engine.protocol.snapshot import AnotherAdvised


def test_checkpoints_are_drawn_as_rarely_as_curves(
    running: Any, session: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    show = running.history.strip.show_checkpoints

    def show_checkpoints(checkpoints: dict[int, Any], *more: Any) -> None:
        drawn.append(len(checkpoints))
        show(checkpoints, *more)

    monkeypatch.setattr(running.history.strip, "show_checkpoints", show_checkpoints)
    frames = 5 * FRAMES_A_PLOT
    for _ in range(frames):
        session.send(MakeCheckpoint(label="kept"))
        polls(running)
    assert 0 < len(drawn) <= frames // FRAMES_A_PLOT
    polls(running, FRAMES_A_PLOT)
    assert drawn[-1] == len(running.document.run.checkpoints), "the last one is shown soon"


def test_advice_that_is_taken_too_late_is_said_to_be(running: Any, session: FakeSession) -> None:
    name, value = "resolution", 72
    number = running.document.run.run
    session.emit.append(AnotherAdvised("It is open.", "Keep it open", {name: value}, "This run stays closed."))
    polls(running)
    assert running.error_bar.message.text == "It is open."
    running.workbench.steering.set_parameter("optimizer", "learning_rate", 0.004)
    assert running.error_bar.message.text == "It is open."
    running.workbench.steering.set_parameter("study", name, value)
    said = running.error_bar.message
    assert said.text == "This run stays closed." and [title for title, _ in said.offers] == ["Begin anew"]
    said.offers[0][1]()
    assert running.document.run.run == number + 1 and running.document.study.parameters[name] == value
    assert running.error_bar.message is None
