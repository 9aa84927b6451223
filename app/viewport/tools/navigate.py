"""Turning and shifting the view; what every other tool does beside the geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.viewport.tools.clip import DraggingClip, clip_grip_at
from app.viewport.tools.dragging import Dragging, Orbiting, Panning, Pointer
from app.viewport.tools.handle_drag import DraggingHandle
from app.viewport.tools.placed import DraggingPlaced, placed_grip_at
from app.viewport.tools.swipe import DraggingDivider, on_divider

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class NavigateTool:
    """Left turns, right or middle (or Shift+left) pans, a double click on the geometry sets the rotation centre."""

    cursor = Qt.CursorShape.ArrowCursor

    def press(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        if button == Qt.MouseButton.LeftButton:
            return self._take_hold(view, pointer, button) or self.press_left(view, pointer, button)
        if button == Qt.MouseButton.MiddleButton:
            return Panning(pointer, button)
        if button == Qt.MouseButton.RightButton:
            return self.press_right(pointer, button)
        return None

    def _take_hold(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        """What lies over the geometry and can be dragged in every tool."""
        if on_divider(view, pointer):
            return DraggingDivider(pointer, button)
        grip = clip_grip_at(view, pointer.x, pointer.y)
        if grip is not None:
            return DraggingClip(view, pointer, button, grip)
        handle = view.handle_at(pointer.x, pointer.y)
        if handle is not None:
            return DraggingHandle(view, pointer, button, handle)
        placed = placed_grip_at(view, pointer.x, pointer.y)
        return None if placed is None else DraggingPlaced(view, pointer, button, placed)

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        return Panning(pointer, button) if pointer.shift else Orbiting(pointer, button)

    def press_right(self, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Panning(pointer, button)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        handle = view.handle_at(pointer.x, pointer.y)
        name = None if handle is None else handle.name
        held = clip_grip_at(view, pointer.x, pointer.y) or placed_grip_at(view, pointer.x, pointer.y)
        grip = "" if held is None else held.name
        if (name, grip) != (view.state.hovered, view.state.grip):
            view.state.hovered, view.state.grip = name, grip
            view.refresh()
