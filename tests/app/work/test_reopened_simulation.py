"""A scene of the gallery, with a real engine: one click starts it, and its Run comes back with the document."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from tests_app_fakes import FakeViewport

from app.worker.catalogue_cache import CatalogueCache
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.protocol.scene import Scene
from engine.protocol.trajectory import Trajectory
from engine.studies.catalogue import gallery


@pytest.fixture
def window(tmp_path: Path, qtbot: Any) -> Iterator[Any]:
    from app.window.main_window import MainWindow

    def session() -> EngineSession:
        settings = Settings(
            folder=window.keeping.engine_folder, threads=1, warm_up=False, autosave_seconds=0.2, temporary=False
        )
        return EngineSession(settings, catalogue_cache=CatalogueCache(tmp_path / "cache"))

    window: Any = MainWindow(session, FakeViewport, store=tmp_path / "store")  # type: ignore[arg-type]  # a fake
    window.show()
    window.complete()
    window.stop_timer()
    window.documents.ask_to_save = lambda name: "discard"
    yield window
    window.close()
    window.deleteLater()


def until(window: Any, done: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, f"{what} did not come"
        window.poll()
        time.sleep(0.005)


@pytest.mark.slow
def test_one_click_runs_a_scene_and_its_run_comes_back_with_the_document(window: Any, tmp_path: Path) -> None:
    document, documents, path = window.document, window.documents, tmp_path / "fold.formwright"
    entry = next(entry for entry in gallery() if entry.name == "fold-crease")
    until(window, lambda: document.catalogue is not None, "the catalogue")
    window.workbench.files.run_gallery(entry)
    until(window, lambda: document.run.iteration >= 12, "twelve steps")
    assert document.study.scene == entry.study.scene
    window.workbench.running.toggle()
    until(window, lambda: document.run.state == "paused", "the pause")
    at, checkpoints = document.run.iteration, len(document.run.checkpoints)
    documents.save_to(path)
    until(window, lambda: not documents.busy and documents.path == path, "the file")
    documents.new()
    until(window, lambda: not documents.busy and document.study.scene == Scene(), "an empty document")
    documents.open(path)
    until(window, lambda: not documents.busy and document.run.iteration == at, "the run")
    assert document.study.scene == entry.study.scene
    until(window, lambda: len(document.run.checkpoints) == checkpoints, "its history")
    until(window, lambda: document.run.state == "paused", "its pause")
    window.workbench.running.toggle()
    until(window, lambda: document.run.iteration >= at + 3, "three steps more")
    steps = Trajectory.open(document.run.info["trajectory"]).steps().tolist()
    assert steps == list(range(at, at + len(steps))), "frames begin where the document was opened"
