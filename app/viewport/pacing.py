"""How often and how finely the picture is drawn, so that the window stays quick."""

from __future__ import annotations

FRAME_SECONDS = 1 / 60
DRAWING_SECONDS = 0.024
"""A drawing that takes longer on software OpenGL is made with fewer pixels; the view is sharp again once it rests."""

COARSEST = 0.5
STEP = 0.125


class Pacing:
    """Follows what drawings cost.

    software : OpenGL runs on the processor, where pixels cost time
    scale : drawn pixels per pixel of the screen, in [0.5, 1]
    """

    def __init__(self, *, software: bool) -> None:
        self.scale = 1.0
        self._software = software
        self._drawing = 0.0
        self._preparing = 0.0
        self._last_end = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next drawing may begin: at most 60 a second, and at most two thirds of the time."""
        cost = self._drawing + self._preparing
        rest = max(FRAME_SECONDS - cost, 0.5 * cost)
        return max(0.0, self._last_end + rest - now)

    def prepared(self, seconds: float) -> None:
        """A Snapshot was made ready for drawing."""
        self._preparing = 0.7 * self._preparing + 0.3 * seconds

    def drawn(self, seconds: float, now: float) -> None:
        """A drawing ended."""
        self._last_end = now
        self._drawing = 0.7 * self._drawing + 0.3 * seconds
        if not self._software:
            return
        # In steps, and with a gap between up and down: a new size makes OpenGL's buffers anew.
        if self._drawing > DRAWING_SECONDS and self.scale > COARSEST:
            self.scale = max(COARSEST, self.scale - STEP)
            self._drawing *= 0.8
        elif self._drawing < 0.45 * DRAWING_SECONDS and self.scale < 1.0:
            self.scale = min(1.0, self.scale + STEP)
            self._drawing *= 1.2

    def rested(self, now: float) -> None:
        """A drawing of the resting view ended: it says nothing of what moving ones cost."""
        self._last_end = now
