"""The engine killed again and again while a person steers: nothing old is lost, and all of it can be repeated."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import numpy as np
import pytest
from engine_watch import Watch
from sphere_study import build

from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.recording import parse_recording
from engine.protocol.run_folder import is_run_folder, read_manifest, run_folder
from engine.protocol.study import Study
from engine.studies.replay import replay

Make = Callable[..., Watch]
Sphere = Callable[..., Study]


def steer(choice: random.Random, watch: Watch, run: int) -> None:
    made = [event.checkpoint.id for event in watch.of(snapshot.CheckpointMade) if event.run == run]
    watch.session.send(
        choice.choice(
            [
                edits.SetWeight(term="noise", weight=choice.uniform(0.0, 0.5)),
                edits.SetParameter(owner="study", name="rings", value=choice.randint(8, 20)),
                edits.PaintFreeze(centres=[(0.0, 0.0, 0.0)], radius=1.0, frozen=choice.random() < 0.5),
                edits.MakeCheckpoint(label="mine"),
                edits.Rewind(checkpoint=choice.choice(made)) if made else edits.MakeCheckpoint(),
            ]
        )
    )


def pass_time(watch: Watch, seconds: float) -> None:
    end = time.monotonic() + seconds
    watch.until(lambda: time.monotonic() > end)


def saved(watch: Watch, run: int) -> set[int]:
    """The Checkpoints that are in the folder of a Run: they must be there again after a kill."""
    folder = run_folder(watch.session.folder, run)
    return {entry["id"] for entry in read_manifest(folder)["checkpoints"]} if is_run_folder(folder) else set()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_random_moments_it_always_comes_back_and_is_repeated_as_one(
    make_session: Make, sphere: Sphere
) -> None:
    choice = random.Random(7)
    watch = make_session(autosave_seconds=0.05)
    study = sphere(iterations=4000, sleep=0.001)
    run = watch.session.start(study, {})
    watch.until(lambda: watch.last_iteration() > 10)
    for _ in range(10):
        for _ in range(choice.randint(0, 3)):
            steer(choice, watch, run)
            pass_time(watch, choice.uniform(0.0, 0.2))
        known = {event.checkpoint.id for event in watch.of(snapshot.CheckpointMade) if event.run == run}
        watch.until(lambda run=run, known=known: known <= saved(watch, run))
        pass_time(watch, choice.uniform(0.0, 0.6))
        process = watch.session.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)
        watch.until(lambda: not watch.session.alive)
        again = watch.session.restart()
        assert again is not None
        run = again
        watch.snapshots.clear()
        watch.until(lambda: watch.snapshots or watch.of(snapshot.ProblemRaised)[-1].fatal is False)
        assert watch.snapshots, watch.of(snapshot.ProblemRaised)[-1]
        restored = {event.checkpoint.id for event in watch.of(snapshot.CheckpointMade) if event.run == run}
        assert known <= restored
    watch.session.send(edits.Pause())
    watch.until(lambda: watch.of(snapshot.StateChanged)[-1].state == "paused")
    recording = watch.session.wait(watch.session.ask(requests.RecordedEdits()))
    mesh = watch.session.wait(watch.session.ask(requests.ResultMesh()))
    assert recording.study == study
    quick = study.model_copy(update={"parameters": study.parameters | {"sleep": 0.0}})
    repeated = replay(quick, {}, parse_recording(recording.to_text()), build=build)
    assert np.array_equal(repeated.vertices, mesh.vertices) and np.array_equal(repeated.triangles, mesh.triangles)
