"""Pulling at a body of a simulation while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import BodyVertex, triple
from app.viewport.tools.dragging import Dragging, Orbiting, Pointer
from app.viewport.tools.navigate import NavigateTool

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class PullTool(NavigateTool):
    """A press on a body takes hold of its nearest vertex, and dragging pulls it along the plane of the view. A drag
    that begins beside all bodies turns the view."""

    cursor = Qt.CursorShape.OpenHandCursor

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        hit = view.eye.pick_surface(pointer.x, pointer.y)
        held = None if hit is None else view.scene.surface.body_vertex_near(hit.position)
        return Orbiting(pointer, button) if held is None else Pulling(view, pointer, button, held)

    def press_right(self, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Orbiting(pointer, button)


class Pulling(Dragging):
    """Tells the targets as they come; None lets go."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, held: BodyVertex) -> None:
        super().__init__(pointer, button)
        self._held = held
        self._from = view.scene.surface.position_of(held)
        self._plane = view.eye.ahead
        self._grip = self._on_plane(view, pointer) - self._from
        view.setCursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        target = self._on_plane(view, pointer) - self._grip
        view.state.pull, view.state.hint = (self._held, target), ""
        view.refresh()
        view.pulled.emit(self._held.body, self._held.vertex, triple(target))

    def release(self, view: Viewport, pointer: Pointer) -> None:
        self.cancel(view)

    def cancel(self, view: Viewport) -> None:
        if view.state.pull is not None or view.state.hint:
            view.pulled.emit(self._held.body, self._held.vertex, None)
        view.state.pull, view.state.hint = None, ""
        view.setCursor(PullTool.cursor)

    def _on_plane(self, view: Viewport, pointer: Pointer) -> np.ndarray:
        """Where the line of sight meets the plane of the view through the vertex."""
        start, direction = view.eye.sight(pointer.x, pointer.y)
        depth = float(np.dot(self._from - start, self._plane) / np.dot(direction, self._plane))
        return np.asarray(start + direction * depth)
