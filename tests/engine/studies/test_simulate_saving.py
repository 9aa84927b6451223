"""A simulation goes back, branches, is repeated, saved, and brought back after a crash, to the same last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cloth_runs import begin, branched, frames, heavier, positions, problem_of, resumed, until

from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.recording import read_recording
from engine.protocol.run_folder import EDITS, read_summary
from engine.protocol.study import Study
from engine.studies.replay import replay
from engine.studies.session import LocalSession


def bits(session: LocalSession) -> list[bytes]:
    """All that decides what comes next, as bytes, by name."""

    def flat(value: object) -> list[bytes]:
        if isinstance(value, np.ndarray):
            return [value.tobytes()]
        if isinstance(value, dict):
            return [item for key in sorted(value) for item in [key.encode(), *flat(value[key])]]
        return [repr(value).encode()]

    return flat({**problem_of(session).state(), "stretch": ""})


def test_going_back_brings_back_all_states_and_branches() -> None:
    session = branched(begin())
    assert session.run is not None
    assert (session.run.branch, session.run.iteration) == ("other", 12)
    plain = until(begin(), 6)
    plain.send(heavier())
    until(plain, 12)
    assert bits(plain) == bits(session), "neither the pull nor the folds of the other branch are left"
    assert frames(session).steps().tolist() == list(range(13))
    assert np.array_equal(frames(session)[12].positions, positions(session).astype(np.float32))
    tip = next(i for i in session.run.history.infos() if i.branch == "main" and i.label == "before going back")
    session.send(edits.Rewind(checkpoint=tip.id))
    session.advance()
    assert session.run.iteration == 18
    assert frames(session).steps().tolist() == list(range(19))
    session.run_to_end()
    assert session.run.status == "finished"


def test_creases_that_have_yielded_go_back_too() -> None:
    session = until(begin(), 20)
    (angles,) = (
        value for state in problem_of(session).world.system.states().values() for name, value in state.items()
        if "plastic" in name
    )  # fmt: skip
    assert float(angles.abs().max()) > 0.0, "else there is nothing to go back to"
    end = bits(session)
    session.send(edits.Rewind(checkpoint=0))
    session.advance()
    until(session, 20)
    assert bits(session) == end


def test_branches_are_renamed_promoted_and_deleted() -> None:
    session = branched(begin())
    session.ask(requests.RenameBranch("other", "heavy")).result()
    session.ask(requests.PromoteBranch("heavy", "light")).result()
    session.ask(requests.DeleteBranch("light")).result()
    assert session.run is not None
    assert list(session.run.history.branches) == ["main"]
    session.run_to_end()
    plain = branched(begin())
    plain.run_to_end()
    assert bits(plain) == bits(session)


def test_a_recording_gives_the_same_bits() -> None:
    session = branched(begin())
    until(session, 18)
    recording = session.ask(requests.RecordedEdits()).result()
    again = begin(edits=recording)
    again.run_to_end()
    assert again.at_recorded_end
    assert bits(again) == bits(session)
    assert recording.study is not None
    mesh = replay(recording.study, {}, recording)
    assert np.array_equal(mesh.vertices, session.ask(requests.ResultMesh()).result().vertices)


def test_what_repeats_it_is_written_into_a_folder(tmp_path: Path) -> None:
    session = until(branched(begin()), 15)
    session.ask(requests.SaveReplay(tmp_path / "replay")).result()
    study = Study.read(tmp_path / "replay" / "study.toml")
    assert study.scene == begin().study.scene  # type: ignore[union-attr]
    mesh = replay(study, edits=read_recording(tmp_path / "replay" / "edits.jsonl"))
    assert np.array_equal(mesh.vertices, session.ask(requests.ResultMesh()).result().vertices)


def test_a_saved_run_comes_back_whole(tmp_path: Path) -> None:
    whole, first = branched(begin()), branched(begin())
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    second = resumed(tmp_path / "kept")
    assert bits(second) == bits(first)
    for session in (whole, second):
        until(session, 14).send(edits.Rewind(checkpoint=2, branch="third"))
        session.run_to_end()
    assert bits(whole) == bits(second)


def test_after_a_crash_it_goes_on_with_its_frames(tmp_path: Path) -> None:
    dead = branched(begin(tmp_path / "dead"))
    dead.save()
    until(dead, 15)  # steps that were not saved, with their frames
    folder = dead.run_folder(1)
    assert folder is not None
    session = LocalSession(folder=tmp_path / "new", autosave_seconds=0.0)
    assert dead.study is not None
    session.start(dead.study, {}, resume=folder, number=2)
    session.advance()
    assert session.run is not None
    assert session.run.iteration < 15
    at = session.run.iteration
    session.advance()
    assert frames(session).steps().tolist() == list(range(at + 2)), "what was not saved is done again"
    session.run_to_end()
    whole = branched(begin())
    whole.run_to_end()
    assert bits(session) == bits(whole)
    trajectory = frames(session)
    assert trajectory.steps().tolist() == list(range(31))
    assert str(tmp_path / "new") in str(trajectory.folder)
    compared = frames(whole)
    for number in (0, 4, 5, 12, 13, 30):
        assert np.array_equal(trajectory[number].positions, compared[number].positions)


def test_it_is_saved_while_it_goes_on(tmp_path: Path) -> None:
    session = branched(begin(tmp_path))
    session.save()
    folder = session.run_folder(1)
    assert folder is not None
    summary = read_summary(folder)
    assert (summary.iteration, summary.branches) == (12, ("main", "other"))
    assert len((folder / EDITS).read_text().splitlines()) == 5
    assert summary.thumbnail is not None


def test_a_new_run_keeps_the_folder_of_the_last_one(tmp_path: Path) -> None:
    session = until(begin(tmp_path), 7)
    first = frames(session).folder
    assert session.study is not None
    session.start(session.study, {})
    session.advance()
    until(session, 3)
    assert frames(session).folder != first
    assert (first / "trajectory.json").exists()


def test_contact_and_friction_go_back_to_the_last_bit() -> None:
    """A strip of card slides down a slope and is taken back."""
    sheet = {
        "name": "card",
        "shape": {"kind": "rectangle", "width": 0.04, "height": 0.02, "columns": 2, "rows": 1},
        "pose": {"translation": [0.0, 0.0, 0.0008]},
    }
    slope = {"name": "slope", "shape": {"kind": "plane", "size": 0.3}}
    session = begin(
        time={"step": 0.01, "duration": 0.2},
        gravity=[3.0, 0.0, -9.3],
        contact={"gap": "1 mm", "friction": 0.1},
        sheets=[sheet],
        obstacles=[slope],
        sensors=[],
    )
    until(session, 12)
    assert any("friction" in name for name in problem_of(session).world.system.energies)
    assert positions(session)[:6, 2].min() > 0.0, "it lies on the slope"
    end = bits(session)
    session.send(edits.Rewind(checkpoint=1))
    session.advance()
    until(session, 12)
    assert bits(session) == end
