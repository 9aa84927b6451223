"""What the mouse does: navigate, place and drag handles, paint, measure. Shared by both back-ends.

A press starts a `Dragging`, which then gets every move and the release. In every tool the wheel zooms, the middle
button pans, and a drag that begins beside the geometry turns the view.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QSinglePointEvent

if TYPE_CHECKING:
    from app.viewport.view import HandleView, Viewport

CLICK_SLACK = 4.0
"""Pixels that a press may move and still be a click."""

STAMP_SPACING = 0.35
"""Distance between stamps of a stroke, in brush radii."""


@dataclass(frozen=True)
class Pointer:
    """The mouse in the widget's pixels (x right, y down), and the keys held with it."""

    x: float
    y: float
    shift: bool = False
    along_normal: bool = False

    @staticmethod
    def of(event: QSinglePointEvent) -> Pointer:
        keys, at = event.modifiers(), event.position()
        modifier = Qt.KeyboardModifier
        along = bool(keys & (modifier.ControlModifier | modifier.AltModifier))
        return Pointer(at.x(), at.y(), bool(keys & modifier.ShiftModifier), along)

    def away_from(self, other: Pointer) -> float:
        return float(np.hypot(self.x - other.x, self.y - other.y))


@dataclass
class ToolState:
    """What the tools leave to be drawn. Positions are [mm, world].

    held : name of the handle being dragged, ghost : where it was, held_at : where it is
    brush_at, brush_normal : where the brush would paint
    measure : none, one or two clicked points; measure_to : where the second one would be
    """

    tool: str = "navigate"
    brush_radius: float | None = None
    held: str | None = None
    ghost: np.ndarray | None = None
    held_at: np.ndarray | None = None
    hovered: str | None = None
    brush_at: np.ndarray | None = None
    brush_normal: np.ndarray | None = None
    thaw: bool = False
    measure: list[np.ndarray] = field(default_factory=list)
    measure_to: np.ndarray | None = None
    pivot: np.ndarray | None = None
    pivot_until: float = 0.0

    def leave(self) -> None:
        """Forget what belongs to the tool that is left."""
        self.held = self.ghost = self.held_at = self.hovered = None
        self.brush_at = self.brush_normal = self.measure_to = None
        self.measure = []

    def flash_pivot(self, at: np.ndarray) -> None:
        self.pivot, self.pivot_until = at, time.monotonic() + 0.8


class Dragging:
    """A press under way."""

    def __init__(self, pointer: Pointer, button: Qt.MouseButton) -> None:
        self.button = button
        self.start = self.last = pointer

    def move(self, view: Viewport, pointer: Pointer) -> None:
        raise NotImplementedError

    def release(self, view: Viewport, pointer: Pointer) -> None:
        """The button is up."""

    def cancel(self, view: Viewport) -> None:
        """Escape: leave all as it was before the press."""


class Orbiting(Dragging):
    def move(self, view: Viewport, pointer: Pointer) -> None:
        view.eye.orbit(pointer.x - self.last.x, self.last.y - pointer.y)
        self.last = pointer


class Panning(Dragging):
    def move(self, view: Viewport, pointer: Pointer) -> None:
        view.eye.pan(pointer.x - self.last.x, self.last.y - pointer.y)
        self.last = pointer


