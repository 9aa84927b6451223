"""A handle under the pointer, dragged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import HandleView, triple
from app.viewport.tools.dragging import CLICK_SLACK, Dragging, Pointer, along_line

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class DraggingHandle(Dragging):
    """Moves a handle in the plane of the view, or along the surface's normal while Ctrl or Alt is held."""

    slack = 1.0
    """Pixels that the press may move before the handle follows."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, handle: HandleView) -> None:
        super().__init__(pointer, button)
        self._name = handle.name
        self._from = np.asarray(handle.target, np.float64)
        self._plane = view.eye.ahead
        self._normal = view.scene.normal_near(np.asarray(handle.anchor, np.float64))
        self._grip = self._on_plane(view, pointer) - self._from
        self._moved = False
        view.state.held, view.state.ghost, view.state.held_at = handle.name, self._from, self._from
        view.handle_selected.emit(handle.name)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = self._moved or pointer.away_from(self.start) > self.slack
        if not self._moved:
            return
        target = self._on_plane(view, pointer) - self._grip
        if pointer.control and self._normal is not None:
            target = self._along_normal(view, pointer)
        self._show(view, target)
        view.handle_moved.emit(self._name, triple(target), False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if self._moved:
            self.move(view, pointer)
            if view.state.held_at is not None:
                view.handle_moved.emit(self._name, triple(view.state.held_at), True)
        self._let_go(view)

    def cancel(self, view: Viewport) -> None:
        if self._moved:
            view.handle_moved.emit(self._name, triple(self._from), True)
        self._let_go(view)

    def _show(self, view: Viewport, target: np.ndarray) -> None:
        view.state.held_at = target
        view.refresh()

    def _let_go(self, view: Viewport) -> None:
        view.state.held = view.state.ghost = view.state.held_at = None

    def _on_plane(self, view: Viewport, pointer: Pointer) -> np.ndarray:
        start, direction = view.eye.sight(pointer.x, pointer.y)
        depth = float(np.dot(self._from - start, self._plane) / np.dot(direction, self._plane))
        return start + direction * depth

    def _along_normal(self, view: Viewport, pointer: Pointer) -> np.ndarray:
        """The point of the line through the start along the normal that lies nearest to the line of sight."""
        assert self._normal is not None
        start, direction = view.eye.sight(pointer.x, pointer.y)
        grip_start, grip_direction = view.eye.sight(self.start.x, self.start.y)
        now = along_line(self._from, self._normal, start, direction)
        then = along_line(self._from, self._normal, grip_start, grip_direction)
        return self._from + self._normal * (now - then)


class PlacingHandle(DraggingHandle):
    """Drags a handle that the same press has placed: it follows only once the press is more than a click."""

    slack = CLICK_SLACK

    def cancel(self, view: Viewport) -> None:
        self._let_go(view)
        view.handle_withdrawn.emit(self._name)
