"""Documents in the window: saved while a Run goes on, opened again as they were, and never lost without a question."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patience import PATIENCE
from run_in_folder import write_run
from tests_app_fakes import FakeSession, FakeViewport, polls

from app.cli.document_job import read_job
from app.document.file import open_document
from app.document.pristine import only_opened
from app.work.task_rows import TaskRow
from engine.core.errors import FileError
from engine.geometry.mesh import Mesh
from engine.protocol.edits import PaintFreeze
from engine.protocol.session import Request, SaveRun
from engine.protocol.study import Study


class SavingSession(FakeSession):
    """Writes where its Run is, as an engine does."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.started: list[tuple[Study, Path | None, bool]] = []
        self.slow: Future[Any] | None = None

    def start(self, study: Study, inputs: dict[str, Any], *, resume: Path | None = None, paused: bool = False) -> int:
        self.started.append((study, resume, paused))
        return super().start(study, inputs, resume=resume, paused=paused)

    def ask(self, request: Request) -> Future[Any]:
        if not isinstance(request, SaveRun):
            return super().ask(request)
        self.asked.append(request)
        write_run(request.path, self.study, iteration=self.iteration, checkpoints=len(self._checkpoints))
        if self.slow is not None:
            return self.slow
        future: Future[Any] = Future()
        future.set_result(None)
        return future


@pytest.fixture
def session(tmp_path: Path) -> SavingSession:
    (tmp_path / "engine").mkdir()
    return SavingSession(tmp_path / "engine")


@pytest.fixture
def make_window(qtbot: Any, tmp_path: Path, session: SavingSession) -> Iterator[Callable[..., Any]]:
    from app.window.main_window import MainWindow

    made = []

    def make(store: Path | None = tmp_path / "store") -> Any:
        window = MainWindow(lambda: session, FakeViewport, store=store)  # type: ignore[arg-type]  # fakes
        window.show()
        window.complete()
        window.stop_timer()
        window.documents.ask_to_save = lambda name: pytest.fail(f"asked about {name}")
        settle(window)
        made.append(window)
        return window

    yield make
    for window in made:
        window.documents.ask_to_save = lambda name: "discard"
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window: Callable[..., Any]) -> Any:
    return make_window()


def settle(window: Any, count: int = 3) -> None:
    """Wait for what is done in other threads."""
    import time

    end = time.monotonic() + PATIENCE
    polls(window)
    while window.tasks.busy or window.documents.busy:
        assert time.monotonic() < end, "something does not end"
        time.sleep(0.005)
        polls(window)
    polls(window, count)


def answer(window: Any, *answers: str) -> list[str]:
    """What a person answers, in turn; returns the names that were asked about."""
    asked: list[str] = []
    given = iter(answers)

    def ask(name: str) -> str:
        asked.append(name)
        return next(given)

    window.documents.ask_to_save = ask
    return asked


def test_a_document_comes_back_as_it_was(make_window: Callable[..., Any], target: Mesh, tmp_path: Path) -> None:
    first = make_window()
    first.document.add_object(target, source="/data/ball.ply")
    first.workbench.steering.set_weight("Smoothness", 0.7)
    first.document.steer(PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=2.0), "freeze")
    first.documents.save_to(tmp_path / "ball.formwright")
    settle(first)
    project = first.document.project
    assert not first.documents.modified and first.windowTitle().startswith("ball.formwright")
    second = make_window(tmp_path / "other")
    second.workbench.files.open([tmp_path / "ball.formwright"])
    settle(second)
    assert second.document.project == project
    assert not second.documents.modified and not second.isWindowModified()
    assert second.documents.path == tmp_path / "ball.formwright"
    assert not second.document.undo_stack.undo_name, "nothing was done here yet"
    assert second.viewport.count("show_object") == 1
    assert tmp_path / "ball.formwright" in second.document.recent.paths()


def test_closing_asks_before_it_ends_what_is_being_learnt(window: Any, target: Mesh) -> None:
    given = [False, True, True]
    asked: list[Any] = []

    def ask(work: Any) -> bool:
        asked.append([(one.title, one.fate) for one in work])
        return given.pop(0)

    window.document_listening.ask_to_end = ask
    window.document.add_object(target, source="/data/ball.ply")
    window.workbench.steering.set_weight("Smoothness", 0.7)
    window.workbench.training.row = TaskRow("Learning plates.safetensors")
    assert not window.close() and window.isVisible()
    assert asked == [[("Learning plates.safetensors", "Ended now, nothing of it is kept.")]]

    # Ended, it asks about the document as ever, and does not close where that is taken back.
    questions = answer(window, "cancel", "discard")
    assert not window.close() and window.isVisible() and len(asked) == 2 and len(questions) == 1

    # What has ended is not asked about, and a shape space is told to be kept.
    window.workbench.training.row = None
    window.workbench.learning.row = TaskRow("Learning vases.safetensors")
    assert window.close() and "kept: the same" in asked[-1][0][1]
    window.workbench.learning.row = None


