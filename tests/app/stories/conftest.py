"""A window for every story, and samples that files are made from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stage import Stage

from engine.geometry.mesh import Mesh
from engine.studies.samples import bracket_mesh

sys.modules.setdefault("tests_app_stories", sys.modules[__name__])  # conftest files have no name of their own

PICTURES = "FORMWRIGHT_PICTURES"
"""Environment variable: the folder for the guide's pictures, and after a colon the names of those that are wanted."""

OpenWindow = Callable[[], Stage]


@pytest.fixture(autouse=True)
def needs_a_display() -> None:
    from PySide6.QtGui import QGuiApplication

    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        pytest.skip("stories need a display: sh packaging/with_display.sh")


@pytest.fixture
def open_window(tmp_path: Path, qapp: Any) -> Iterator[OpenWindow]:
    """Opens a window; a second one is the next start of the same program."""
    folder, _, names = os.environ.get(PICTURES, "").partition(":")
    stages: list[Stage] = []

    def open_it() -> Stage:
        wanted = frozenset(names.split(",")) - {""}
        stages.append(Stage(tmp_path / "state", Path(folder) if folder else None, wanted))
        return stages[-1]

    yield open_it
    for stage in stages:
        stage.close()


@pytest.fixture
def stage(open_window: OpenWindow) -> Stage:
    return open_window()


@pytest.fixture(scope="session")
def bracket() -> Mesh:
    """An angle bracket, 80 × 50 × 60 mm, closed."""
    return bracket_mesh(1.6)


def scanned(mesh: Mesh, *, noise: float = 0.06, seed: int = 0) -> Mesh:
    """What a scanner would make of it: `noise` [mm] on every coordinate, and three patches that it did not see."""
    rng = np.random.default_rng(seed)
    vertices = mesh.vertices + rng.normal(scale=noise, size=mesh.vertices.shape)
    middles = mesh.vertices[mesh.triangles].mean(axis=1)
    centres = np.array([[18.0, 20.0, 10.0], [-30.0, 25.0, 5.0], [5.0, -25.0, 20.0]])
    centres = middles[np.argmin(np.linalg.norm(middles[None] - centres[:, None], axis=2), axis=1)]
    seen = (np.linalg.norm(middles[:, None] - centres[None], axis=2) > 5.0).all(axis=1)
    return Mesh(vertices, mesh.triangles[seen], name=f"{mesh.name} scan")
