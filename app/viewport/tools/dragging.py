"""A press under way, and the two that move the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QSinglePointEvent

if TYPE_CHECKING:
    from app.viewport.view import Viewport

CLICK_SLACK = 4.0
"""Pixels that a press may move and still be a click."""


@dataclass(frozen=True)
class Pointer:
    """The mouse in the widget's pixels (x right, y down), and the keys held with it. control : Ctrl or Alt"""

    x: float
    y: float
    shift: bool = False
    control: bool = False

    @staticmethod
    def of(event: QSinglePointEvent) -> Pointer:
        keys, at = event.modifiers(), event.position()
        modifier = Qt.KeyboardModifier
        control = bool(keys & (modifier.ControlModifier | modifier.AltModifier))
        return Pointer(at.x(), at.y(), bool(keys & modifier.ShiftModifier), control)

    def away_from(self, other: Pointer) -> float:
        return float(np.hypot(self.x - other.x, self.y - other.y))


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

    def __init__(self, pointer: Pointer, button: Qt.MouseButton, click: Callable[[Viewport, Pointer], None]) -> None:
        super().__init__(pointer, button)
        self._click = click
        self._moved = False

    def move(self, view: Viewport, pointer: Pointer) -> None:
        self._moved = self._moved or pointer.away_from(self.start) > CLICK_SLACK
        if self._moved:
            super().move(view, pointer)

    def release(self, view: Viewport, pointer: Pointer) -> None:
        if not self._moved:
            self._click(view, pointer)


def along_line(origin: np.ndarray, axis: np.ndarray, start: np.ndarray, direction: np.ndarray) -> float:
    """Where along a line (unit axis) it comes nearest to another line."""
    offset = origin - start
    dot = float(np.dot(axis, direction))
    denominator = max(1.0 - dot * dot, 1e-4)
    return float((dot * np.dot(direction, offset) - np.dot(axis, offset)) / denominator)
