"""The loop of the engine process, and what goes between it and the window, in one process and step by step."""

from __future__ import annotations

import gc
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.worker import messages
from app.worker.link import Link
from app.worker.process import EngineLoop, _EndedError, _OrphanedError
from app.worker.session import EngineSession
from app.worker.slots import Room, SlotReader, SlotWriter
from engine.geometry.points import Points
from engine.io.transport import LARGE, pack, unpack
from engine.protocol import edits
from engine.protocol.snapshot import ProblemRaised, Snapshot, StateChanged
from engine.protocol.study import Study


class Steps:
    """A Session whose iterations are what the test makes of them."""

    def __init__(self) -> None:
        self.happened: list[Any] = []
        self.meanwhile: dict[int, Any] = {}

    def advance(self) -> bool:
        self.happened.append("iteration")
        done = self.happened.count("iteration")
        if done in self.meanwhile:
            self.meanwhile[done]()
        return True

    def send(self, edit: edits.Edit) -> None:
        self.happened.append(edit)

    def events(self) -> list[Any]:
        return []

    def snapshot(self) -> Snapshot | None:
        return None


class Loop:
    """An EngineLoop whose receiving thread is the test: what that would put into the inbox."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(EngineLoop, "_receive", lambda loop: None)
        monkeypatch.setattr(EngineLoop, "_start_up", lambda loop: None)
        self.window, theirs = Pipe()
        self.loop = EngineLoop(theirs, messages.Settings(folder=folder))
        self.session = self.loop._session = Steps()

    def comes(self, message: Any) -> None:
        self.loop._inbox.put(message)


def test_an_edit_that_comes_during_an_iteration_acts_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Loop(tmp_path, monkeypatch)
    change = edits.SetWeight(term="noise", weight=0.2)
    made.session.meanwhile = {
        2: lambda: made.comes(messages.Steer(change)),
        4: lambda: made.comes(messages.Close()),
    }
    with pytest.raises(_EndedError):
        made.loop.run()
    assert made.session.happened == ["iteration", "iteration", change, "iteration", "iteration"]


def test_what_does_not_unpickle_is_told_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of an input has gone: no sign that the window has."""
    made = Loop(tmp_path, monkeypatch)
    made.window.send(_Gone(str(tmp_path / "gone.npy")))
    made.window.send(messages.Acknowledge(1, 2))
    assert made.loop._receive_one() and made.loop._receive_one()
    error, following = made.loop._inbox.get_nowait(), made.loop._inbox.get_nowait()
    assert isinstance(error, FileNotFoundError) and following == messages.Acknowledge(1, 2)
    made.loop._handle(error)
    (told,) = made.window.recv().events
    assert isinstance(told, ProblemRaised) and "gone.npy" in told.message
    made.window.close()
    assert not made.loop._receive_one(), "now it has gone"
    with pytest.raises(_OrphanedError):
        made.loop._take_messages()


class _Gone:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path,)


def test_slots_that_cannot_be_had_are_asked_for_again(tmp_path: Path) -> None:
    snapshot = Snapshot(1, 0, 10, "running", 1, (0.0, 0.0, 0.0), {"vertices": np.ones((5, 3), np.float32)}, {}, {})
    reader, writer = SlotReader(tmp_path), SlotWriter()
    writer.move(reader.allocate(100))
    assert writer.fits(snapshot)
    with pytest.raises(OSError):
        room = reader.allocate(100)
        reader.close()
        writer.move(Room(room.generation, room.size, room.block))
    assert writer.has_free and not writer.fits(snapshot), "it wants others"
    writer.move(reader.allocate(100))
    seen = reader.read(writer.write(snapshot))
    assert seen is not None and (seen.arrays["vertices"] == 1.0).all()
    writer.close()
    reader.close()


def test_a_message_that_does_not_pickle_is_named_to_the_engine_and_the_next_goes_through() -> None:
    ours, engine = Pipe()
    link = Link(ours)
    link.send(lambda: None)
    link.send("next")
    assert engine.poll(60) and "cannot be sent" in str(engine.recv())
    assert engine.poll(60) and engine.recv() == "next"
    engine.close()
    link.send(lambda: None)
    link.close()
    assert not any(thread.is_alive() for thread in link._threads)


def test_inputs_stay_until_the_engine_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of a large array goes with the array, and what is on its way names the file."""
    engine: list[Connection] = []

    class Nobody:
        """A process that only has the engine's end of the pipe."""

        pid, exitcode = None, 0

        def __init__(self, target: Any, args: tuple[Any, ...], **others: Any) -> None:
            engine.append(args[0])
            self.start = self.join = self.kill = lambda *seconds: None
            self.is_alive = lambda: False

    class Context:
        Process = Nobody

        @staticmethod
        def Pipe(duplex: bool) -> tuple[Connection, Any]:
            ours, theirs = Pipe()
            return ours, _Kept(theirs)

    monkeypatch.setattr("app.worker.session.multiprocessing.get_context", lambda kind: Context)
    session = EngineSession(messages.Settings(folder=tmp_path / "session"))
    study = Study(study="reconstruct")
    (tmp_path / "read").mkdir()
    scan = unpack(pack(Points(np.ones((LARGE // 24 + 1, 3))), tmp_path / "read"), tmp_path / "read")
    (file,) = (tmp_path / "read").iterdir()
    first = session.start(study, {"target": scan})
    del scan
    second = session.start(study, {})
    gc.collect()
    assert file.exists(), "the engine has not taken the first message yet"
    theirs: Any = engine[0]
    starts = [one for one in (theirs.recv() for _ in range(3)) if isinstance(one, messages.Start)]
    assert [one.number for one in starts] == [first, second]
    assert len(starts[0].inputs["target"].positions) == LARGE // 24 + 1
    theirs.send(messages.Happened([StateChanged(first, "preparing", 0)]))
    theirs.send(messages.Happened([StateChanged(second, "preparing", 0)]))
    seen: list[Any] = []
    while len(seen) < 2:
        seen += session.events()
    del starts
    gc.collect()
    assert not file.exists(), "and not longer"
    session.close()


class _Kept:
    """An end of a pipe that stays open when the process has it."""

    def __init__(self, connection: Connection) -> None:
        self.send, self.recv = connection.send, connection.recv
        self.close = lambda: None
