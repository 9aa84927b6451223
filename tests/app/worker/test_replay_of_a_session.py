"""A reconstruction steered in an engine process that is killed once, and done again by the command: the same file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_watch import Watch

from engine.io.registry import write
from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.study import Study, TermSpec
from engine.studies.samples import sample_named

Make = Callable[..., Watch]


def someone(choice: random.Random, watch: Watch, run: int) -> None:
    """One thing that a person does in the window, looking included."""
    made = {event.checkpoint.id for event in watch.of(snapshot.CheckpointMade) if event.run == run}
    place = (choice.uniform(-10, 10), choice.uniform(-10, 10), choice.uniform(-3, 3))
    action = choice.randrange(7)
    if action == 0:
        watch.session.send(edits.SetWeight(term="normals", weight=choice.uniform(0.5, 3.0)))
    elif action == 1:
        watch.session.send(edits.PaintFreeze(centres=[place], radius=4.0))
    elif action == 2:
        watch.session.send(edits.SetParameter(owner="study", name="resolution", value=choice.choice([16, 20, 24])))
    elif action == 3:
        watch.session.send(edits.Rewind(checkpoint=choice.choice(sorted(made))))
    elif action == 4:
        name = f"handle {choice.randrange(10**6)}"
        parameters = {"anchor": place, "target": (place[0], place[1], place[2] + 3.0), "radius": 5.0}
        watch.session.send(edits.AddTerm(spec=TermSpec(kind="handle", name=name, weight=5.0, parameters=parameters)))
    elif action == 5:
        watch.session.wait(watch.session.ask(requests.CheckpointView(choice.choice(sorted(made)))))
    else:
        watch.session.send(edits.Pause())
        watch.session.send(edits.Resume(steps=choice.choice([0, 4])))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("sample", ["knot", "nut"])
def test_a_session_in_the_window_and_the_command_come_to_the_same_bytes(
    make_session: Make, tmp_path: Path, sample: str
) -> None:
    choice = random.Random(11)
    watch = make_session(build="", catalogue="")
    study = Study(
        inputs={"target": f"sample:{sample}"},
        parameters={"resolution": 20, "iterations": 200, "samples": 2000, "device": "cpu", "start": "sphere"},
    )
    target = sample_named(sample).make()
    run = watch.session.start(study, {"target": target})
    watch.until(lambda: watch.of(snapshot.CheckpointMade))
    for step in range(12):
        someone(choice, watch, run)
        seen = len(watch.of(snapshot.LossesRecorded))
        watch.session.send(edits.Resume(steps=0))
        watch.until(lambda seen=seen: len(watch.of(snapshot.LossesRecorded)) > seen + 2)
        if step == 6:
            process = watch.session.process_id
            assert process is not None
            os.kill(process, signal.SIGKILL)
            watch.until(lambda: not watch.session.alive)
            again = watch.session.restart()
            assert again is not None
            run = again
            watch.until(lambda run=run: any(e.run == run for e in watch.of(snapshot.CheckpointMade)))
            watch.until(lambda run=run: any(e.run == run for e in watch.of(snapshot.LossesRecorded)))
    watch.session.send(edits.Stop())
    watch.until(lambda: watch.of(snapshot.StateChanged)[-1].state in ("stopped", "finished"))
    notes = watch.session.wait(watch.session.ask(requests.SaveReplay(tmp_path / "replay")))
    write(watch.session.wait(watch.session.ask(requests.ResultMesh())), tmp_path / "window.ply", unit="mm")
    assert notes == []
    command = [sys.executable, "-m", "app.cli.main", "run", str(tmp_path / "replay" / "study.toml"), "--quiet"]
    command += [
        "--edits",
        str(tmp_path / "replay" / "edits.jsonl"),
        "-o",
        str(tmp_path / "command.ply"),
        "--unit",
        "mm",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "window.ply").read_bytes() == (tmp_path / "command.ply").read_bytes()
