"""When the scene is drawn on its canvas: once a frame, calmly while a Run sends Snapshots, finely once it rests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QWidget

from app.viewport.canvas import STILL_SAMPLES, Canvas
from app.viewport.memory import return_freed_memory
from app.viewport.pacing import Pacing

if TYPE_CHECKING:
    from app.viewport.scene import Scene

STILL_AFTER = 350
"""[ms] without a drawing, until one with smooth edges follows."""

TRIM_SECONDS = 10.0
"""Between two times that memory is given back, while something is drawn."""

RUN_RESTS_AFTER = 1.5
"""[s] without a Snapshot, until a Run counts as resting."""


class Drawing(QObject):
    """Draws `scene` on the canvas that `make` makes, when asked for.

    busy : says that a drag is under way; drawn_over : called with every drawing, to repaint what lies over it
    content_shown : called once, when the first thing that there is to see has been drawn
    """

    def __init__(
        self,
        view: QWidget,
        scene: Scene,
        make: Callable[[QWidget, Callable[[float], None]], Canvas],
        *,
        software: bool,
        busy: Callable[[], bool],
        drawn_over: Callable[[], None],
        content_shown: Callable[[], None],
    ) -> None:
        super().__init__(view)
        self.canvas = make(view, self._drawn)
        self.canvas.render_window.AddRenderer(scene.renderer)
        self._view = view
        self._scene = scene
        self._busy = busy
        self._drawn_over = drawn_over
        self._content_shown: Callable[[], None] | None = content_shown
        self._pacing = Pacing(software=software)
        self._timer = single_shot(self, self._now)
        self._still_timer = single_shot(self, self._still)
        self._prepared = False
        self._is_still = False
        self._last_snapshot: float | None = None
        self._stopped = False
        self._software = software
        self._next_trim = time.monotonic() + 1.0

    def soon(self) -> None:
        """Draw; many calls before the next frame are one frame."""
        if not self._stopped and not self._timer.isActive():
            self._timer.start(round(1000 * self._pacing.wait(time.monotonic())))

    def snapshot_came(self, *, running: bool) -> None:
        """Whether a Run is sending Snapshots, or this was its last for now."""
        self._last_snapshot = time.monotonic() if running else None

    def stop(self) -> None:
        """Draw no more and release OpenGL's objects; idempotent."""
        self._stopped = True
        self._timer.stop()
        self._still_timer.stop()
        self.canvas.shut_down()

    @Slot()
    def _now(self) -> None:
        begin = time.monotonic()
        if not self._prepared and self._scene.take():
            self._pacing.prepared(time.monotonic() - begin)
            # The drawing waits for the next turn of the event loop: two short delays instead of a long one.
            self._prepared = True
            self._timer.start(0)
            return
        self._prepared = False
        self._request(self._pacing.scale, 0)
        self._is_still = False
        self._still_timer.start(STILL_AFTER)
        if self._scene.waiting:
            self.soon()

    @Slot()
    def _still(self) -> None:
        # Not while a Run sends pictures, however slowly: smooth edges take several times as long.
        if self._last_snapshot is not None and time.monotonic() - self._last_snapshot < RUN_RESTS_AFTER:
            self._still_timer.start(1000)
        elif not self._busy():
            self._request(1.0, STILL_SAMPLES)
            self._is_still = True

    def _request(self, scale: float, samples: int) -> None:
        self._scene.set_pixel_scale(self._view.devicePixelRatioF() * scale)
        self._scene.renderer.ResetCameraClippingRange()
        self.canvas.request(scale=scale, samples=samples)
        self._drawn_over()

    def _drawn(self, seconds: float) -> None:
        if self._content_shown is not None and self._scene.bounds() is not None:
            tell, self._content_shown = self._content_shown, None
            QTimer.singleShot(0, self, tell)
        if self._is_still:
            self._pacing.rested(time.monotonic())
        else:
            self._pacing.drawn(seconds, time.monotonic())
        if self._software and time.monotonic() > self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            QTimer.singleShot(0, self, return_freed_memory)


def single_shot(owner: QObject, slot: Callable[[], None]) -> QTimer:
    """A timer that calls `slot` once, when it is started."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(slot)
    return timer
