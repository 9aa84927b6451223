"""How the viewport is looked through: tool, colours, projection. Remembered here, so that menus can show it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.document.topic import Topic

if TYPE_CHECKING:
    from app.viewport.records import MeasureKind, SelectMode, Tool, View
    from app.viewport.view import Viewport
    from engine.geometry.selection import Profile

SENSITIVITY = "sensitivity"
"""Values by which the result of an optimising study may be coloured."""

BODY = "body:"
"""With which the name begins, under which the viewport knows a body of a scene that is not simulated yet."""

RESULT = "result"
"""Name under which panels and viewport know the Run's surface."""


class Viewing:
    """What actions ask of the viewport; with none there yet, it is remembered until one comes. The topic `recoloured`
    tells of other colours, or of other ends of their bar.

    changed : called when what menus show has changed
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self.viewport: Viewport | None = None
        self.colouring = "plain"
        self.range_locked = False
        self.wireframe = False
        self.perspective = True
        self.tool: Tool = "navigate"
        self.select_mode: SelectMode = "brush"
        self.select_through = False
        self.select_profile: Profile = "constant"
        self.measure_kind: MeasureKind = "distance"
        self._changed = changed
        self._fixed: tuple[float, float] | None = None
        self.recoloured = Topic()

    def set_viewport(self, viewport: Viewport) -> None:
        self.viewport = viewport
        viewport.tool_changed.connect(self._tool_changed)
        viewport.set_measure_kind(self.measure_kind)
        self._tell_selecting()

    def frame(self, name: str | None) -> None:
        """Let an object, or everything, fill the view."""
        if self.viewport is not None:
            self.viewport.frame(name)

    def begin_anew(self) -> None:
        """All that was shown is gone: no tool is at it, and what is shown next fills the view."""
        if self.viewport is not None:
            self.viewport.set_tool("navigate")
            self.viewport.frame_next()

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

    @property
    def sensitivity(self) -> bool:
        """The surface is coloured by the sensitivity of the total loss."""
        return self.colouring == SENSITIVITY

    def toggle_sensitivity(self) -> None:
        """Colour the surface by the sensitivity of the total loss, or plainly."""
        self.colour_by("plain" if self.sensitivity else SENSITIVITY)

    def colour_by(self, name: str) -> None:
        """Colour the surface by the values of this name, or "plain"."""
        self.range_locked = self.range_locked and name == self.colouring
        self._fixed = self._fixed if self.range_locked else None
        self.colouring = name
        self._colour()

    def has_values(self, name: str) -> bool:
        """The surface that is shown has values of this name."""
        return self.viewport is not None and name in self.viewport.value_names

    def toggle_range_lock(self) -> None:
        """Keep the ends of the colour bar where they are now."""
        self.range_locked, self._fixed = not self.range_locked, None
        self._colour()

    def fix_range(self, limits: tuple[float, float]) -> None:
        """Let the ends of the colour bar be these."""
        self.range_locked, self._fixed = True, limits
        self._colour()

    def set_tool(self, tool: Tool) -> None:
        if self.viewport is not None:
            self.viewport.set_tool(tool)

    def select_by(self, mode: SelectMode) -> None:
        """Take the selection tool, in one of its modes."""
        self.select_mode = mode
        self._tell_selecting()
        self.set_tool("select")

    def toggle_select_through(self) -> None:
        """Box and lasso also take what is hidden, or not."""
        self.select_through = not self.select_through
        self._tell_selecting()

    def set_select_profile(self, profile: Profile) -> None:
        """How the brush of the selection tool fades towards its rim."""
        self.select_profile = profile
        self._tell_selecting()

    def measure(self, kind: MeasureKind) -> None:
        """Take the measure tool, for a distance, an angle or a thickness."""
        self.measure_kind = kind
        if self.viewport is not None:
            self.viewport.set_measure_kind(kind)
        self.set_tool("measure")
        self._changed()

    def frame_selection(self) -> None:
        """Let what is selected fill the view."""
        if self.viewport is not None:
            self.viewport.frame_selection()

    def leave_tool(self) -> None:
        """Give up the drag or the tool; the run goes on."""
        if self.viewport is not None:
            self.viewport.leave_tool()

    def _tell_selecting(self) -> None:
        if self.viewport is not None:
            self.viewport.set_selecting(mode=self.select_mode, through=self.select_through, profile=self.select_profile)
        self._changed()

    def _colour(self) -> None:
        if self.viewport is not None:
            locked = (self._fixed or self.viewport.colour_range) if self.range_locked else None
            self.viewport.set_colouring(self.colouring, locked_range=locked)
        self.recoloured()

    def _tool_changed(self, tool: Tool) -> None:
        self.tool = tool
        self._changed()
