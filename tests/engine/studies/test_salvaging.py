"""Run folders that are damaged in part: all that can be read comes back, and what cannot is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sphere_runs import (
    begin,
    branched,
    infos,
    problems,
    radii,
    resumed,
    rewrite_manifest,
    rewrite_state,
    set_radii,
    study,
    until,
)
from sphere_study import build

from engine.protocol import edits
from engine.protocol import session as requests
from engine.protocol.run_folder import read_summary
from engine.studies.replay import replay
from engine.studies.session import LocalSession


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Checkpoints 0 to 4 on "main" (0, 5, 10, 15, 17), of which 1 is the fork of "other", where it is at 12."""
    branched(begin()).ask(requests.SaveRun(tmp_path / "kept")).result()
    return tmp_path / "kept"


def flip(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("number", [0, 1, 2, 5])
@pytest.mark.parametrize("how", ["missing", "garbage", "empty"])
def test_a_checkpoint_that_is_lost_costs_no_other(kept: Path, number: int, how: str) -> None:
    whole = resumed(kept)
    path = kept / f"checkpoint-{number:05d}.zip"
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(b"nothing" if how == "garbage" else b"")
    session = resumed(kept)
    assert session.run is not None and whole.run is not None
    said = problems(session)
    assert len(said) == 1
    assert "1 of the" in said[0] and path.name in said[0]
    assert {info.id for info in infos(session)} == {info.id for info in infos(whole)} - {number}
    assert np.array_equal(radii(session), radii(whole)) and session.run.iteration == 12
    known = {info.id: info for info in infos(session)}
    for info in known.values():
        assert info.parent is None or info.parent in known
        session.run.history.state(info.id)
    for branch in whole.run.history.branches:
        old, new = (s.run.history.whole_curve(branch).arrays() for s in (whole, session) if s.run is not None)
        assert np.array_equal(old[0], new[0]) and np.array_equal(old[1]["loss"], new[1]["loss"])
    remaining = max(known)
    session.send(edits.Rewind(checkpoint=remaining))
    session.run_to_end()
    assert session.run.status == "finished" and not problems(session)


def test_what_was_lost_stays_known_as_lost_when_it_is_saved_again(kept: Path, tmp_path: Path) -> None:
    (kept / "checkpoint-00001.zip").unlink()
    first = resumed(kept)
    first.ask(requests.SaveRun(tmp_path / "again")).result()
    second = resumed(tmp_path / "again")
    assert not problems(second)
    assert [info.id for info in infos(second)] == [info.id for info in infos(first)]
    assert second.run is not None
    assert second.run.history.branches["other"].fork == 0


def test_a_checkpoint_damaged_inside_says_so_when_it_is_asked_for_and_nothing_else_changes(kept: Path) -> None:
    flip(kept / "checkpoint-00002.zip", 0.6)
    session = resumed(kept)
    assert session.run is not None
    before = radii(session)
    session.send(edits.Pause())
    session.send(edits.Rewind(checkpoint=2))
    session.advance()
    assert any("damaged" in text for text in problems(session))
    assert session.run.branch == "other" and np.array_equal(radii(session), before)


@pytest.mark.parametrize("content", [b"nothing", b""])
def test_a_picture_that_is_lost_costs_only_itself(kept: Path, content: bytes) -> None:
    last = sorted(kept.glob("thumbnail-*.npy"))[-1]
    last.write_bytes(content)
    np.save(kept / "thumbnail-00002.npy", np.zeros((4, 4)))
    assert read_summary(kept).thumbnail is not None, "that of another"
    session = resumed(kept)
    assert not problems(session)
    without = [info.id for info in infos(session) if info.thumbnail is None]
    assert without == [2, int(last.stem.partition("-")[2])]


STATES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no state": (lambda f: next(f.glob("state-*.zip")).unlink(), "state-1.zip"),
    "half a state": (lambda f: next(f.glob("state-*.zip")).write_bytes(b"PK\x03\x04 nothing"), "state-1.zip"),
    "outside": (lambda f: rewrite_manifest(f, lambda m: m.update(state="../../state.zip")), "state.zip"),
    "flipped": (lambda f: flip(next(f.glob("state-*.zip")), 0.5), "state-1.zip"),
    "not finite": (lambda f: rewrite_state(f, set_radii(np.full(64, np.nan, np.float32))), "radii .* not finite"),
    "no radii": (lambda f: rewrite_state(f, lambda s: s["run"]["problem"].pop("radii")), "does not fit .*radii"),
    "wrong shape": (lambda f: rewrite_state(f, set_radii(np.ones(7, np.float32))), "does not fit"),
    "no branch": (lambda f: rewrite_state(f, lambda s: s["run"].update(branch="none")), "no branch 'none'"),
}


@pytest.mark.parametrize("damage", STATES)
def test_where_the_latest_state_is_lost_the_run_goes_back_to_the_last_checkpoint(kept: Path, damage: str) -> None:
    do, words = STATES[damage]
    before = [info.id for info in infos(resumed(kept))]
    do(kept)
    session = resumed(kept)
    assert session.run is not None
    said = problems(session)
    assert len(said) == 1 and re.search(words, said[0]), said
    assert (session.run.iteration, session.run.branch) == (10, "branch 3")
    assert [info.id for info in infos(session)] == before
    assert session.run.problem.weights()["noise"] == 0.1, "as before iteration 8 of the first branch"
    session.run_to_end()
    assert session.run.status == "finished" and session.run.iteration == 30


def test_losses_without_their_values_leave_those_at_the_checkpoints(kept: Path) -> None:
    rewrite_state(kept, lambda s: s["losses"]["main"]["values"].update(loss=[1.0]))
    session = resumed(kept)
    assert session.run is not None and session.run.iteration == 12
    iterations, values = session.run.history.losses("main")
    assert list(iterations) == [0, 5, 10, 15]
    assert np.isfinite(values["loss"]).all()


def test_a_run_that_lost_its_state_is_repeated_bit_for_bit(kept: Path) -> None:
    next(kept.glob("state-*.zip")).unlink()
    session = resumed(kept)
    until(session, 14).send(edits.MakeCheckpoint(label="after"))
    until(session, 20).send(edits.Rewind(checkpoint=infos(session)[-1].id))
    until(session, 24).send(edits.Pause())
    session.advance()
    assert session.run is not None
    recording = session.ask(requests.RecordedEdits()).result()
    again = LocalSession(build=build)
    again.start(study(), {}, edits=recording)
    again.run_to_end()
    assert again.run is not None and again.run.iteration == session.run.iteration
    assert np.array_equal(radii(again), radii(session))
    assert {info.id for info in infos(session)} <= {info.id for info in infos(again)}
    mesh = replay(study(), {}, recording, build=build)
    assert np.array_equal(mesh.vertices, session.ask(requests.ResultMesh()).result().vertices)


def test_an_array_that_changed_on_the_disk_is_not_taken_for_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.optimization.checkpoint_store.LARGE", 1)
    branched(begin()).ask(requests.SaveRun(tmp_path / "kept")).result()
    arrays = sorted((tmp_path / "kept").glob("array-*.npy"))
    assert arrays
    session = resumed(tmp_path / "kept")
    assert session.run is not None
    before = radii(session)
    for path in arrays:
        flip(path, 0.99)
    session.send(edits.Rewind(checkpoint=2))
    session.send(edits.Pause())
    session.advance()
    assert any("has changed since it was written" in text for text in problems(session))
    assert np.array_equal(radii(session), before)
