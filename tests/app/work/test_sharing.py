"""What leaves the window as text: a script, and a folder that repeats the Run."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from tests_app_fakes import polls

from engine.protocol.recording import Recording, as_recording
from engine.protocol.session import RecordedEdits, Request, SaveReplay

LINES = [{"step": 5, "iteration": 5, "edit": {"edit": "set-weight", "term": "Smoothness", "weight": 0.5}}]


class Answering:
    """Answers to what the fake Session does not know."""

    def __init__(self, session: Any, answers: dict[type[Request], Any]) -> None:
        self.asked: list[Request] = []
        self._answers = answers
        self._ask = session.ask

    def ask(self, request: Request) -> Future[Any]:
        self.asked.append(request)
        if type(request) not in self._answers:
            answered: Future[Any] = self._ask(request)
            return answered
        future: Future[Any] = Future()
        future.set_result(self._answers[type(request)])
        return future


def script() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "script"}
    exec(QGuiApplication.clipboard().text(), names)
    return names


def test_copy_as_python_gives_the_study_as_it_was_started_and_what_steered_it(
    running: Any, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = running.document.study.model_copy(update={"parameters": {"resolution": 17}})
    recording = Recording(as_recording(LINES).edits, study=started)
    monkeypatch.setattr(session, "ask", Answering(session, {RecordedEdits: recording}).ask)
    running.registry.trigger("study.copy-python")
    polls(running)
    assert script()["STUDY"] == started and as_recording(script()["EDITS"]) == recording


def test_copy_as_python_gives_the_study_alone_where_the_engine_cannot_answer(running: Any) -> None:
    running.registry.trigger("study.copy-python")
    polls(running)
    assert script()["STUDY"] == running.document.study and "EDITS" not in script()


def test_save_replay_asks_for_a_folder_and_says_what_should_be_known(
    running: Any, session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering = Answering(session, {SaveReplay: ["target.ply is rounded."]})
    monkeypatch.setattr(session, "ask", answering.ask)
    said: list[str] = []
    running.workbench.notices.noted.subscribe(said.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: ("", ""))
    running.registry.trigger("study.save-replay")
    assert not answering.asked
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: (str(tmp_path / "ball-replay"), ""))
    running.registry.trigger("study.save-replay")
    polls(running)
    assert answering.asked == [SaveReplay(tmp_path / "ball-replay")]
    assert said[-1] == "Saved ball-replay. target.ply is rounded."
