"""Painting what shall stay as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import Triple, triple
from app.viewport.tools.dragging import Dragging, Orbiting, Pointer
from app.viewport.tools.handle import HandleTool

if TYPE_CHECKING:
    from app.viewport.picking import Hit
    from app.viewport.view import Viewport

STAMP_SPACING = 0.35
"""Distance between stamps of a stroke, in brush radii."""


class Stroke:
    """Places along a surface, evenly spaced whatever the speed of the hand.

    pick : the surface under a pixel; radius : of the brush [mm]
    """

    def __init__(self, pick: Callable[[float, float], Hit | None], radius: float, first: np.ndarray) -> None:
        self.radius = radius
        self._pick = pick
        self._stamp = first

    def stamps(self, view: Viewport, last: Pointer, pointer: Pointer) -> list[Triple]:
        """New centres [mm, world] on the way from one pixel to another; leaves the brush where it ends."""
        found = []
        # At least every few pixels, so that a quick stroke leaves no gaps.
        steps = int(np.clip(np.ceil(pointer.away_from(last) / 5.0), 1, 60))
        for step in range(1, steps + 1):
            share = step / steps
            hit = self._pick(last.x + share * (pointer.x - last.x), last.y + share * (pointer.y - last.y))
            if hit is not None and np.linalg.norm(hit.position - self._stamp) >= STAMP_SPACING * self.radius:
                self._stamp = hit.position
                found.append(triple(hit.position))
            show_brush(view, hit)
        return found


class Painting(Dragging):
    """Stamps along the Run's surface. Shift thaws."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, first: np.ndarray) -> None:
        super().__init__(pointer, button)
        self._freeze = not pointer.shift
        self._stroke = Stroke(view.eye.pick_surface, view.brush_radius, first)
        view.painted.emit([triple(first)], self._stroke.radius, self._freeze)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        stamps = self._stroke.stamps(view, self.last, pointer)
        self.last = pointer
        view.state.removes = not self._freeze
        view.refresh()
        if stamps:
            view.painted.emit(stamps, self._stroke.radius, self._freeze)


class BrushTool(HandleTool):
    """A drag on the Run's surface paints what shall stay as it is; Shift thaws."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        hit = view.eye.pick_surface(pointer.x, pointer.y)
        return Orbiting(pointer, button) if hit is None else Painting(view, pointer, button, hit.position)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        show_brush(view, view.eye.pick_surface(pointer.x, pointer.y))
        view.state.removes = pointer.shift
        view.refresh()


def show_brush(view: Viewport, hit: Hit | None) -> None:
    """Let the brush lie where it would paint; nowhere beside the surface."""
    view.state.brush_at = None if hit is None else hit.position
    view.state.brush_normal = None if hit is None else hit.normal
