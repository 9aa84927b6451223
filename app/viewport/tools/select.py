"""Selecting: by a click, a box, a lasso, a brush, or a distance along the surface.

Shift adds to what is selected; Ctrl or Alt takes away. A brush always adds: one lifts it between strokes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import SURFACE, SelectionGesture, SelectMode, SelectOperation, triple
from app.viewport.tools.brush import Stroke, show_brush
from app.viewport.tools.dragging import CLICK_SLACK, Clicking, Dragging, Orbiting, Pointer
from app.viewport.tools.handle import HandleTool
from engine.geometry.selection import inside_polygon

if TYPE_CHECKING:
    from app.viewport.picking import Hit
    from app.viewport.view import Viewport

PROBES = 9
"""Lines of sight along each side of an outline, that find out what it is drawn around."""


class SelectTool(HandleTool):
    """What a press does is the mode's; beside the geometry, and with the right button, a drag turns the view."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        mode = view.state.select_mode
        if mode in ("click", "connected"):
            return Clicking(pointer, button, _click)
        if mode in ("box", "lasso"):
            return Outlining(pointer, button, mode)
        hit = pick_target(view, pointer.x, pointer.y, view.state.select_target)
        if hit is None:
            return Orbiting(pointer, button)
        return (Brushing if mode == "brush" else Widening)(view, pointer, button, hit)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        super().hover(view, pointer)
        if view.state.select_mode == "brush":
            show_brush(view, pick_target(view, pointer.x, pointer.y, view.state.select_target))
            view.state.removes = pointer.control
            view.refresh()


class RegionTool(HandleTool):
    """A drag paints the region of a Term of one kind; Ctrl takes away."""

    def __init__(self, term: str) -> None:
        self._term = term

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        hit = pick_target(view, pointer.x, pointer.y, "")
        return Orbiting(pointer, button) if hit is None else Brushing(view, pointer, button, hit, term=self._term)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        show_brush(view, pick_target(view, pointer.x, pointer.y, ""))
        view.state.removes = pointer.control
        view.refresh()


def pick_target(view: Viewport, x: float, y: float, target: str) -> Hit | None:
    """What is under a pixel: of the object that one selects on, or of whatever comes first. Of two surfaces that are
    compared none is the Run's present one, which selections on the result are about."""
    hit = view.eye.pick_on(target, x, y) if target else view.eye.pick(x, y)
    if hit is not None and hit.name == SURFACE and view.scene.comparison is not None:
        view.state.hint = view.tr("Leave the comparison to select")
        return None
    view.state.hint = ""
    return hit


class Brushing(Dragging):
    """Tells the stamps of a stroke as they come; the last gesture of a stroke has `ended`."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, hit: Hit, *, term: str = "") -> None:
        super().__init__(pointer, button)
        self._of = hit.name
        self._term = term
        self._operation: SelectOperation = "subtract" if pointer.control else "add"
        self._stroke = Stroke(lambda x, y: view.eye.pick_on(self._of, x, y), view.brush_radius, hit.position)
        self._tell(view, [triple(hit.position)])

    def move(self, view: Viewport, pointer: Pointer) -> None:
        stamps = self._stroke.stamps(view, self.last, pointer)
        self.last = pointer
        view.refresh()
        if stamps:
            self._tell(view, stamps)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        self._tell(view, [], ended=True)

    def cancel(self, view: Viewport) -> None:
        self._tell(view, [], cancelled=True)

    def _tell(
        self, view: Viewport, stamps: list[tuple[float, float, float]], *, ended: bool = False, cancelled: bool = False
    ) -> None:
        places = np.array(stamps, np.float64).reshape(-1, 3)
        radius, profile = self._stroke.radius, view.state.select_profile
        view.selected.emit(
            SelectionGesture(
                self._of, "brush", self._operation, places, radius, profile, None, ended, cancelled, self._term
            )
        )


class Widening(Dragging):
    """A press marks a point, and dragging away from it widens what is selected around it, along the surface."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, hit: Hit) -> None:
        super().__init__(pointer, button)
        self._hit = hit
        self._operation = _operation(pointer)
        self._step = view.eye.pixel_size(hit.position)
        self._told = False

    def move(self, view: Viewport, pointer: Pointer) -> None:
        if pointer.away_from(self.start) > CLICK_SLACK or self._told:
            self._tell(view, pointer)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if self._told:
            self._tell(view, pointer, ended=True)
        view.state.circle = None

    def cancel(self, view: Viewport) -> None:
        if self._told:
            self._tell(view, self.start, cancelled=True)
        view.state.circle = None

    def _tell(self, view: Viewport, pointer: Pointer, *, ended: bool = False, cancelled: bool = False) -> None:
        self._told = True
        radius = pointer.away_from(self.start) * self._step
        view.state.circle = self._hit.position, self._hit.normal, radius
        view.refresh()
        view.selected.emit(
            SelectionGesture(
                self._hit.name, "geodesic", self._operation, self._hit.position[None], radius,
                view.state.select_profile, None, ended, cancelled,
            )
        )  # fmt: skip