def test_it_is_saved_while_the_run_goes_on_and_what_came_later_is_unsaved(
    window: Any, session: SavingSession, target: Mesh, tmp_path: Path
) -> None:
    window.document.add_object(target, source="/data/ball.ply")
    window.registry.trigger("run.toggle")
    polls(window, 30)
    session.slow = Future()
    window.documents.save_to(tmp_path / "ball.formwright")
    polls(window, 5)
    at = session.asked[-1]
    assert isinstance(at, SaveRun)
    window.workbench.steering.set_weight("Smoothness", 0.9)
    session.slow.set_result(None)
    settle(window)
    assert window.documents.modified, "the weight came later, and the run has moved on"
    opened = open_document(tmp_path / "ball.formwright")
    assert opened.content.project.study.term("Smoothness").weight == 0.2
    assert opened.content.run is not None and opened.content.run.iteration < session.iteration
    assert opened.content.run_inputs["target"].vertex_count == target.vertex_count
    assert not at.path.exists(), "the copy is gone"
    window.registry.trigger("run.toggle")
    session.slow = None
    window.documents.save()
    settle(window)
    assert not window.documents.modified
    window.registry.trigger("run.step")
    settle(window)
    assert window.documents.modified, "one iteration more"


def test_a_run_is_taken_up_paused_with_the_study_and_inputs_that_it_was_begun_with(
    make_window: Callable[..., Any], session: SavingSession, target: Mesh, tmp_path: Path
) -> None:
    first = make_window()
    first.document.add_object(target, source="/data/ball.ply")
    first.registry.trigger("run.toggle")
    polls(first, 30)
    first.registry.trigger("run.toggle")
    first.workbench.steering.set_weight("Smoothness", 0.9)
    first.document.remove_object("ball.ply")
    first.documents.save_to(tmp_path / "ball.formwright")
    settle(first)
    second = make_window(tmp_path / "other")
    session.study = Study()
    second.documents.open(tmp_path / "ball.formwright")
    settle(second)
    study, resume, paused = session.started[-1]
    assert paused and resume is not None and (resume / "state-1.zip").read_bytes() == b"state"
    assert study.parameters == first.document.study.parameters
    assert session.inputs["target"].vertex_count == target.vertex_count, "the object is gone, the run has it still"
    assert second.document.run.state == "paused"
    # The fake knows nothing of what steered the run: the window brings it up to the document.
    assert {edit.edit for edit in session.sent[-4:]} >= {"set-weight"}


def test_without_an_engine_all_but_the_run_opens_and_saving_keeps_the_run(
    make_window: Callable[..., Any],
    session: SavingSession,
    target: Mesh,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = make_window()
    first.document.add_object(target, source="/data/ball.ply")
    first.registry.trigger("run.toggle")
    polls(first, 25)
    first.documents.save_to(tmp_path / "ball.formwright")
    settle(first)
    second = make_window(tmp_path / "other")

    def broken(*_: Any, **__: Any) -> int:
        raise OSError("there is no engine here")

    monkeypatch.setattr(session, "start", broken)
    second.documents.open(tmp_path / "ball.formwright")
    settle(second)
    assert second.document.object("ball.ply") is not None and not second.document.run.exists
    assert "no engine" in second.error_bar.text()
    second.document.set_visible("ball.ply", False)
    second.documents.save()
    settle(second)
    kept = open_document(tmp_path / "ball.formwright", run_folder=tmp_path / "run")
    assert kept.content.run is not None and (tmp_path / "run" / "state-1.zip").exists()
    assert not kept.content.project.objects[0].visible


def test_a_full_disk_says_so_and_keeps_the_old_file(window: Any, target: Mesh, tmp_path: Path) -> None:
    window.document.add_object(target, source="/data/ball.ply")
    path = tmp_path / "ball.formwright"
    window.documents.save_to(path)
    settle(window)
    before = path.read_bytes()
    rng = np.random.default_rng(0)
    window.document.add_object(Mesh(rng.normal(size=(20_000, 3)), np.array([[0, 1, 2]]), name="large"))
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**17, limit[1]))
    try:
        window.documents.save()
        settle(window)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert "ball.formwright" in window.error_bar.text() and window.error_bar.offer_titles() == ["Save elsewhere…"]
    assert path.read_bytes() == before and window.documents.modified
    window.documents.save()
    settle(window)
    assert not window.documents.modified and path.read_bytes() != before


# Leaving --------------------------------------------------------------------------------------------------------------


def work(window: Any, target: Mesh) -> None:
    window.document.add_object(target, source="/data/ball.ply")
    window.workbench.steering.set_weight("Smoothness", 0.7)
    window.document.steer(PaintFreeze(centres=[(0.0, 0.0, 10.0)], radius=2.0), "freeze")


