"""What is open in a folder: written bit by bit, whole at any moment, and offered only when its window is dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from documents import content, equal, part
from run_in_folder import write_run

from app.document.file import Content, RunNote
from app.document.project import Project, SceneObject
from app.document.recovery import ENGINE, RecoveryFolder, crashed, read_kept
from engine.core.errors import FileError
from engine.protocol.study import Study


def died(folder: RecoveryFolder) -> Path:
    """The folder as if its window had been another process, which is dead."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(dead.pid).create_time()
    dead.wait()
    name = f"{dead.pid}-{round(started * 1000)}-{folder.folder.name.rpartition('-')[2]}"
    return folder.folder.rename(folder.folder.with_name(name))


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    assert equal(read_kept(home.folder), content())


def test_an_array_that_stays_is_written_once(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    kept = content()
    home.keep(kept)
    arrays = home.folder / "arrays"
    written = {path.name: path.stat().st_mtime_ns for path in arrays.iterdir()}
    hidden = replace(kept.project.objects[0], visible=True)
    more = replace(
        kept.project, objects=(hidden, *kept.project.objects[1:], SceneObject("new", part("new", 3.0), "#fff"))
    )
    home.keep(replace(kept, project=more))
    now = {path.name: path.stat().st_mtime_ns for path in arrays.iterdir()}
    assert written.items() <= now.items() and len(now) == len(written) + 1, "only the new vertices"
    home.keep(Content(Project(), name="less"))
    assert not list(arrays.iterdir()), "and what nothing refers to any more goes"
    assert equal(read_kept(home.folder), Content(Project(), name="less"))


def test_a_save_that_fails_leaves_the_last_one_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.document import recovery

    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    written: list[object] = []

    def full(stream: object, array: object) -> None:
        written.append(array)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery, "write_array", full)
    other = Project(objects=(SceneObject("new", part("new", 3.0), "#fff"),))
    with pytest.raises(FileError, match="disk is full"):
        home.keep(Content(other))
    assert written and equal(read_kept(home.folder), content())
    monkeypatch.undo()
    home.keep(Content(other))
    assert read_kept(home.folder).project == other


def test_a_window_that_lives_is_never_offered(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    assert crashed(tmp_path) == []
    name = f"{os.getpid()}-1000-0"  # the number of a process that lives, and began long after
    home.folder.rename(home.folder.with_name(name))
    assert len(crashed(tmp_path)) == 1


def test_several_crashes_are_listed_the_newest_first_with_what_they_hold(tmp_path: Path) -> None:
    for number in range(3):
        home = RecoveryFolder.make(tmp_path)
        run = None
        if number == 1:
            write_run(home.engine_folder / "run-4", Study(), iteration=77, checkpoints=5)
            run = RunNote(folder=f"{ENGINE}/run-4", iteration=3)
        home.keep(content(name=f"document {number}", saved=1000.0 + number, run=run))
        died(home)
    RecoveryFolder.make(tmp_path).keep(content(name="alive"))
    (tmp_path / "of a person").mkdir()
    found = crashed(tmp_path)
    assert [item.name for item in found] == ["document 2", "document 1", "document 0"]
    assert [item.iteration for item in found] == [None, 77, None], "as the run's own files say: they are newer"
    assert found[1].checkpoints == 5 and found[1].run_folder is not None
    assert found[0].objects == ("part", "scan", "copy") and found[0].preview == content().preview
    assert (tmp_path / "of a person").exists(), "what is not ours is left alone"


def test_a_run_that_was_just_taken_up_is_found_where_it_was_before(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    write_run(home.engine_folder / "opened-1", Study(), iteration=40)
    home.keep(content(run=RunNote(folder=f"{ENGINE}/run-1", earlier=f"{ENGINE}/opened-1")))
    folder = died(home)
    assert crashed(tmp_path)[0].iteration == 40
    write_run(folder / ENGINE / "run-1", Study(), iteration=41)
    assert crashed(tmp_path)[0].iteration == 41


def test_only_one_window_recovers_it_and_it_is_not_lost_when_that_dies_too(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    died(home)
    first, second = crashed(tmp_path)[0], crashed(tmp_path)[0]
    claimed = first.claim()
    with pytest.raises(FileError, match="not there any more"):
        second.claim()
    assert crashed(tmp_path) == [] and equal(claimed.read(), content())
    died(RecoveryFolder(claimed.folder))
    assert len(crashed(tmp_path)) == 1


def test_what_nobody_can_recover_is_cleared_away(tmp_path: Path) -> None:
    empty = died(RecoveryFolder.make(tmp_path))
    os.utime(empty, (time.time() - 60.0,) * 2)
    fresh = died(RecoveryFolder.make(tmp_path))
    assert crashed(tmp_path) == [] and not empty.exists()
    assert fresh.exists(), "its window may have died a moment ago, and its engine be at it still"


def test_a_damaged_folder_is_refused_by_name(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    array = next((home.folder / "arrays").iterdir())
    array.write_bytes(array.read_bytes()[:-3])
    with pytest.raises(FileError, match="as long as its shape"):
        read_kept(home.folder)
    array.unlink()
    with pytest.raises(FileError, match="cannot be read"):
        read_kept(home.folder)


def test_closing_leaves_nothing(tmp_path: Path) -> None:
    home = RecoveryFolder.make(tmp_path)
    home.keep(content())
    home.remove()
    assert not list(tmp_path.iterdir())
