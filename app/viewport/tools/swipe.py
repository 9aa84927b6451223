"""The divider between two compared surfaces, dragged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.viewport.tools.dragging import Dragging, Pointer

if TYPE_CHECKING:
    from app.viewport.view import Viewport

REACH = 6.0
"""[pixels] beside the divider that still take hold of it."""


def on_divider(view: Viewport, pointer: Pointer) -> bool:
    comparison = view.scene.comparison
    if comparison is None or comparison.mode != "swipe":
        return False
    return abs(pointer.x - comparison.swipe * view.width()) <= REACH


class DraggingDivider(Dragging):
    def move(self, view: Viewport, pointer: Pointer) -> None:
        view.set_swipe(float(np.clip(pointer.x / max(view.width(), 1), 0.02, 0.98)))

    def cancel(self, view: Viewport) -> None:
        view.set_swipe(self.start.x / max(view.width(), 1))
