"""A reconstruction steered in every way, recorded and done again: the same surface, bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.recording import Recording, parse_recording
from engine.protocol.study import Study, TermSpec
from engine.studies.replay import replay
from engine.studies.session import LocalSession

Action = Callable[[random.Random, LocalSession], object]

STUDY = Study(parameters={"resolution": 20, "iterations": 40, "samples": 2000, "device": "cpu", "start": "random"})
"""A random start makes specks, which are removed: that must not depend on who looked in between."""


@pytest.fixture(scope="module")
def target() -> Mesh:
    shape = trimesh.creation.capsule(height=8.0, radius=5.0, count=[12, 12])
    return Mesh(np.asarray(shape.vertices) + 100.0, shape.faces)


@pytest.fixture(scope="module")
def scan(target: Mesh) -> Points:
    points, faces = trimesh.sample.sample_surface(trimesh.Trimesh(target.vertices, target.triangles), 1500, seed=3)
    normals = trimesh.Trimesh(target.vertices, target.triangles).face_normals[faces]
    return Points(np.asarray(points), normals=np.asarray(normals))


def place(choice: random.Random) -> tuple[float, float, float]:
    return (100.0 + choice.uniform(-5, 5), 100.0 + choice.uniform(-5, 5), 100.0 + choice.uniform(-2, 10))


def some_checkpoint(choice: random.Random, session: LocalSession) -> int:
    assert session.run is not None
    return choice.choice(session.run.history.infos()).id


def handle(choice: random.Random, session: LocalSession) -> None:
    assert session.run is not None
    names = [spec.name for spec in session.run.problem.terms()]
    if "handle" in names:
        session.send(edits.SetParameter(owner="handle", name="target", value=place(choice)))
    else:
        parameters = {"anchor": place(choice), "target": place(choice), "radius": 3.0}
        session.send(edits.AddTerm(spec=TermSpec(kind="handle", name="handle", weight=5.0, parameters=parameters)))


def mask(choice: random.Random, session: LocalSession) -> None:
    points = np.array([place(choice) for _ in range(20)], np.float32)
    session.send(edits.SetMask(name="part", points=points, values=np.ones(20, np.float32), reach=3.0))
    session.send(edits.SetTermMask(term="normals", mask="part", outside=0.2))


ACTIONS: list[Action] = [
    lambda choice, session: session.send(edits.SetWeight(term="smoothness", weight=choice.uniform(0.0, 3.0))),
    lambda choice, session: session.send(
        edits.SetParameter(owner="optimizer", name="learning_rate", value=choice.uniform(0.005, 0.03))
    ),
    lambda choice, session: session.send(
        edits.SetParameter(owner="study", name="resolution", value=choice.choice([16, 20, 24]))
    ),
    lambda choice, session: session.send(
        edits.PaintFreeze(centres=[place(choice)], radius=3.0, frozen=choice.random() < 0.7)
    ),
    lambda choice, session: session.send(edits.SetFrozen(strokes=[])),
    lambda choice, session: session.send(edits.Rewind(checkpoint=some_checkpoint(choice, session))),
    lambda choice, session: session.send(edits.MakeCheckpoint(label="mine")),
    lambda choice, session: session.ask(requests.CheckpointView(some_checkpoint(choice, session))).result(),
    lambda choice, session: session.ask(requests.QualitySheet(some_checkpoint(choice, session))).result(),
    lambda choice, session: session.ask(requests.ResultMesh()).result(),
    lambda choice, session: session.snapshot(),
    handle,
    mask,
]


def steer(choice: random.Random, session: LocalSession) -> None:
    for _ in range(14):
        choice.choice(ACTIONS)(choice, session)
        if choice.random() < 0.3:  # what is asked of a paused Run acts on a design that nothing has evaluated since
            session.send(edits.Pause())
            session.advance()
            choice.choice(ACTIONS)(choice, session)
            session.advance()
            choice.choice(ACTIONS)(choice, session)
            session.send(edits.Resume(steps=0))
        for _ in range(choice.choice([0, 1, 3, 6])):
            session.advance()
        assert session.run is not None
        if session.run.status != "running":
            more = session.run.iteration + 15
            session.send(edits.SetParameter(owner="study", name="iterations", value=more))
            session.send(edits.Resume(steps=0))
    session.advance()


def begun(study: Study, target: Mesh | Points, resume: Path | None = None) -> LocalSession:
    session = LocalSession()
    session.start(study, {"target": target}, resume=resume)
    session.advance()
    session.advance()
    assert session.run is not None, session.events()
    return session


def recorded(session: LocalSession) -> Recording:
    recording: Recording = session.ask(requests.RecordedEdits()).result()
    return parse_recording(recording.to_text())


def require_same(session: LocalSession, again: Mesh) -> None:
    mesh: Mesh = session.ask(requests.ResultMesh()).result()
    assert np.array_equal(mesh.triangles, again.triangles)
    assert np.array_equal(mesh.vertices, again.vertices)


@pytest.mark.parametrize("seed", range(2))
def test_a_reconstruction_steered_at_random_is_repeated_bit_for_bit(seed: int, target: Mesh, scan: Points) -> None:
    geometry = target if seed % 2 else scan
    session = begun(STUDY, geometry)
    steer(random.Random(seed), session)
    require_same(session, replay(STUDY, {"target": geometry}, recorded(session)))


def test_one_that_goes_on_after_the_engine_died_is_repeated_as_one(target: Mesh, tmp_path: Path) -> None:
    choice = random.Random(50)
    first = begun(STUDY, target)
    steer(choice, first)
    first.send(edits.Pause())
    first.send(edits.PaintFreeze(centres=[(100.0, 100.0, 100.0)], radius=4.0))
    first.advance()
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    second = begun(STUDY, target, resume=tmp_path / "kept")
    steer(choice, second)
    require_same(second, replay(STUDY, {"target": target}, recorded(second)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 26))
def test_many_reconstructions_are_repeated_bit_for_bit(seed: int, target: Mesh, scan: Points) -> None:
    test_a_reconstruction_steered_at_random_is_repeated_bit_for_bit(seed, target, scan)
