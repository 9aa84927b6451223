"""A session over a real engine process with the sphere study in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_watch import Watch, shared_blocks
from patience import until_so

from app.worker.catalogue_cache import CatalogueCache
from app.worker.messages import Settings
from app.worker.session import EngineSession
from engine.protocol.study import OptimizerSpec, Study

Make = Callable[..., Watch]


@pytest.fixture
def make_session(tmp_path: Path) -> Iterator[Make]:
    """Makes watched sessions; afterwards nothing of them may be left."""
    before = shared_blocks()
    sessions: list[EngineSession] = []

    def make(**settings: Any) -> Watch:
        options: dict[str, Any] = {
            "folder": tmp_path / f"session-{len(sessions)}",
            "threads": 1,
            "build": "sphere_study:build",
            "catalogue": "engine_watch:make_catalogue",
            "warm_up": False,
            "autosave_seconds": 0.2,
        }
        sessions.append(
            EngineSession(Settings(**{**options, **settings}), catalogue_cache=CatalogueCache(tmp_path / "cache"))
        )
        return Watch(sessions[-1])

    yield make
    for session in sessions:
        session.close()
    assert until_so(lambda: shared_blocks() <= before)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSession]:
    """One engine process for the tests that do it no harm."""
    folder = tmp_path_factory.mktemp("engine")
    settings = Settings(
        folder=folder / "session",
        threads=1,
        build="sphere_study:build",
        catalogue="engine_watch:make_catalogue",
        warm_up=False,
    )
    session = EngineSession(settings, catalogue_cache=CatalogueCache(folder / "cache"))
    yield session
    session.close()


@pytest.fixture
def watch(engine: EngineSession) -> Watch:
    """A fresh look at the shared engine."""
    engine.snapshot()
    engine.events()
    return Watch(engine)


@pytest.fixture
def sphere() -> Callable[..., Study]:
    def make(**parameters: Any) -> Study:
        return Study(
            study="sphere",
            parameters={"iterations": 100_000, "steps": 1, "sleep": 0.002, **parameters},
            optimizer=OptimizerSpec(learning_rate=0.01),
        )

    return make
