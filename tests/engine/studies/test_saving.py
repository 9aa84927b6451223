"""Runs in folders: saved while they go on, brought back whole, refused where they are damaged."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sphere_runs import begin, branched, infos, problems, radii, resumed, rewrite_manifest, study, until
from sphere_study import build

from engine.core.errors import FileError
from engine.optimization import checkpoint_store, run_saver
from engine.optimization.saved_run import read_saved_run, saved_study
from engine.protocol import edits, snapshot
from engine.protocol import session as requests
from engine.protocol.run_folder import EDITS, MANIFEST, is_run_folder, read_summary, saved_runs
from engine.protocol.study import Study
from engine.studies.session import LocalSession


def test_a_run_comes_back_with_all_of_its_history_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole, first = branched(begin()), branched(begin())
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    second = resumed(tmp_path / "kept")
    assert second.run is not None and first.run is not None
    assert (second.run.iteration, second.run.branch) == (12, "other")
    for old, new in zip(infos(first), infos(second), strict=True):
        assert (old.id, old.parent, old.branch, old.iteration, old.losses, old.label, old.edits) == (
            new.id, new.parent, new.branch, new.iteration, new.losses, new.label, new.edits,
        )  # fmt: skip
        assert old.thumbnail is not None and new.thumbnail is not None and np.array_equal(old.thumbnail, new.thumbnail)
        views = [session.ask(requests.CheckpointView(old.id)).result() for session in (first, second)]
        assert np.array_equal(views[0].arrays["vertices"], views[1].arrays["vertices"])
    for session in (whole, second):
        until(session, 21).send(edits.Rewind(checkpoint=3))
        session.run_to_end()
    assert np.array_equal(radii(whole), radii(second))
    assert [(i.id, i.parent, i.branch, i.iteration) for i in infos(whole)] == [
        (i.id, i.parent, i.branch, i.iteration) for i in infos(second)
    ]
    assert whole.run is not None and whole.run.journal == second.run.journal


def test_the_window_is_told_every_checkpoint_and_every_curve(tmp_path: Path) -> None:
    first = branched(begin())
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    events = resumed(tmp_path / "kept").events()
    made = [event.checkpoint.id for event in events if isinstance(event, snapshot.CheckpointMade)]
    assert made[: len(infos(first))] == [info.id for info in infos(first)]
    curves = {e.branch: e for e in events if isinstance(e, snapshot.LossesRecorded)}
    assert first.run is not None and list(curves) == ["main", "other"], "the present one comes last"
    assert curves["main"].iterations == list(range(17))
    assert curves["other"].iterations == list(range(12)), "with what it descends from"
    main = first.run.history.losses("main")[1]["loss"]
    assert curves["other"].values["loss"][:5] == main[:5].tolist()
    assert curves["other"].values["loss"][5:] == first.run.history.losses("other")[1]["loss"].tolist()


def test_a_folder_is_kept_up_to_date_while_the_run_goes_on(tmp_path: Path) -> None:
    session = branched(begin(tmp_path))
    session.save()
    folder = session.run_folder(1)
    assert folder is not None and is_run_folder(folder)
    summary = read_summary(folder)
    assert (summary.iteration, summary.branches, summary.checkpoint_count) == (
        12,
        ("main", "other"),
        len(infos(session)),
    )
    assert summary.study == study() and summary.thumbnail is not None
    assert len(list(folder.glob("state-*.zip"))) == 1
    lines = [json.loads(line) for line in (folder / EDITS).read_text().splitlines()]
    assert [line["edit"]["edit"] for line in lines[1:]] == ["set-weight", "rewind"]
    assert [line["iteration"] for line in lines[1:]] == [8, 17]
    second = resumed(folder)
    for other in (session, second):
        other.run_to_end()
    assert np.array_equal(radii(session), radii(second))


def test_what_is_asked_of_a_run_at_rest_is_saved_at_once(tmp_path: Path) -> None:
    session = branched(begin(tmp_path, seconds=1e9))
    session.send(edits.Pause())
    session.send(edits.MakeCheckpoint(label="mine"))
    session.advance()
    session.ask(requests.RenameBranch("main", "first")).result()
    session.advance()
    session.advance()
    folder = session.run_folder(1)
    assert folder is not None
    session.close()
    saved = read_saved_run(folder)
    assert saved.checkpoints[-1][0].label == "mine" and list(saved.forks) == ["first", "other"]


def test_every_write_leaves_a_folder_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is stopped after every single file that it replaces: as a kill would, at every moment that counts."""
    copies: list[Path] = []
    replace = Path.replace

    def replace_and_copy(self: Path, target: Path) -> Path:
        result = replace(self, target)
        run = Path(target).parent
        if is_run_folder(run) and run.parent == tmp_path / "session":
            copies.append(tmp_path / f"copy-{len(copies)}")
            shutil.copytree(run, copies[-1])
        return result

    monkeypatch.setattr(Path, "replace", replace_and_copy)
    session = begin(tmp_path / "session")
    until(session, 8).send(edits.SetWeight(term="noise", weight=0.5))
    until(session, 12).save()
    session.send(edits.Rewind(checkpoint=1))
    until(session, 7).save()
    session.ask(requests.DeleteBranch("main"))
    session.advance()
    session.save()
    monkeypatch.undo()
    assert len(copies) > 10
    seen = set()
    for copy in copies:
        second = resumed(copy)
        assert not problems(second)
        assert second.run is not None
        for info in infos(second):
            second.run.history.state(info.id)
        seen.add(second.run.branch)
        second.close()
    assert seen == {"main", "branch 2"}


