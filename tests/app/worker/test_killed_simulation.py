"""A simulation in an engine process: its frames are read while they are written, and it outlives its engine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest
from cloth_runs import PULL, heavier, study
from engine_watch import Watch

from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.recording import parse_recording
from engine.protocol.trajectory import Trajectory
from engine.studies.replay import replay

LONG = {"step": 0.01, "duration": 1000.0, "scheme": "bdf2"}


def steps_of(watch: Watch) -> list[int]:
    return [int(step) for step in Trajectory.open(watch.snapshots[-1].info["trajectory"]).steps()]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_is_killed_comes_back_and_is_repeated_as_one(make_session: Callable[..., Watch]) -> None:
    watch = make_session(build="", autosave_seconds=0.05)
    begun = study(time=LONG)
    watch.session.start(begun, {})
    watch.until(lambda: watch.last_iteration() > 10)
    watch.session.send(PULL)
    watch.until(lambda: watch.of(snapshot.EditApplied))
    for _ in range(2):
        was = watch.last_iteration()
        watch.until(lambda was=was: watch.last_iteration() > was + 20)
        reader = Trajectory.open(watch.snapshots[-1].info["trajectory"])
        count = len(reader)
        watch.until(lambda reader=reader, count=count: reader.refresh() > count + 5)
        assert np.isfinite(reader[-1].positions).all(), "it is read while it is written"
        process = watch.session.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)
        watch.until(lambda: not watch.session.alive)
        watch.snapshots.clear()
        assert watch.session.restart() is not None
        watch.until(lambda: watch.last_iteration() > 1)
        steps = steps_of(watch)
        assert steps == list(range(len(steps))), "no frame is missing, and none is there twice"
    watch.session.send(heavier(time=LONG))
    watch.session.send(edits.Rewind(checkpoint=0))
    watch.session.send(PULL)
    watch.until(lambda: watch.last_iteration() > 20)
    watch.session.send(edits.Pause())
    watch.until(lambda: watch.of(snapshot.StateChanged)[-1].state == "paused")
    recording = watch.session.wait(watch.session.ask(requests.RecordedEdits()))
    mesh = watch.session.wait(watch.session.ask(requests.ResultMesh()))
    assert recording.study == begun
    repeated = replay(begun, {}, parse_recording(recording.to_text()))
    assert np.array_equal(repeated.vertices, mesh.vertices)
