"""Clip plane and box, dragged: the plane along its normal, a face of the box along its axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.document.project import Clip
from app.viewport.records import triple
from app.viewport.tools.dragging import Dragging, Pointer, along_line

if TYPE_CHECKING:
    from app.viewport.view import Viewport

REACH = 10.0
"""[pixels] around a grip that still take hold of it."""

ARROW = 56.0
"""[pixels] from a plane to its grip."""


@dataclass(frozen=True)
class Grip:
    """Where a clip is held: at `place`, to be moved along `axis` (unit). name : "plane", or a face as "x-" or "z+".
    foot : where the arrow of a plane starts"""

    name: str
    place: np.ndarray
    axis: np.ndarray
    foot: np.ndarray


def clip_grips(view: Viewport) -> list[Grip]:
    """The grips of the clip that is shown; positions are [mm, world]."""
    clip = view.clip
    if clip is None or not clip.enabled:
        return []
    if clip.kind == "plane":
        normal = np.asarray(clip.normal, np.float64)
        normal = normal / (np.linalg.norm(normal) or 1.0)
        foot = np.asarray(clip.origin, np.float64)
        return [Grip("plane", foot + normal * ARROW * view.eye.pixel_size(foot), normal, foot)]
    low, high = np.asarray(clip.bounds, np.float64)
    grips = []
    for axis, letter in enumerate("xyz"):
        for sign, end in (("-", low), ("+", high)):
            place = (low + high) / 2.0
            place[axis] = end[axis]
            grips.append(Grip(letter + sign, place, np.eye(3)[axis], place))
    return grips


def clip_grip_at(view: Viewport, x: float, y: float) -> Grip | None:
    """The grip under a pixel."""
    best, found = REACH, None
    for grip in clip_grips(view):
        px, py, depth = view.eye.project(grip.place)[0]
        away = float(np.hypot(px - x, py - y))
        if depth > 0 and away < best:
            best, found = away, grip
    return found


class DraggingClip(Dragging):
    """Tells where the clip is all along; Escape puts it back."""

    def __init__(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton, grip: Grip) -> None:
        super().__init__(pointer, button)
        assert view.clip is not None
        self._grip = grip
        self._from: Clip = view.clip
        self._held = self._along(view, pointer)
        self._moved = False

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = True
        self._tell(view, self._shifted(self._along(view, pointer) - self._held), False)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        view.state.dragged = None
        if self._moved:
            self._tell(view, self._shifted(self._along(view, pointer) - self._held), True)
        view.state.dragged = None

    def cancel(self, view: Viewport) -> None:
        if self._moved:
            self._tell(view, self._from, True)
        view.state.dragged = None

    def _tell(self, view: Viewport, clip: Clip, ended: bool) -> None:
        view.set_clip(clip)
        view.clip_dragged.emit(clip, ended)

    def _along(self, view: Viewport, pointer: Pointer) -> float:
        return along_line(self._grip.place, self._grip.axis, *view.eye.sight(pointer.x, pointer.y))

    def _shifted(self, way: float) -> Clip:
        clip = self._from
        if clip.kind == "plane":
            return replace(clip, origin=triple(np.asarray(clip.origin) + way * self._grip.axis))
        bounds = np.array(clip.bounds, np.float64)
        axis, end = "xyz".index(self._grip.name[0]), int(self._grip.name[1] == "+")
        bounds[end, axis] += way
        # A face stops before the one across.
        least = 1e-3 * float(np.abs(bounds[1] - bounds[0]).max())
        if end:
            bounds[1, axis] = max(bounds[1, axis], bounds[0, axis] + least)
        else:
            bounds[0, axis] = min(bounds[0, axis], bounds[1, axis] - least)
        return replace(clip, bounds=(triple(bounds[0]), triple(bounds[1])))
