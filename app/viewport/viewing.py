"""How the viewport is looked through: tool, colours, projection. Remembered here, so that menus can show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.viewport.records import Tool, View
    from app.viewport.view import Viewport

RESULT = "result"
"""Name under which panels and viewport know the Run's surface."""


class Viewing:
    """What actions ask of the viewport; with none there yet, it is remembered until one comes.

    changed : called when what menus show has changed
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self.viewport: Viewport | None = None
        self.sensitivity = False
        self.range_locked = False
        self.wireframe = False
        self.perspective = True
        self.tool: Tool = "navigate"
        self._changed = changed

    def set_viewport(self, viewport: Viewport) -> None:
        self.viewport = viewport
        viewport.tool_changed.connect(self._tool_changed)

    def frame(self, name: str | None) -> None:
        """Let an object, or everything, fill the view."""
        if self.viewport is not None:
            self.viewport.frame(name)

    def look(self, view: View) -> None:
        if self.viewport is not None:
            self.viewport.look(view)

    def toggle_perspective(self) -> None:
        self.perspective = not self.perspective
        if self.viewport is not None:
            self.viewport.set_perspective(self.perspective)

    def toggle_wireframe(self) -> None:
        self.wireframe = not self.wireframe
        if self.viewport is not None:
            self.viewport.set_wireframe(self.wireframe)

    def toggle_sensitivity(self) -> None:
        """Colour the surface by the sensitivity of the total loss, or plainly."""
        self.sensitivity = not self.sensitivity
        self.range_locked = self.range_locked and self.sensitivity
        self._colour()

    def toggle_range_lock(self) -> None:
        """Keep the ends of the colour bar where they are now."""
        self.range_locked = not self.range_locked
        self._colour()

    def set_tool(self, tool: Tool) -> None:
        if self.viewport is not None:
            self.viewport.set_tool(tool)

    def leave_tool(self) -> None:
        """Give up the drag or the tool; the run goes on."""
        if self.viewport is not None:
            self.viewport.leave_tool()

    def _colour(self) -> None:
        if self.viewport is not None:
            locked = self.viewport.colour_range if self.range_locked else None
            self.viewport.set_colouring("sensitivity" if self.sensitivity else "plain", locked_range=locked)

    def _tool_changed(self, tool: Tool) -> None:
        self.tool = tool
        self._changed()
