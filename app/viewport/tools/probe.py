"""Keeping a place on the surface in sight, with what is predicted there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.viewport.records import triple
from app.viewport.tools.dragging import Clicking, Dragging, Pointer
from app.viewport.tools.navigate import NavigateTool

if TYPE_CHECKING:
    from app.viewport.view import Viewport


class ProbeTool(NavigateTool):
    """A click on the Run's surface keeps a probe there; a drag turns the view."""

    cursor = Qt.CursorShape.CrossCursor

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Clicking(pointer, button, self._click)

    def _click(self, view: Viewport, pointer: Pointer) -> None:
        hit = view.eye.pick_surface(pointer.x, pointer.y)
        view.state.hint = "" if hit is not None else view.tr("Click on the surface")
        view.refresh()
        if hit is not None:
            view.probe_placed.emit(triple(hit.position))
