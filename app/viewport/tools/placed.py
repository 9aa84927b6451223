"""Arrows and planes of Terms, dragged: an arrow turns about its foot, a plane moves along its normal too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import PlacedView, triple
from app.viewport.tools.clip import REACH
from app.viewport.tools.dragging import Dragging, Pointer, along_line

if TYPE_CHECKING:
    from app.viewport.view import Viewport

SNAP = np.concatenate([np.eye(3), -np.eye(3)])
"""Directions that an arrow takes while Ctrl or Alt is held."""


@dataclass(frozen=True)
class PlacedGrip:
    """Where an arrow or a plane is held: its `tip`, which turns it, or its `middle`, which shifts a plane."""

    of: PlacedView
    part: str
    foot: np.ndarray
    place: np.ndarray

    @property
    def name(self) -> str:
        """As the state of the tools knows it."""
        return f"{self.part} of {self.of.name}"


def arrow(view: Viewport, placed: PlacedView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Foot and tip [mm] of an arrow of a plane or a direction, and its unit direction, each (3,).

    The foot is in the middle of all that there is to see, dropped onto the plane of a plane; the arrow is as long as
    0.42 of the diagonal, so that it looks out of what it is about and stays in the view.
    """
    box = view.bounds()
    low, high = box if box is not None else np.array([[-1.0] * 3, [1.0] * 3])
    size = float(np.linalg.norm(high - low)) or 1.0
    foot = (low + high) / 2.0
    direction = np.asarray(placed.direction, np.float64)
    direction = direction / (np.linalg.norm(direction) or 1.0)
    if placed.point is not None:
        foot = foot - direction * float(np.dot(foot - np.asarray(placed.point), direction))
    return foot, foot + 0.42 * size * direction, direction


def placed_grips(view: Viewport) -> list[PlacedGrip]:
    """Of all arrows and planes that are shown."""
    found = []
    for placed in view.placed:
        foot, tip, _ = arrow(view, placed)
        found.append(PlacedGrip(placed, "tip", foot, tip))
        if placed.point is not None:
            found.append(PlacedGrip(placed, "middle", foot, foot))
    return found


def placed_grip_at(view: Viewport, x: float, y: float) -> PlacedGrip | None:
    """The grip under a pixel."""
    best, found = REACH, None
    for grip in placed_grips(view):
        px, py, depth = view.eye.project(grip.place)[0]
        away = float(np.hypot(px - x, py - y))
        if depth > 0 and away < best:
            best, found = away, grip
    return found


class DraggingPlaced(Dragging):
    """Tells where the arrow or the plane is all along; Escape puts it back, Ctrl or Alt keeps an arrow on an axis."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, grip: PlacedGrip) -> None:
        super().__init__(pointer, button)
        self._grip = grip
        self._axis = arrow(view, grip.of)[2]
        self._held = along_line(grip.foot, self._axis, *view.eye.sight(pointer.x, pointer.y))
        self._moved = False
        view.state.grip = grip.name
        view.handle_selected.emit(grip.of.name)

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = True
        self._tell(view, pointer, False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if self._moved:
            self._tell(view, pointer, True)

    def cancel(self, view: Viewport) -> None:
        if not self._moved:
            return
        placed = self._grip.of
        before = placed.direction if self._grip.part == "tip" else placed.point
        view.term_placed.emit(placed.name, self._parameter, before, True)

    @property
    def _parameter(self) -> str:
        if self._grip.part == "middle":
            return "point"
        return "direction" if self._grip.of.point is None else "normal"

    def _tell(self, view: Viewport, pointer: Pointer, ended: bool) -> None:
        sight = view.eye.sight(pointer.x, pointer.y)
        if self._grip.part == "middle":
            way = along_line(self._grip.foot, self._axis, *sight) - self._held
            value = self._grip.foot + way * self._axis
        else:
            value = _turned(self._grip, *sight)
            if pointer.control:
                value = SNAP[int((SNAP @ value).argmax())]
        view.term_placed.emit(self._grip.of.name, self._parameter, triple(value), ended)


def _turned(grip: PlacedGrip, start: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Unit direction from the foot to where a line of sight meets the sphere that the tip is on, on the side on which
    the tip was; beside the sphere, to its rim."""
    radius = float(np.linalg.norm(grip.place - grip.foot))
    ahead = ahead / np.linalg.norm(ahead)
    along = float(np.dot(grip.foot - start, ahead))
    nearest = start + along * ahead - grip.foot
    depth = radius**2 - float(nearest @ nearest)
    if depth > 0.0:
        side = 1.0 if float(np.dot(grip.place - grip.foot, ahead)) > 0.0 else -1.0
        nearest = nearest + side * np.sqrt(depth) * ahead
    size = float(np.linalg.norm(nearest))
    return nearest / size if size > 0.0 else (grip.place - grip.foot) / radius
