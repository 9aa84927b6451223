"""Measuring by clicks: a distance, an angle, the thickness of a wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from app.viewport.records import MeasureKind, triple
from app.viewport.tools.dragging import Clicking, Dragging, Pointer
from app.viewport.tools.handle import HandleTool

if TYPE_CHECKING:
    from app.viewport.picking import Hit
    from app.viewport.view import Viewport

CLICKS: dict[MeasureKind, int] = {"distance": 2, "angle": 3, "thickness": 1}


class MeasureTool(HandleTool):
    """Two clicks give a distance, three the angle at the second, one the thickness of the wall that it hits."""

    def press_left(self, view: Viewport, pointer: Pointer, button: Qt.MouseButton) -> Dragging:
        return Clicking(pointer, button, self._click)

    def hover(self, view: Viewport, pointer: Pointer) -> None:
        state = view.state
        if state.measure:
            hit = view.eye.pick(pointer.x, pointer.y)
            state.measure_to = None if hit is None else hit.position
            view.refresh()

    def _click(self, view: Viewport, pointer: Pointer) -> None:
        state = view.state
        state.hint = ""
        hit = view.eye.pick(pointer.x, pointer.y)
        view.refresh()
        if hit is None:
            return
        state.measure, state.measure_to = [*state.measure, hit.position], None
        if state.measure_kind == "thickness":
            across = opposite(view, hit)
            if across is None:
                state.measure = []
                state.hint = view.tr("No opposite wall here")
                return
            state.measure.append(across)
        elif len(state.measure) < CLICKS[state.measure_kind]:
            return
        points, state.measure = state.measure, []
        view.measured.emit(state.measure_kind, [triple(point) for point in points], measure(points))


def measure(points: list[np.ndarray]) -> float:
    """Distance between two points [mm], or the angle at the second of three [degrees]."""
    if len(points) == 2:
        return float(np.linalg.norm(points[1] - points[0]))
    one, other = points[0] - points[1], points[2] - points[1]
    # By arc tangent: exact for small and for straight angles, where the cosine is flat.
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), np.dot(one, other))))


def opposite(view: Viewport, hit: Hit) -> np.ndarray | None:
    """Where a line from a place on a mesh, straight inwards, comes out of the wall again."""
    _, sight = view.eye.sight(*view.eye.project(hit.position)[0, :2])
    inwards = -hit.normal if np.dot(hit.normal, sight) < 0 else hit.normal
    box = view.scene.bounds()
    size = 1.0 if box is None else float(np.linalg.norm(box[1] - box[0]))
    through = view.scene.meet_mesh(hit.name, hit.position + inwards * 1e-5 * size, inwards)
    return None if through is None else through.position
