"""Moving, turning and scaling an object by its gizmo. Ctrl or Alt goes in steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.document.placement import Placement
from app.viewport.gizmo import RING, Part, gizmo_centre, gizmo_part_at, moved, scaled, turned
from app.viewport.tools.dragging import Clicking, Dragging, Pointer, along_line
from app.viewport.tools.handle import HandleTool

if TYPE_CHECKING:
    from app.viewport.view import Viewport

TURN_STEP = 15.0
"""[degrees]"""

SCALE_STEP = 0.1


class MoveTool(HandleTool):
    """A press on the gizmo drags it; a click on another object asks for the gizmo there."""

    cursor = Qt.CursorShape.ArrowCursor

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        part = gizmo_part_at(view, pointer.x, pointer.y)
        if part is None:
            return Clicking(pointer, button, _choose)
        return DRAGGINGS[part.kind](view, pointer, button, part)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        super().hover(view, pointer)
        part = gizmo_part_at(view, pointer.x, pointer.y)
        name = view.state.grip if part is None else part.name
        if name != view.state.grip:
            view.state.grip = name
            view.refresh()


class DraggingGizmo(Dragging):
    """Tells where the object stands all along; Escape puts it back."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, part: Part) -> None:
        super().__init__(pointer, button)
        centre = gizmo_centre(view)
        assert centre is not None and view.gizmo
        self.part = part
        self.centre = centre
        self.axis = np.eye(3)[part.axis]
        self._name = view.gizmo
        self._from = view.placement_of(self._name)
        self._moved = False

    def change(self, view: Viewport, pointer: Pointer, before: Placement) -> tuple[Placement, str]:
        """Where the object then stands, and what that is, in words."""
        raise NotImplementedError

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = True
        placement, words = self.change(view, pointer, self._from)
        view.state.dragged = self.part.name, words, self.centre
        self._tell(view, placement, False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if self._moved:
            self._tell(view, self.change(view, pointer, self._from)[0], True)
        view.state.dragged = None

    def cancel(self, view: Viewport) -> None:
        if self._moved:
            self._tell(view, self._from, True)
        view.state.dragged = None

    def _tell(self, view: Viewport, placement: Placement, ended: bool) -> None:
        view.set_placement(self._name, placement)
        view.placement_dragged.emit(self._name, placement, ended)


class MovingAlong(DraggingGizmo):
    def change(self, view: Viewport, pointer: Pointer, before: Placement) -> tuple[Placement, str]:
        now = along_line(self.centre, self.axis, *view.eye.sight(pointer.x, pointer.y))
        then = along_line(self.centre, self.axis, *view.eye.sight(self.start.x, self.start.y))
        way = _stepped(now - then, _length_step(view, self.centre)) if pointer.control else now - then
        return moved(before, way * self.axis), f"{'XYZ'[self.part.axis]} {way:+.4g} mm"


class MovingIn(DraggingGizmo):
    def change(self, view: Viewport, pointer: Pointer, before: Placement) -> tuple[Placement, str]:
        way = on_plane(view, pointer, self.centre, self.axis) - on_plane(view, self.start, self.centre, self.axis)
        if pointer.control:
            step = _length_step(view, self.centre)
            way = np.array([_stepped(part, step) for part in way])
        words = "  ".join(
            f"{letter} {part:+.4g}" for letter, part, axis in zip("XYZ", way, range(3), strict=True)
            if axis != self.part.axis
        )  # fmt: skip
        return moved(before, way), f"{words} mm"


class Turning(DraggingGizmo):
    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, part: Part) -> None:
        super().__init__(view, pointer, button, part)
        self._angle = 0.0

    def change(self, view: Viewport, pointer: Pointer, before: Placement) -> tuple[Placement, str]:
        # Step by step, so that more than half a turn is one.
        self._angle += self._between(view, self.last, pointer)
        self.last = pointer
        degrees = float(np.degrees(self._angle))
        degrees = _stepped(degrees, TURN_STEP) if pointer.control else degrees
        words = f"{'XYZ'[self.part.axis]} {degrees:+.1f}°"
        return turned(before, self.centre, self.part.axis, float(np.radians(degrees))), words

    def _between(self, view: Viewport, last: Pointer, pointer: Pointer) -> float:
        """Angle [rad] about the axis from one pixel to another."""
        towards = float(np.dot(view.eye.sight(*view.eye.project(self.centre)[0, :2])[1], self.axis))
        if abs(towards) < 0.25:
            # The ring is seen from its edge, as a line: along it, a radius is a radian.
            middle = view.eye.project(self.centre)[0, :2]
            tip = view.eye.project(self.centre + self.axis * 40.0 * view.eye.pixel_size(self.centre))[0, :2]
            across = np.array([middle[1] - tip[1], tip[0] - middle[0]])
            across = across / (np.linalg.norm(across) or 1.0)
            return float(np.dot(across, (pointer.x - last.x, pointer.y - last.y))) / RING
        one = on_plane(view, last, self.centre, self.axis) - self.centre
        other = on_plane(view, pointer, self.centre, self.axis) - self.centre
        return float(np.arctan2(np.dot(np.cross(one, other), self.axis), np.dot(one, other)))


class Scaling(DraggingGizmo):
    def change(self, view: Viewport, pointer: Pointer, before: Placement) -> tuple[Placement, str]:
        middle = view.eye.project(self.centre)[0, :2]
        now = np.hypot(pointer.x - middle[0], pointer.y - middle[1])
        then = np.hypot(self.start.x - middle[0], self.start.y - middle[1])
        factor = float(now / max(then, 1.0))
        factor = max(_stepped(factor, SCALE_STEP) if pointer.control else factor, 0.01)
        return scaled(before, self.centre, factor), f"× {factor:.3f}"


DRAGGINGS: dict[str, type[DraggingGizmo]] = {
    "arrow": MovingAlong,
    "square": MovingIn,
    "ring": Turning,
    "scale": Scaling,
}


def on_plane(view: Viewport, pointer: Pointer, origin: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Where a line of sight meets a plane [mm, world]."""
    start, direction = view.eye.sight(pointer.x, pointer.y)
    slope = float(np.dot(direction, normal))
    slope = slope if abs(slope) > 1e-3 else 1e-3
    return start + direction * float(np.dot(origin - start, normal) / slope)


def _choose(view: Viewport, pointer: Pointer) -> None:
    hit = view.eye.pick(pointer.x, pointer.y)
    if hit is not None and hit.name in view.scene.objects:
        view.object_picked.emit(hit.name)


def _stepped(value: float, step: float) -> float:
    return float(np.round(value / step) * step)


def _length_step(view: Viewport, at: np.ndarray) -> float:
    """A power of ten [mm] that is some ten pixels."""
    return float(10.0 ** np.round(np.log10(10.0 * view.eye.pixel_size(at))))