def test_closing_with_unsaved_work_asks_and_cancel_stays(window: Any, target: Mesh) -> None:
    work(window, target)
    asked = answer(window, "cancel", "discard")
    assert not window.close() and window.isVisible() and not window._closed
    assert asked == ["Untitled"]
    polls(window)
    assert window.close()


def test_closing_saves_first_where_that_is_asked_for(window: Any, target: Mesh, tmp_path: Path) -> None:
    work(window, target)
    answer(window, "save")
    window.documents.ask_where = lambda suggested: tmp_path / suggested.name
    assert not window.close(), "it waits for the file"
    settle(window, 0)
    assert window._closed
    assert open_document(tmp_path / "ball.formwright").content.project.strokes


def test_a_save_that_fails_keeps_the_window_open(window: Any, target: Mesh, tmp_path: Path) -> None:
    work(window, target)
    answer(window, "save")
    window.documents.ask_where = lambda suggested: tmp_path / "no such folder" / "x.formwright"
    assert not window.close()
    settle(window)
    assert not window._closed and "folder does not exist" in window.error_bar.text()


def test_nobody_is_asked_about_what_can_be_had_again(window: Any, target: Mesh, tmp_path: Path) -> None:
    (tmp_path / "ball.ply").write_text("ply")
    window.document.add_object(target, source=str(tmp_path / "ball.ply"))
    assert window.documents.modified and only_opened(window.document.project)
    assert window.close()


def test_a_file_that_is_gone_is_worth_a_question(window: Any, target: Mesh) -> None:
    window.document.add_object(target, source="/data/gone.ply")
    assert not only_opened(window.document.project)


def test_opening_another_document_asks_about_this_one(window: Any, target: Mesh, tmp_path: Path) -> None:
    work(window, target)
    window.documents.save_to(tmp_path / "one.formwright")
    settle(window)
    window.documents.save_to(tmp_path / "two.formwright")
    settle(window)
    window.document.set_visible("ball.ply", False)
    asked = answer(window, "cancel", "save")
    window.documents.open(tmp_path / "one.formwright")
    settle(window)
    assert window.documents.path == tmp_path / "two.formwright"
    window.documents.open(tmp_path / "one.formwright")
    settle(window)
    assert window.documents.path == tmp_path / "one.formwright" and asked == ["two.formwright"] * 2
    assert window.document.objects[0].visible
    assert not open_document(tmp_path / "two.formwright").content.project.objects[0].visible


def test_new_begins_with_nothing(window: Any, session: SavingSession, target: Mesh) -> None:
    work(window, target)
    window.registry.trigger("run.toggle")
    polls(window, 5)
    answer(window, "discard")
    window.registry.trigger("file.new")
    settle(window)
    assert not window.document.objects and not window.document.run.exists and not window.documents.modified
    assert window.document.study.terms, "the defaults are there"
    assert window.windowTitle() == "Formwright" and window.close()


def test_a_damaged_document_is_refused_and_what_is_open_stays(window: Any, target: Mesh, tmp_path: Path) -> None:
    (tmp_path / "ball.ply").write_text("ply")
    window.document.add_object(target, source=str(tmp_path / "ball.ply"))
    (tmp_path / "bad.formwright").write_bytes(b"PK\x05\x06 and nothing else")
    window.documents.open(tmp_path / "bad.formwright")
    settle(window)
    assert "bad.formwright" in window.error_bar.text() and window.document.object("ball.ply") is not None


def test_the_title_says_what_is_open_and_whether_it_is_saved(window: Any, target: Mesh, tmp_path: Path) -> None:
    work(window, target)
    polls(window, 12)
    assert window.windowTitle() == "Untitled[*] — Formwright" and window.isWindowModified()
    window.documents.save_to(tmp_path / "ball.formwright")
    settle(window, 12)
    assert window.windowTitle() == "ball.formwright[*] — Formwright" and not window.isWindowModified()
    window.registry.trigger("edit.undo")
    polls(window, 12)
    assert window.isWindowModified()
    window.registry.trigger("edit.redo")
    polls(window, 12)
    assert not window.isWindowModified(), "it is what the file holds again"


def test_a_document_whose_run_is_damaged_opens_without_it_and_says_so(
    make_window: Callable[..., Any], target: Mesh, tmp_path: Path
) -> None:
    first = make_window(tmp_path / "store")
    first.document.add_object(target, source="/data/ball.ply")
    first.workbench.running.start()
    polls(first, 25)
    path = tmp_path / "ball.formwright"
    first.documents.save_to(path)
    settle(first)
    raw = path.read_bytes()
    at = raw.index(b'"position"', raw.index(b"runs/1/run.json"))
    path.write_bytes(raw[:at] + b'"Position"' + raw[at + 10 :])
    second = make_window(tmp_path / "other")
    second.documents.open(path)
    settle(second)
    assert second.document.object("ball.ply") is not None and not second.document.run.exists
    assert "The run in ball.formwright is damaged" in second.error_bar.text()
    with pytest.raises(FileError, match="its run cannot be read"):
        read_job(path, tmp_path / "job")
