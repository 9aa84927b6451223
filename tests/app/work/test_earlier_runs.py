"""Runs that others have taken the place of, with a real engine: kept, listed, and brought back."""

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

from app.window.earlier_runs_menu import EarlierRunsMenu
from app.worker.catalogue_cache import CatalogueCache
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.geometry.points import Points


@pytest.fixture
def window(tmp_path: Path, qtbot: Any) -> Iterator[Any]:
    from app.window.main_window import MainWindow

    def session() -> EngineSession:
        settings = Settings(
            folder=window.keeping.engine_folder, threads=1, build="sphere_study:build",
            catalogue="killed_window:make_catalogue", warm_up=False, autosave_seconds=0.2, temporary=False,
        )  # fmt: skip
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
        assert time.monotonic() < end, what
        window.poll()
        time.sleep(0.005)


def menu_texts(window: Any) -> list[str]:
    menu = window.findChild(EarlierRunsMenu)
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions()]


def test_the_last_run_is_kept_when_another_begins_and_comes_back_with_its_branches(window: Any) -> None:
    document, link, workbench = window.document, window.link, window.workbench
    until(window, lambda: document.catalogue is not None, "the catalogue")
    assert menu_texts(window) == ["None since the window was opened"]
    cloud = Points(np.random.default_rng(0).normal(size=(50, 3)), name="cloud")
    document.add_object(cloud)
    document.set_study(STUDY.model_copy(update={"parameters": {**STUDY.parameters, "iterations": 40}}))
    noted: list[str] = []
    workbench.notices.noted.subscribe(noted.append)
    workbench.running.start()
    until(window, lambda: document.run.state == "finished", "the end")
    early = next(id for id, info in document.run.checkpoints.items() if info.iteration == 10)
    link.continue_from(early, "mine")
    until(window, lambda: document.run.state == "finished" and document.run.rewound_to == early, "another end")
    before = {id: (info.branch, info.iteration) for id, info in document.run.checkpoints.items()}
    assert not noted

    window.registry.trigger("run.restart")
    until(window, lambda: document.run.state == "finished" and document.run.run == 2, "the end of the second")
    assert noted == ["The last run stays in Run › Earlier runs until the window closes"]
    until(window, lambda: [run.number for run in workbench.earlier.found()] == [1], "the first run in the list")
    (text,) = menu_texts(window)
    assert "iteration 40 of 40" in text and f"{len(before)} checkpoints" in text

    window.findChild(EarlierRunsMenu).actions()[0].trigger()
    until(window, lambda: document.run.run == 3 and document.run.state == "paused", "the first run")
    assert {id: (info.branch, info.iteration) for id, info in document.run.checkpoints.items()} == before
    assert document.run.iteration == 40 and link.inputs == {"target": cloud}
    until(window, lambda: [run.number for run in workbench.earlier.found()] == [2], "the second run in its place")
