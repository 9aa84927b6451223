"""A Run in a document, with a real engine: it comes back with its History, its steering, and how it was looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from killed_window import STUDY
from patience import PATIENCE
from tests_app_fakes import FakeViewport

from app.document.file import open_document
from app.viewport.records import CameraView
from app.worker.catalogue_cache import CatalogueCache
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.geometry.points import Points


class SeeingViewport(FakeViewport):
    """Has a camera."""

    begun = True

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.view = CameraView((0.0, -10.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    def camera(self) -> CameraView:
        return self.view

    def set_camera(self, view: CameraView) -> None:
        self.view = view


@pytest.fixture
def window(tmp_path: Path, qtbot: Any) -> Iterator[Any]:
    from app.window.main_window import MainWindow

    def session() -> EngineSession:
        settings = Settings(
            folder=window.keeping.engine_folder, threads=1, build="sphere_study:build",
            catalogue="killed_window:make_catalogue", warm_up=False, autosave_seconds=0.2, temporary=False,
        )  # fmt: skip
        return EngineSession(settings, catalogue_cache=CatalogueCache(tmp_path / "cache"))

    window: Any = MainWindow(session, SeeingViewport, store=tmp_path / "store")  # type: ignore[arg-type]  # a fake
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
        assert time.monotonic() < end, what
        window.poll()
        time.sleep(0.005)


def test_a_run_comes_back_with_its_history_and_what_steered_it(window: Any, tmp_path: Path) -> None:
    document, documents, link = window.document, window.documents, window.link
    until(window, lambda: document.catalogue is not None, "the catalogue")
    document.add_object(Points(np.random.default_rng(0).normal(size=(50, 3)), name="cloud"))
    document.set_study(STUDY.model_copy(update={"parameters": {**STUDY.parameters, "iterations": 60}}))
    link.start_run()
    until(window, lambda: 5 in {info.iteration for info in document.run.checkpoints.values()}, "a checkpoint")
    early = next(id for id, info in document.run.checkpoints.items() if info.iteration == 5)
    window.workbench.steering.set_weight("noise", 0.4)
    until(window, lambda: document.run.iteration > 20, "iterations")
    link.continue_from(early)
    until(window, lambda: document.run.rewound_to == early, "the way back")
    until(window, lambda: document.run.iteration > 12 and document.run.branch != "main", "another branch")
    assert document.study.term("noise").weight == 0.1, "as it was at the checkpoint"
    window.workbench.steering.set_weight("noise", 0.25)
    until(window, lambda: document.run.scalars.get("weight:noise") == pytest.approx(0.25), "the weight")
    window.viewport.view = CameraView((5.0, 5.0, 5.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), True, 3.0, (1.0, 1.0, 1.0))
    window.docks["gallery"].hide()
    path = tmp_path / "run.formwright"
    documents.save_to(path)  # while it runs
    until(window, lambda: not documents.busy and documents.path == path, "the file")
    until(window, lambda: document.run.state == "finished", "the end")
    assert documents.modified, "the run went on"
    documents.save()
    until(window, lambda: not documents.busy, "the file")
    assert not documents.modified
    run = document.run
    before = (run.iteration, run.branch, {id: info.branch for id, info in run.checkpoints.items()})
    curves = {branch: (list(found.iterations), dict(found.values)) for branch, found in run.curves.items()}
    pictures = {id: info.thumbnail for id, info in run.checkpoints.items()}
    project = document.project

    documents.new()
    until(window, lambda: not document.objects, "nothing")
    window.docks["gallery"].show()
    window.viewport.view = CameraView((0.0, -10.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    shown = window.viewport.count("show_snapshot")
    documents.open(path)
    until(window, lambda: document.run.state == "paused", "the run")
    until(window, lambda: window.viewport.count("show_snapshot") > shown, "its surface")
    run = document.run
    assert (run.iteration, run.branch, {id: info.branch for id, info in run.checkpoints.items()}) == before
    for branch, (iterations, values) in curves.items():
        assert run.curves[branch].iterations == iterations
        assert all(run.curves[branch].values[name] == pytest.approx(series) for name, series in values.items())
    for id, picture in pictures.items():
        assert np.array_equal(run.checkpoints[id].thumbnail, picture)
    assert document.project == project and not documents.modified
    assert window.viewport.view.position == (5.0, 5.0, 5.0) and window.viewport.view.parallel
    assert window.docks["gallery"].isHidden()

    link.continue_from(early)  # a Checkpoint that this Run's window never saw being made
    until(window, lambda: document.run.rewound_to == early, "the way back")
    assert document.study.term("noise").weight == 0.1
    until(window, lambda: document.run.scalars.get("weight:noise") == pytest.approx(0.1), "the engine as well")
    assert documents.modified
    assert open_document(path).content.run is not None
