"""A Run of *Predict* goes back, is saved and taken up again, and repeated from its recording: the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.geometry.mesh import Mesh
from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.layers import FIELD
from engine.protocol.recording import Recording, parse_recording
from engine.protocol.snapshot import ProblemRaised, StateChanged
from engine.protocol.study import OptimizerSpec, Study, TermSpec
from engine.regression.data.dataset import Dataset
from engine.regression.generation.known_plates import known_plate
from engine.regression.learning.training import train
from engine.regression.saved_model import save_regression
from engine.regression.settings import TrainingParameters
from engine.studies.replay import replay
from engine.studies.sample_part import part_of
from engine.studies.session import LocalSession

RAISE = TermSpec(kind="predicted-scalar", name="goal", parameters={"scalar": "strength", "aim": "raise"})
PART = part_of(known_plate(200))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "plates.safetensors"
    samples = tuple(known_plate(index) for index in range(30))
    dataset = Dataset(samples, units={"length": "mm"}, name="plates")
    save_regression(train(dataset, TrainingParameters(shape_modes=8, field_modes=4, folds=3)), path)
    return path


def study(model: Path, **parameters: object) -> Study:
    return Study(
        study="predict",
        inputs={"model": str(model), "mesh": "part.vtu"},
        parameters={"iterations": 40, "inputs": {"load": 1.5}, **parameters},
        terms=[TermSpec(kind="trust-region", name="trust-region")],
        optimizer=OptimizerSpec(learning_rate=0.05),
    )


def mesh_of(session: LocalSession, checkpoint: int | None = None) -> Mesh:
    mesh: Mesh = session.ask(requests.ResultMesh(checkpoint)).result()
    return mesh


def same(one: Mesh, other: Mesh) -> bool:
    return np.array_equal(one.vertices, other.vertices) and all(
        np.array_equal(one.fields[name].values, other.fields[name].values) for name in ("stress", "stress band")
    )


def advance(session: LocalSession, count: int = 1000) -> None:
    for _ in range(count):
        if not session.advance():
            return


def steered(session: LocalSession) -> None:
    """Dragged at rest, then let go on a goal, looked at, and changed on the way."""
    advance(session)
    node = int(np.abs(PART.vertices - (-5.0, 10.0, 0.0)).sum(axis=1).argmin())
    place = PART.vertices[node]
    pull = {"anchor": place.tolist(), "target": place.tolist(), "radius": 4.0}
    session.send(edits.AddTerm(spec=TermSpec(kind="handle", name="pull", parameters=pull)))
    for step in range(3):
        target = (place + np.array([0.1 * step, 0.0, 0.0])).tolist()
        session.send(edits.SetParameter(owner="pull", name="target", value=target))
        advance(session, 1)
        session.snapshot()
    session.send(edits.AddTerm(spec=RAISE))
    session.send(edits.Resume())
    advance(session, 8)
    session.snapshot()
    session.send(edits.SetParameter(owner="study", name="inputs", value={"load": 1.6}))
    session.send(edits.SetParameter(owner="study", name="vary", value=["load"]))
    advance(session, 12)
    session.send(edits.Pause())
    advance(session, 2)


def begun(model: Path, folder: Path | None = None, **parameters: object) -> LocalSession:
    session = LocalSession(folder=folder)
    session.start(study(model, **parameters), {"mesh": PART})
    return session


def test_at_rest_it_waits_and_follows_edits(model: Path) -> None:
    session = begun(model)
    advance(session)
    assert session.run is not None
    assert (session.run.status, session.run.iteration) == ("paused", 0)
    events = session.events()
    assert not [event for event in events if isinstance(event, ProblemRaised)]
    assert "No Term says where to go" in [event for event in events if isinstance(event, StateChanged)][-1].reason
    first = session.snapshot()
    assert first is not None
    session.send(edits.SetParameter(owner="study", name="inputs", value={"load": 1.9}))
    session.advance()
    second = session.snapshot()
    assert second is not None
    assert second.scalars["predicted:strength"] < first.scalars["predicted:strength"]
    assert second.arrays[FIELD + "stress"].mean() > first.arrays[FIELD + "stress"].mean()
    # And when it has ended.
    session.send(edits.AddTerm(spec=RAISE))
    session.send(edits.Resume())
    advance(session)
    assert session.run.status == "finished"
    before = session.snapshot()
    session.send(edits.SetParameter(owner="study", name="inputs", value={"load": 1.2}))
    session.advance()
    after = session.snapshot()
    assert before is not None and after is not None
    assert after.scalars["predicted:strength"] > before.scalars["predicted:strength"]


@pytest.mark.parametrize("freedom", ["family", "free"])
def test_a_session_is_repeated_bit_for_bit(model: Path, freedom: str) -> None:
    session = begun(model, freedom=freedom)
    steered(session)
    recording: Recording = session.ask(requests.RecordedEdits()).result()
    again = replay(study(model, freedom=freedom), {"mesh": PART}, parse_recording(recording.to_text()))
    assert same(mesh_of(session), again)


def test_it_goes_back_and_a_checkpoint_can_be_looked_at(model: Path) -> None:
    session = begun(model)
    steered(session)
    assert session.run is not None
    now = mesh_of(session)
    first = session.run.history.infos()[0].id
    there = mesh_of(session, first)
    seen = session.ask(requests.CheckpointView(first)).result()
    assert not same(there, now)
    assert np.allclose(seen.arrays["vertices"], there.vertices, atol=1e-5)
    assert same(mesh_of(session), now)  # looking changed nothing
    session.send(edits.Rewind(checkpoint=first))
    session.advance()
    session.send(edits.Pause())
    session.advance()
    assert session.run.iteration <= 2
    assert [spec.name for spec in session.run.problem.terms()] == ["trust-region", "pull", "goal"]


def test_a_saved_run_goes_on_as_if_it_had_not_ended(model: Path, tmp_path: Path) -> None:
    session = begun(model, tmp_path / "a")
    steered(session)
    session.save()
    folder = session.run_folder(1)
    session.send(edits.Resume(steps=5))
    advance(session)
    session.save()
    other = LocalSession(folder=tmp_path / "b")
    assert folder is not None
    other.start(study(model), {"mesh": PART}, resume=folder, paused=True)
    advance(other, 2)
    assert other.run is not None and session.run is not None
    assert other.run.iteration == session.run.iteration
    assert same(mesh_of(other), mesh_of(session))
    for each in (session, other):
        each.send(edits.Resume(steps=4))
        advance(each)
    assert same(mesh_of(other), mesh_of(session))
