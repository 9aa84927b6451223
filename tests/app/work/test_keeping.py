"""What is open is kept while one works, and offered again after a crash."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from patience import PATIENCE
from run_in_folder import write_run
from tests_app_fakes import FakeSession, FakeViewport, polls

from app.document.placement import Placement
from app.document.recovery import read_kept
from app.work import keeping as keeping_module
from engine.geometry.mesh import Mesh
from engine.protocol.edits import PaintFreeze


class FolderSession(FakeSession):
    """Has a folder, as an engine has, and notes what it was asked to take up."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self.folder = folder


@pytest.fixture
def make_window(tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    from app.window.main_window import MainWindow

    monkeypatch.setattr(keeping_module, "QUIET", 0.0)
    made = []

    def make() -> Any:
        window: Any = MainWindow(
            lambda: FolderSession(window.keeping.engine_folder),
            FakeViewport,
            store=tmp_path / "store",  # type: ignore
        )
        made.append(window)
        window.show()
        window.complete()
        window.stop_timer()
        window.documents.ask_to_save = lambda name: "discard"
        settle(window)
        return window

    yield make
    for window in made:
        window.close()
        window.deleteLater()


def settle(window: Any) -> None:
    end = time.monotonic() + PATIENCE
    for _ in range(3):
        polls(window)
        while window.tasks.busy or window.documents.busy:
            assert time.monotonic() < end, "something does not end"
            time.sleep(0.005)
            polls(window)


def crash(window: Any) -> Path:
    """Let the window's folder be that of a process that has died."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(dead.pid).create_time()
    dead.wait()
    folder: Path = window.keeping._home.folder
    gone = folder.rename(folder.with_name(f"{dead.pid}-{round(started * 1000)}-x"))
    window.keeping._home = None
    return gone


def work(window: Any, target: Mesh) -> None:
    window.document.add_object(target, source="/data/ball.ply")
    window.workbench.steering.set_weight("Smoothness", 0.7)
    window.document.steer(PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=2.0), "freeze")


def test_changes_are_kept_and_nothing_is_written_where_nothing_changed(
    make_window: Callable[[], Any], target: Mesh
) -> None:
    window = make_window()
    home = window.keeping._home.folder
    assert not (home / "document.json").exists(), "nothing is open"
    work(window, target)
    settle(window)
    assert read_kept(home).project == window.document.project
    at = (home / "document.json").stat().st_mtime_ns
    window.keeping._kept_at = float("-inf")  # half a minute later
    settle(window)
    assert (home / "document.json").stat().st_mtime_ns == at
    window.document.undo()
    settle(window)
    assert not read_kept(home).project.strokes
    window.documents.new()
    settle(window)
    assert not (home / "document.json").exists(), "there is nothing to recover"


def test_changes_that_do_not_stop_are_kept_all_the_same(
    make_window: Callable[[], Any], target: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make_window()
    monkeypatch.setattr(keeping_module, "QUIET", 1000.0)
    monkeypatch.setattr(keeping_module, "LONGEST", 0.1)
    window.keeping._kept_at = time.monotonic()
    end = time.monotonic() + PATIENCE
    while not (window.keeping._home.folder / "document.json").exists():
        assert time.monotonic() < end
        window.document.add_object(target)
        polls(window)
        time.sleep(0.02)


def test_the_picture_is_small_and_not_drawn_anew_while_an_object_is_dragged(
    make_window: Callable[[], Any], target: Mesh
) -> None:
    window = make_window()
    name = window.document.add_object(target, source="/data/ball.ply").name

    def pictures() -> list[Any]:
        return [call for call in window.viewport.calls if call[0] == "picture"]

    settle(window)
    assert len(pictures()) == 1
    (scale,) = pictures()[0][1]
    assert scale * window.viewport.width() <= 320 + 1 and scale * window.viewport.height() <= 240 + 1
    for step in range(5):
        window.workbench.scene.drag(name, Placement(translation=(float(step + 1), 0.0, 0.0)), step == 4)
        settle(window)
    assert read_kept(window.keeping._home.folder).project == window.document.project
    assert len(pictures()) == 1
    window.workbench.scene.colour([name], "#123456")
    settle(window)
    assert len(pictures()) == 2


def test_a_crash_is_offered_with_what_it_holds_and_recovered(
    make_window: Callable[[], Any], target: Mesh, qtbot: Any
) -> None:
    first = make_window()
    work(first, target)
    first.registry.trigger("run.toggle")
    polls(first, 25)
    settle(first)
    project = first.document.project
    folder = crash(first)
    write_run(folder / "engine" / "run-1", first.document.study, iteration=21, checkpoints=2)
    second = make_window()
    cards = second.document_listening.cards
    assert cards.isVisible() and len(cards.cards) == 1
    card = cards.cards[0]
    assert card.found.objects == ("ball.ply",) and card.found.iteration == 21 and card.found.preview
    assert "less than a minute ago" in card.accessibleName() and "iteration 21" in card.accessibleName()
    card.recover.click()
    settle(second)
    assert second.document.project == project and second.documents.modified, "it stands in no file"
    session = second.link.session
    assert session.resumed_from is not None and session.resumed_from.is_relative_to(second.keeping.engine_folder)
    assert session.state == "paused"
    assert not folder.exists() and not cards.isVisible()
    assert read_kept(second.keeping._home.folder).project == project, "kept anew"
    assert [path.name for path in second.keeping._root.iterdir()] == [second.keeping._home.folder.name]


def test_what_is_recovered_stays_where_it_is_until_it_is_kept_anew(
    make_window: Callable[[], Any], target: Mesh
) -> None:
    """Keeping that was under way when it was recovered does not hold it."""
    first = make_window()
    work(first, target)
    settle(first)
    project = first.document.project
    crash(first)
    second = make_window()
    (found,) = second.keeping.found
    second.keeping._keep(second.keeping._home)  # nothing is open: nothing to do
    second.document.add_object(target, source="/data/other.ply")
    keeping, ended = second.keeping, []
    tell = keeping._was_kept
    keeping._was_kept = lambda *told: ended.append(told)  # of what was open before
    keeping._keep(keeping._home)
    second.tasks.poll()
    while not ended:
        second.tasks.poll()
        time.sleep(0.002)
    keeping._was_kept = tell
    keeping.recover(found)
    while not keeping._taken:
        second.tasks.poll()
        time.sleep(0.002)
    claimed = keeping._taken[0]
    tell(*ended[0])
    assert read_kept(claimed).project == project, "it is still the only copy"
    settle(second)
    assert read_kept(keeping._home.folder).project == project and not claimed.exists()


def test_several_are_listed_and_can_be_discarded_or_left_for_later(
    make_window: Callable[[], Any], target: Mesh
) -> None:
    for _ in range(2):
        window = make_window()
        window.keeping.later()
        work(window, target)
        settle(window)
        crash(window)
        window.close()
    window = make_window()
    cards = window.document_listening.cards
    assert len(cards.cards) == 2
    cards.cards[0].discard.click()
    settle(window)
    assert len(cards.cards) == 1
    cards.later_wanted.emit()
    settle(window)
    assert not cards.isVisible()
    window.close()
    assert len(make_window().document_listening.cards.cards) == 1, "it is offered again"


def test_two_windows_do_not_offer_each_others_work(make_window: Callable[[], Any], target: Mesh) -> None:
    first = make_window()
    work(first, target)
    settle(first)
    second = make_window()
    assert second.keeping.found == [] and not second.document_listening.cards.isVisible()


def test_closing_properly_leaves_nothing_to_recover(
    make_window: Callable[[], Any], target: Mesh, tmp_path: Path
) -> None:
    window = make_window()
    work(window, target)
    settle(window)
    window.close()
    assert list((tmp_path / "store" / "recovery").iterdir()) == []
    assert make_window().keeping.found == []


def test_without_a_place_to_keep_it_a_quiet_note_says_so(
    make_window: Callable[[], Any], target: Mesh, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "recovery").write_text("a file where the folder should be")
    window = make_window()
    assert window.keeping.engine_folder is None
    work(window, target)
    settle(window)
    assert window.document.object("ball.ply") is not None and window.error_bar.message is None
    window.documents.save_to(tmp_path / "x.formwright")
    settle(window)
    assert (tmp_path / "x.formwright").exists()


def test_a_disk_that_gets_full_is_noted_once_and_tried_again(
    make_window: Callable[[], Any], target: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.document import recovery

    window = make_window()
    noted: list[str] = []
    window.workbench.notices.noted.subscribe(noted.append)

    def full(stream: object, array: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recovery, "write_array", full)
    work(window, target)
    settle(window)
    window.keeping._tried_at = 0.0  # some time later
    settle(window)
    assert [text for text in noted if "Not kept against a crash" in text and "disk is full" in text] == noted[-1:]
    monkeypatch.undo()
    monkeypatch.setattr(keeping_module, "QUIET", 0.0)
    window.keeping._tried_at = 0.0
    settle(window)
    assert read_kept(window.keeping._home.folder).project == window.document.project


def test_after_the_engine_died_the_run_is_where_the_last_engine_kept_it(
    make_window: Callable[[], Any], target: Mesh
) -> None:
    """Not where the Run was first taken up from: it has gone on since."""
    window = make_window()
    work(window, target)
    window.registry.trigger("run.toggle")
    polls(window, 5)
    home, session = window.keeping._home, window.link.session
    window.documents.run_source = write_run(home.engine_folder / "opened-1", window.document.study, iteration=1)
    session.resumed_from = write_run(home.engine_folder / "run-1", window.document.study, iteration=50)
    window.document.run.run = 2  # the new engine has not saved it yet
    assert window.keeping._run_note(home).earlier == "engine/run-1"
    assert window.documents.run_files() == session.resumed_from