def test_edits_after_the_last_save_are_not_lost(tmp_path: Path) -> None:
    session = until(begin(tmp_path, seconds=1e9), 1)
    session.save()
    until(session, 5).send(edits.SetWeight(term="noise", weight=0.6))
    session.advance()
    folder = session.run_folder(1)
    assert folder is not None
    with (folder / EDITS).open("a") as stream:
        stream.write('{"step": 7, "iteration": 7, "edit": {"edit": "set-wei')  # killed while writing
    other = resumed(folder)
    other.advance()
    assert other.run is not None and other.run.iteration == 2
    assert other.run.problem.weights()["noise"] == 0.6
    assert [(entry.step, entry.edit["edit"]) for entry in other.run.journal] == [(1, "set-weight")]


def test_an_edit_that_kills_the_process_is_not_repeated(tmp_path: Path) -> None:
    session = until(begin(tmp_path), 5)
    folder = session.run_folder(1)
    assert folder is not None

    def die(iteration: int, iterations: int) -> dict[str, float]:
        raise KeyboardInterrupt

    session.send(edits.SetWeight(term="noise", weight=0.9))
    assert session.run is not None
    session.run.method.step = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        session.advance()
    assert "0.9" not in (folder / EDITS).read_text()


def test_a_folder_goes_when_the_run_goes_on_in_the_next_one(tmp_path: Path) -> None:
    session = branched(begin(tmp_path))
    session.save()
    first, second = session.run_folder(1), session.run_folder(2)
    assert first is not None and second is not None
    expected = session.ask(requests.CheckpointView(2)).result().arrays["vertices"]
    session.start(study(), {}, resume=first)
    session.advance()
    assert first.exists(), "until the next one is there"
    session.advance()
    session.save()
    session.advance()
    assert not first.exists() and is_run_folder(second)
    assert np.array_equal(session.ask(requests.CheckpointView(2)).result().arrays["vertices"], expected)


def test_an_ended_run_stays_with_its_branches_when_another_begins_and_comes_back(tmp_path: Path) -> None:
    session = branched(begin(tmp_path))
    expected, tree = radii(session), [(info.id, info.branch) for info in infos(session)]
    for _ in range(2):
        session.start(study(grow=2), {})
        session.run_to_end()
        session.save()
    assert [path.name for path in saved_runs(tmp_path)] == ["run-1", "run-2", "run-3"]
    first = session.run_folder(1)
    assert first is not None
    session.start(saved_study(first), {}, resume=first, paused=True)
    session.run_to_end()
    session.save()
    session.advance()
    assert np.array_equal(radii(session), expected)
    assert [(info.id, info.branch) for info in infos(session)][: len(tree)] == tree
    assert [path.name for path in saved_runs(tmp_path)] == ["run-2", "run-3", "run-4"], "it lives on in the last"


def test_earlier_runs_need_no_more_room_than_they_may_and_go_with_a_word(tmp_path: Path) -> None:
    probe = begin(tmp_path / "probe")
    probe.run_to_end()
    probe.save()
    room = 5 * sum(path.stat().st_size for path in (tmp_path / "probe/run-1").iterdir()) // 2
    session = LocalSession(build=build, folder=tmp_path, autosave_seconds=0.0, earlier_budget=room)
    told = []
    for _ in range(6):
        session.start(study(), {})
        session.run_to_end()
        told += [event.text for event in session.events() if isinstance(event, snapshot.LogLine)]
    kept = [path.name for path in saved_runs(tmp_path)]
    assert kept == ["run-4", "run-5", "run-6"], "the present one, and two and a half of others"
    assert [text.split()[4] for text in told] == ["1", "2", "3"]