class Clicking(Orbiting):
    """Turns the view when the press moves, and calls the tool when it does not."""

    def __init__(self, pointer: Pointer, button: Qt.MouseButton, tool: NavigateTool) -> None:
        super().__init__(pointer, button)
        self._tool = tool
        self._moved = False

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = self._moved or pointer.away_from(self.start) > CLICK_SLACK
        if self._moved:
            super().move(view, pointer)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if not self._moved:
            self._tool.click(view, pointer)


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
        if pointer.along_normal and self._normal is not None:
            target = self._along_normal(view, pointer)
        self._show(view, target)
        view.handle_moved.emit(self._name, _triple(target), False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        target = view.state.held_at
        if self._moved and target is not None:
            self.move(view, pointer)
            view.handle_moved.emit(self._name, _triple(view.state.held_at), True)
        self._let_go(view)

    def cancel(self, view: Viewport) -> None:
        if self._moved:
            view.handle_moved.emit(self._name, _triple(self._from), True)
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
        now = _along(self._from, self._normal, start, direction)
        then = _along(self._from, self._normal, grip_start, grip_direction)
        return self._from + self._normal * (now - then)


class PlacingHandle(DraggingHandle):
    """Drags a handle that the same press has placed: it follows only once the press is more than a click."""

    slack = CLICK_SLACK

    def cancel(self, view: Viewport) -> None:
        self._let_go(view)
        view.handle_withdrawn.emit(self._name)


class Painting(Dragging):
    """Stamps along the surface, evenly spaced whatever the speed of the hand. Shift thaws."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, first: np.ndarray) -> None:
        super().__init__(pointer, button)
        self._radius = view.brush_radius
        self._freeze = not pointer.shift
        self._stamp = first
        view.painted.emit([_triple(first)], self._radius, self._freeze)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        stamps = []
        # At least every few pixels, so that a quick stroke leaves no gaps.
        steps = int(np.clip(np.ceil(pointer.away_from(self.last) / 5.0), 1, 60))
        for step in range(1, steps + 1):
            share = step / steps
            x = self.last.x + share * (pointer.x - self.last.x)
            y = self.last.y + share * (pointer.y - self.last.y)
            hit = view.eye.pick_surface(x, y)
            if hit is not None and np.linalg.norm(hit.position - self._stamp) >= STAMP_SPACING * self._radius:
                self._stamp = hit.position
                stamps.append(_triple(hit.position))
            view.state.brush_at = None if hit is None else hit.position
            view.state.brush_normal = None if hit is None else hit.normal
        self.last = pointer
        view.refresh()
        if stamps:
            view.painted.emit(stamps, self._radius, self._freeze)


class NavigateTool:
    """Left turns, right or middle (or Shift+left) pans, a double click on the geometry sets the rotation centre."""

    cursor = Qt.CursorShape.ArrowCursor

    def press(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        if button == Qt.MouseButton.LeftButton:
            handle = view.handle_at(pointer.x, pointer.y)
            if handle is not None:
                return DraggingHandle(view, pointer, button, handle)
            return self.press_left(view, pointer, button)
        if button == Qt.MouseButton.MiddleButton:
            return Panning(pointer, button)
        if button == Qt.MouseButton.RightButton:
            return self.press_right(pointer, button)
        return None

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        return Panning(pointer, button) if pointer.shift else Orbiting(pointer, button)

    def press_right(self, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Panning(pointer, button)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        handle = view.handle_at(pointer.x, pointer.y)
        name = None if handle is None else handle.name
        if name != view.state.hovered:
            view.state.hovered = name
            view.refresh()

    def click(self, view: Viewport, pointer: Pointer) -> None:
        """A press and release on one spot."""


class HandleTool(NavigateTool):
    """A press on the geometry places a handle, and drags it at once; a press on a handle drags that one. A drag that
    begins beside the geometry turns the view."""

    cursor = Qt.CursorShape.CrossCursor

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging | None:
        hit = view.eye.pick_surface(pointer.x, pointer.y) or view.eye.pick(pointer.x, pointer.y)
        if hit is None:
            return Orbiting(pointer, button)
        place = _triple(hit.position)
        view.handle_placed.emit(place)
        # Who was told shows the new handle at once, or did not want it.
        handle = next((handle for handle in view.handles if handle.anchor == place), None)
        return None if handle is None else PlacingHandle(view, pointer, button, handle)

    def press_right(self, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Orbiting(pointer, button)


class BrushTool(HandleTool):
    """A drag on the Run's surface paints what shall stay as it is; Shift thaws."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        hit = view.eye.pick_surface(pointer.x, pointer.y)
        return Orbiting(pointer, button) if hit is None else Painting(view, pointer, button, hit.position)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        hit = view.eye.pick_surface(pointer.x, pointer.y)
        view.state.brush_at = None if hit is None else hit.position
        view.state.brush_normal = None if hit is None else hit.normal
        view.state.thaw = pointer.shift
        view.refresh()


class MeasureTool(HandleTool):
    """Two clicks give the distance between two points."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Clicking(pointer, button, self)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        if len(view.state.measure) == 1:
            hit = view.eye.pick(pointer.x, pointer.y)
            view.state.measure_to = None if hit is None else hit.position
            view.refresh()

    def click(self, view: Viewport, pointer: Pointer) -> None:
        hit = view.eye.pick(pointer.x, pointer.y)
        if hit is None:
            return
        state = view.state
        state.measure = [*state.measure, hit.position] if len(state.measure) == 1 else [hit.position]
        state.measure_to = None
        view.refresh()
        if len(state.measure) == 2:
            view.measured.emit(float(np.linalg.norm(state.measure[1] - state.measure[0])))


TOOLS: dict[str, NavigateTool] = {
    "navigate": NavigateTool(),
    "handle": HandleTool(),
    "brush": BrushTool(),
    "measure": MeasureTool(),
}


def _along(origin: np.ndarray, axis: np.ndarray, start: np.ndarray, direction: np.ndarray) -> float:
    """Where along a line (unit axis) it comes nearest to another line."""
    offset = origin - start
    dot = float(np.dot(axis, direction))
    denominator = max(1.0 - dot * dot, 1e-4)
    return float((dot * np.dot(direction, offset) - np.dot(axis, offset)) / denominator)


def _triple(position: np.ndarray | None) -> tuple[float, float, float]:
    assert position is not None
    return float(position[0]), float(position[1]), float(position[2])
