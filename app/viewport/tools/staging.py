"""Making a scene by hand: painting pins, drawing creases on a sheet, and the outline of a new sheet on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import triple
from app.viewport.tools.brush import Stroke, show_brush
from app.viewport.tools.dragging import CLICK_SLACK, Clicking, Dragging, Orbiting, Pointer
from app.viewport.tools.handle import HandleTool
from app.viewport.viewing import BODY

if TYPE_CHECKING:
    from app.viewport.picking import Hit
    from app.viewport.view import Viewport

CLOSES = 12.0
"""[pixels] from the first point of an outline within which a click closes it."""

STRAIGHT = 0.01
"""Part of a crease's length by which a point may lie beside the line through its neighbours and be left out."""


class PinTool(HandleTool):
    """A drag on a body holds what lies under the brush; Shift lets go."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        hit = pick_body(view, pointer)
        return Orbiting(pointer, button) if hit is None else PaintingPins(view, pointer, button, hit)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        show_brush(view, pick_body(view, pointer))
        view.state.removes = pointer.shift
        view.refresh()


class PaintingPins(Dragging):
    """Tells the stamps of a stroke as they come; Escape ends it where it is, and undo takes it back whole."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, hit: Hit) -> None:
        super().__init__(pointer, button)
        self._name = hit.name
        self._adds = not pointer.shift
        self._stroke = Stroke(lambda x, y: view.eye.pick_on(self._name, x, y), view.brush_radius, hit.position)
        self._tell(view, [triple(hit.position)], ended=False)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        stamps = self._stroke.stamps(view, self.last, pointer)
        self.last = pointer
        view.state.removes = not self._adds
        view.refresh()
        if stamps:
            self._tell(view, stamps, ended=False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        self._tell(view, [], ended=True)

    def cancel(self, view: Viewport) -> None:
        self._tell(view, [], ended=True)

    def _tell(self, view: Viewport, stamps: list[tuple[float, float, float]], *, ended: bool) -> None:
        view.pin_painted.emit(self._name.removeprefix(BODY), stamps, self._stroke.radius, self._adds, ended)


class CreaseTool(HandleTool):
    """A drag on a sheet draws a crease from where it begins to where it ends."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        hit = pick_body(view, pointer)
        return Orbiting(pointer, button) if hit is None else DrawingCrease(pointer, button, hit)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        super().hover(view, pointer)
        pick_body(view, pointer)
        view.refresh()


class DrawingCrease(Dragging):
    """Follows the surface between the two ends, as it is seen."""

    def __init__(self, pointer: Pointer, button: Qt.MouseButton, hit: Hit) -> None:
        super().__init__(pointer, button)
        self._name = hit.name
        self._line = hit.position[None]

    def move(self, view: Viewport, pointer: Pointer) -> None:
        line = self._along(view, pointer)
        if len(line) > 1:
            self._line = line
        view.state.polyline = self._line
        view.refresh()

    def release(self, view: Viewport, pointer: Pointer) -> None:
        view.state.polyline = None
        if pointer.away_from(self.start) > CLICK_SLACK and len(self._line) > 1:
            line = [triple(point) for point in simplified(self._line)]
            view.crease_drawn.emit(self._name.removeprefix(BODY), line)

    def cancel(self, view: Viewport) -> None:
        view.state.polyline = None

    def _along(self, view: Viewport, pointer: Pointer) -> np.ndarray:
        """Where the straight line on the screen lies on the body [mm, world], shape (k, 3)."""
        count = int(np.clip(pointer.away_from(self.start) / 12.0, 1, 40))
        places = []
        for share in np.linspace(0.0, 1.0, count + 1):
            x = self.start.x + share * (pointer.x - self.start.x)
            y = self.start.y + share * (pointer.y - self.start.y)
            hit = view.eye.pick_on(self._name, x, y)
            if hit is not None:
                places.append(hit.position)
        return np.array(places).reshape(-1, 3)


class OutlineTool(HandleTool):
    """Clicks on the ground draw the outline of a sheet; a click on the first point (or Return) closes it."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Clicking(pointer, button, _add_corner)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        view.state.polyline_to = on_ground(view, pointer)
        view.state.polyline_closes = closes(view, pointer)
        view.refresh()


def pick_body(view: Viewport, pointer: Pointer) -> Hit | None:
    """The body under the pointer; over anything else a hint says what to do."""
    hit = view.eye.pick(pointer.x, pointer.y)
    view.state.hint = ""
    if hit is None or hit.name.startswith(BODY):
        return hit
    view.state.hint = view.tr("Show the set-up to change it (View menu)")
    return None


def on_ground(view: Viewport, pointer: Pointer) -> np.ndarray | None:
    """Where the line of sight through the pointer meets the plane z = 0 [mm, world]; None where it does not."""
    start, direction = view.eye.sight(pointer.x, pointer.y)
    if abs(direction[2]) < 1e-6:
        return None
    distance = -start[2] / direction[2]
    place = start + distance * direction
    place[2] = 0.0
    return place if distance > 0.0 else None


def closes(view: Viewport, pointer: Pointer) -> bool:
    """A click here would close the outline."""
    if len(view.state.corners) < 3:
        return False
    x, y, depth = view.eye.project(view.state.corners[0])[0]
    return bool(depth > 0 and np.hypot(x - pointer.x, y - pointer.y) <= CLOSES)


def close_outline(view: Viewport) -> None:
    """End the outline under way; with fewer than three corners there is none."""
    corners, view.state.corners = view.state.corners, []
    view.state.polyline_to, view.state.polyline_closes = None, False
    if len(corners) >= 3:
        view.outline_drawn.emit([triple(corner) for corner in corners])
    view.refresh()


def simplified(line: np.ndarray) -> np.ndarray:
    """The line (k, 3) without points that lie on the straight line through their neighbours, or nearly so."""
    length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    kept = [0]
    for index in range(2, len(line)):
        start, end = line[kept[-1]], line[index]
        way = (end - start) / max(float(np.linalg.norm(end - start)), 1e-12)
        between = line[kept[-1] + 1 : index] - start
        beside = np.linalg.norm(between - np.outer(between @ way, way), axis=1)
        if beside.max() > STRAIGHT * length:
            kept.append(index - 1)
    return line[[*kept, len(line) - 1]]


def _add_corner(view: Viewport, pointer: Pointer) -> None:
    if closes(view, pointer):
        close_outline(view)
        return
    place = on_ground(view, pointer)
    if place is None:
        view.state.hint = view.tr("The ground is not seen there")
    else:
        view.state.hint = ""
        view.state.corners.append(place)
    view.refresh()
