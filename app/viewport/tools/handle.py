"""Placing handles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.viewport.records import triple
from app.viewport.tools.dragging import Dragging, Orbiting, Pointer
from app.viewport.tools.handle_drag import PlacingHandle
from app.viewport.tools.navigate import NavigateTool

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class HandleTool(NavigateTool):
    """A press on the geometry places a handle, and drags it at once; a press on a handle drags that one. A drag that
    begins beside the geometry turns the view."""

    cursor = Qt.CursorShape.CrossCursor

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        hit = view.eye.pick_surface(pointer.x, pointer.y) or view.eye.pick(pointer.x, pointer.y)
        if hit is None:
            return Orbiting(pointer, button)
        place = triple(hit.position)
        view.handle_placed.emit(place)
        # Who was told shows the new handle at once, or did not want it.
        handle = next((handle for handle in view.handles if handle.anchor == place), None)
        return None if handle is None else PlacingHandle(view, pointer, button, handle)

    def press_right(self, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Orbiting(pointer, button)
