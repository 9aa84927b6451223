"""Takes the guide's pictures from the real window at work, and writes them to docs/images.

    make docs    or    sh packaging/with_display.sh python docs/guide/screenshots.py [NAME...]

The window runs with its own engine process on the demo scan, without the user's settings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from app.document.run_record import RunRecord
from app.main import make_application
from app.panels.theme import apply_theme
from app.viewport.create import create_viewport
from app.window import MainWindow
from app.worker.session import EngineSession
from engine.protocol.snapshot import Snapshot

IMAGES = Path(__file__).resolve().parent.parent / "images"
SIZE = (1440, 900)
ITERATIONS = 160
"""Fewer than the demo takes: pictures need no perfect surface."""
PATIENCE = 600.0
"""Seconds for the slowest wait: a first run compiles its kernels."""


class Stage:
    """The window at work, and the last Snapshot that it has drawn."""

    def __init__(self) -> None:
        self.window = MainWindow(EngineSession, create_viewport)
        self.bench = self.window.workbench
        self._snapshot: Snapshot | None = None
        self.window.link.snapshot_arrived.subscribe(self._keep)
        self.window.resize(*SIZE)
        self.window.show()
        QTest.qWait(100)
        self.window.complete()

    @property
    def run(self) -> RunRecord:
        return self.window.document.run

    def vertices(self) -> np.ndarray:
        """Of the surface [mm], shape (n, 3)."""
        assert self._snapshot is not None
        return np.asarray(self._snapshot.arrays["vertices"].astype(np.float64) + self._snapshot.origin)

    def pause(self) -> None:
        """Pause, so that the view draws every pixel: on software OpenGL it takes fewer while the surface moves."""
        self.bench.running.toggle()
        wait(lambda: self.run.state == "paused", "the pause")
        QTest.qWait(1000)

    def run_to(self, fraction: float) -> None:
        """Let the run go on to a part of its way."""
        wait(lambda: self.run.iteration >= fraction * max(1, self.run.iterations), f"{fraction:.0%} of the run")
        QTest.qWait(300)

    def _keep(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot


def main(names: list[str]) -> int:
    application = make_application()
    apply_theme(application, dark=False)
    stage = Stage()
    try:
        for name, prepare in SHOTS.items():
            prepare(stage)
            if not names or name in names:
                save(stage.window, name)
    finally:
        stage.window.close()
        QTest.qWait(200)
    return 0


def opened(stage: Stage) -> None:
    """The demo's scan, opened, before the descent."""
    wait(lambda: stage.window.document.catalogue is not None, "the engine's Catalogue")
    assert stage.window.document.catalogue is not None
    demo = stage.window.document.catalogue.gallery[0]
    parameters = demo.study.parameters | {"iterations": ITERATIONS}
    stage.bench.files.run_gallery(
        demo.model_copy(update={"study": demo.study.model_copy(update={"parameters": parameters})})
    )
    wait(lambda: bool(stage.window.document.objects), "the demo scan")
    wait(lambda: stage.run.state == "running", "the run")
    stage.pause()


def running(stage: Stage) -> None:
    """In the middle of the descent; the scan's points would hide the surface."""
    stage.window.document.set_visible(stage.window.document.objects[0].name, False)
    stage.bench.running.toggle()
    stage.run_to(0.4)
    stage.pause()


def sensitivity(stage: Stage) -> None:
    """The surface in the colours of the sensitivity."""
    stage.window.viewing.toggle_sensitivity()
    QTest.qWait(800)


def handle(stage: Stage) -> None:
    """A handle that has pulled the surface out."""
    stage.window.viewing.toggle_sensitivity()
    vertices = stage.vertices()
    centre = vertices.mean(axis=0)
    top = vertices[np.argmax((vertices - centre) @ np.array([0.3, -0.5, 0.8]))]
    stage.window.viewing.set_tool("handle")
    stage.bench.steering.place_handle(position(top))
    stage.bench.steering.move_handle(
        stage.window.document.handles()[-1].name, position(top + 0.35 * (top - centre)), True
    )
    stage.bench.running.toggle()
    stage.run_to(0.7)
    stage.pause()


def frozen(stage: Stage) -> None:
    """A painted region."""
    vertices = stage.vertices()
    radius = float(0.06 * np.linalg.norm(np.ptp(vertices, axis=0)))
    front = vertices[np.argmax(vertices @ np.array([0.8, -0.6, -0.2]))]
    patch = vertices[np.argsort(np.linalg.norm(vertices - front, axis=1))[:600]]
    stage.window.viewing.set_tool("brush")
    stage.bench.steering.paint([position(stamp) for stamp in patch[::40]], radius, True)
    QTest.qWait(800)


def history(stage: Stage) -> None:
    """The end of the run, with its Checkpoints."""
    stage.window.viewing.leave_tool()
    stage.bench.running.toggle()
    wait(lambda: stage.run.state == "finished", "the end of the run")
    QTest.qWait(800)


def export(stage: Stage) -> None:
    """The export dialog over the window."""
    stage.window.dialogs.export_surface()
    QTest.qWait(6000)
    for dialog in others(stage.window):
        place = dialog.findChild(QLineEdit)
        if place is not None:
            place.setText("nut.stl")  # not the home of whoever takes the picture


SHOTS: dict[str, Callable[[Stage], None]] = {
    "opened": opened,
    "window": running,
    "sensitivity": sensitivity,
    "handle": handle,
    "frozen": frozen,
    "history": history,
    "export": export,
}
"""Picture -> how the window comes to show it, in this order."""


def position(vector: np.ndarray) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def wait(condition: Callable[[], bool], what: str) -> None:
    """Let the window live until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE:.0f} s in vain for {what}")
        QTest.qWait(20)


def others(window: QWidget) -> list[QWidget]:
    """Dialogs over the window."""
    found = QApplication.topLevelWidgets()
    return [other for other in found if other is not window and other.isVisible() and other.width() > 60]


def save(window: QWidget, name: str) -> None:
    """The window with everything over it, as it stands on the screen."""
    screen = window.screen()
    picture = screen.grabWindow(window.winId()).toImage().convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    for other in others(window):
        corner = other.mapToGlobal(QPoint(0, 0)) - window.mapToGlobal(QPoint(0, 0))
        painter.drawPixmap(corner, other.grab())
        painter.drawRect(QRect(corner, other.size()))
    painter.end()
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = IMAGES / f"{name}.png"
    picture.save(str(path))
    print(path.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
