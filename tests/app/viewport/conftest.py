"""Shapes, Snapshots and a viewport to test with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.viewport.image import ImageViewport
from engine.geometry.mesh import Mesh
from engine.protocol.snapshot import Snapshot

MakeSphere = Callable[..., Mesh]
MakeSnapshot = Callable[..., Snapshot]


@pytest.fixture
def sphere() -> MakeSphere:
    """Makes a closed sphere of `rings` by 2 · `rings` quads (split), its poles on z."""

    def make(radius: float = 10.0, rings: int = 24, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
        turns = 2 * rings
        polar = np.linspace(0, np.pi, rings + 1)[1:-1]
        around = np.arange(turns) * (2 * np.pi / turns)
        ring = np.stack(
            [
                np.outer(np.sin(polar), np.cos(around)),
                np.outer(np.sin(polar), np.sin(around)),
                np.outer(np.cos(polar), np.ones(turns)),
            ],
            axis=-1,
        )
        vertices = np.concatenate([[[0, 0, 1]], ring.reshape(-1, 3), [[0, 0, -1]]])
        here = np.arange(turns)
        after = (here + 1) % turns
        last = len(vertices) - 1
        first_ring, last_ring = 1, 1 + (rings - 2) * turns
        parts = [np.stack([np.zeros_like(here), first_ring + here, first_ring + after], axis=1)]
        for row in range(rings - 2):
            above, below = 1 + row * turns, 1 + (row + 1) * turns
            parts.append(np.stack([above + here, below + here, below + after], axis=1))
            parts.append(np.stack([above + here, below + after, above + after], axis=1))
        parts.append(np.stack([np.full_like(here, last), last_ring + after, last_ring + here], axis=1))
        return Mesh(vertices * radius + np.asarray(centre), np.concatenate(parts))

    return make


@pytest.fixture
def snapshot(sphere: MakeSphere) -> MakeSnapshot:
    """Makes a Snapshot of a sphere; `sensitivity` is a function of the vertices (relative to the centre)."""

    def make(
        radius: float = 10.0,
        rings: int = 24,
        *,
        origin: tuple[float, float, float] = (0.0, 0.0, 0.0),
        generation: int = 1,
        sensitivity: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Snapshot:
        mesh = sphere(radius, rings)
        arrays = {"vertices": mesh.vertices.astype(np.float32), "triangles": mesh.triangles}
        if sensitivity is not None:
            arrays["sensitivity"] = sensitivity(mesh.vertices).astype(np.float32)
        return Snapshot(1, 5, 100, "running", generation, origin, arrays)

    return make


@pytest.fixture
def viewport(qtbot: QtBot) -> Iterator[ImageViewport]:
    view = ImageViewport()
    qtbot.addWidget(view, before_close_func=lambda widget: widget.shut_down())
    view.resize(400, 300)
    view.show()
    qtbot.waitUntil(lambda: view.begun)
    yield view


@pytest.fixture
def pixels() -> Callable[..., np.ndarray]:
    """The viewport's picture, shape (height, width, 3), int."""

    def take(view: ImageViewport) -> np.ndarray:
        image = view.picture()
        image = image.convertToFormat(image.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)

    return take