class Outlining(Dragging):
    """A box from corner to corner, or a line around what is wanted."""

    def __init__(self, pointer: Pointer, button: Qt.MouseButton, mode: SelectMode) -> None:
        super().__init__(pointer, button)
        self._mode = mode
        self._line = [(pointer.x, pointer.y)]

    def move(self, view: Viewport, pointer: Pointer) -> None:
        if self._mode == "box":
            (x, y), (u, v) = (self.start.x, self.start.y), (pointer.x, pointer.y)
            self._line = [(x, y), (u, y), (u, v), (x, v)]
        elif pointer.away_from(self.last) >= 2.0:
            self._line.append((pointer.x, pointer.y))
            self.last = pointer
        view.state.outline = np.array(self._line)
        view.refresh()

    def release(self, view: Viewport, pointer: Pointer) -> None:
        view.state.outline = None
        polygon = np.array(self._line)
        if pointer.away_from(self.start) <= CLICK_SLACK and len(polygon) < 4:
            _click(view, pointer)
            return
        if len(polygon) < 3:
            return
        of = view.state.select_target or _drawn_around(view, polygon)
        if not of:
            view.state.hint = view.state.hint or view.tr("Nothing to select there")
            view.refresh()
            return
        outline = view.eye.outline(polygon, through=view.state.select_through)
        places = np.empty((0, 3))
        view.selected.emit(SelectionGesture(of, self._mode, _operation(self.start), places, outline=outline))

    def cancel(self, view: Viewport) -> None:
        view.state.outline = None


def _click(view: Viewport, pointer: Pointer) -> None:
    hit = pick_target(view, pointer.x, pointer.y, view.state.select_target)
    mode: SelectMode = "connected" if view.state.select_mode == "connected" else "click"
    of = view.state.select_target if hit is None else hit.name
    places = np.empty((0, 3)) if hit is None else hit.position[None]
    view.selected.emit(SelectionGesture(of, mode, _operation(pointer), places))


def _operation(pointer: Pointer) -> SelectOperation:
    if pointer.control:
        return "subtract"
    return "add" if pointer.shift else "replace"


def _drawn_around(view: Viewport, polygon: np.ndarray) -> str:
    """What most lines of sight through an outline hit first; "" where there is nothing."""
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    shares = (np.arange(PROBES) + 0.5) / PROBES
    grid = np.stack(np.meshgrid(*(low + shares[:, None] * (high - low)).T), axis=-1).reshape(-1, 2)
    hits = [pick_target(view, float(x), float(y), "") for x, y in grid[inside_polygon(grid, polygon)]]
    names = [hit.name for hit in hits if hit is not None]
    return max(set(names), key=names.count) if names else ""