@pytest.mark.parametrize("trouble", ["no folder", "full"])
def test_a_run_that_cannot_be_saved_goes_on_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "no folder":
        (tmp_path / "folder").write_text("a file where the folder should be")
        session = begin(tmp_path / "folder")
    else:
        session = until(begin(tmp_path / "folder"), 7)
        session.save()
        before = {path: path.read_bytes() for path in (tmp_path / "folder/run-1").iterdir()}

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
    session.run_to_end()
    session.save()
    warnings = [event.text for event in session.events() if isinstance(event, snapshot.LogLine)]
    assert len([text for text in warnings if "could not be saved" in text]) == 1
    assert session.run is not None and session.run.status == "finished"
    if trouble == "full":
        monkeypatch.undo()
        assert {path: path.read_bytes() for path in before} == before
        session.send(edits.MakeCheckpoint())
        session.advance()
        session.save()
        assert read_saved_run(tmp_path / "folder/run-1").checkpoints[-1][0].iteration == 30


def test_a_checkpoint_that_comes_while_a_save_is_written_is_not_taken_for_a_deleted_one(tmp_path: Path) -> None:
    session = until(begin(tmp_path), 7)
    session.save()
    run = session.run
    assert run is not None
    capture = run_saver.Capture.of(run, study())
    number = run.checkpoint("came meanwhile").id
    for info, state in run.history.unwritten():
        run.history.write(info, state)
    kept = [entry["id"] for entry in capture.about["checkpoints"]]
    run.history.store.keep_only(kept, before=capture.about["next"])
    assert number in run.history.store and run.history.store.path(number).exists()


def test_a_nearly_full_disk_is_not_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_store, "RESERVE", 2**62)
    session = begin(tmp_path)
    session.run_to_end()
    assert any("nearly full" in event.text for event in session.events() if isinstance(event, snapshot.LogLine))


def test_a_copy_goes_only_where_nothing_is(tmp_path: Path) -> None:
    session = until(begin(tmp_path / "session"), 7)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(FileError, match=r"taken.*something"):
        session.ask(requests.SaveRun(tmp_path / "taken")).result()
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    session.ask(requests.SaveRun(tmp_path / "empty")).result()
    assert read_summary(tmp_path / "empty").iteration == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "session", "taken"]


def test_a_run_of_another_study_is_not_taken_up(tmp_path: Path) -> None:
    until(begin(), 3).ask(requests.SaveRun(tmp_path / "kept")).result()
    session = LocalSession(build=build)
    session.start(Study(study="reconstruct"), {}, resume=tmp_path / "kept")
    session.run_to_end()
    assert "a Run of 'sphere', not of 'reconstruct'" in problems(session)[0]


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no manifest": (lambda f: (f / MANIFEST).unlink(), "no Run"),
    "half a manifest": (lambda f: (f / MANIFEST).write_bytes((f / MANIFEST).read_bytes()[:300]), "no JSON"),
    "manifest of a list": (lambda f: (f / MANIFEST).write_text("[1, 2]"), "no format"),
    "newer": (lambda f: rewrite_manifest(f, lambda m: m.update(format=99)), "newer version"),
    "no study": (lambda f: rewrite_manifest(f, lambda m: m.pop("study")), "study"),
    "text for a number": (lambda f: rewrite_manifest(f, lambda m: m.update(edits="many")), "many"),
    "orphan": (lambda f: rewrite_manifest(f, lambda m: m["checkpoints"].pop(1)), "parent of Checkpoint"),
    "loop": (lambda f: rewrite_manifest(f, lambda m: m["checkpoints"][0].update(parent=3)), "parent of Checkpoint 0"),
    "unknown branch": (lambda f: rewrite_manifest(f, lambda m: m["branches"].pop()), "no place in the tree"),
    "no edits": (lambda f: (f / EDITS).unlink(), "edits.jsonl"),
    "edits lost": (lambda f: (f / EDITS).write_text(""), "0 Edits of 2"),
    "edits garbage": (lambda f: (f / EDITS).write_text('{"iteration": 1}\n{"x": \n'), "line 2"),
    "nothing but the manifest": (lambda f: [path.unlink() for path in f.glob("*.zip")], "state-1.zip"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused_by_name_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    first = branched(begin())
    first.ask(requests.SaveRun(tmp_path / "kept")).result()
    do, words = DAMAGES[damage]
    do(tmp_path / "kept")
    before = sorted(path.name for path in (tmp_path / "kept").iterdir())
    session = LocalSession(build=build)
    session.start(study(), {}, resume=tmp_path / "kept")
    session.run_to_end()
    assert session.run is None
    said = problems(session)
    assert any(re.search(words, text) for text in said), said
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == before
