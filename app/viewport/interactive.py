"""Mouse, wheel, keys and drops over the viewport, given to its tools and its camera.

The widget takes every event itself; the canvas below it only draws. So both back-ends behave alike, and tools see
press, move and release, which VTK's interactor styles would keep to themselves during a drag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.viewport.drawing import single_shot
from app.viewport.records import BRUSHES, MeasureKind, SelectMode, Tool
from app.viewport.tools.dragging import Dragging, Pointer
from app.viewport.tools.staging import close_outline
from app.viewport.tools.state import ToolState
from app.viewport.tools.table import TOOLS
from engine.geometry.selection import Profile

if TYPE_CHECKING:
    from app.viewport.view import Viewport

KEY_STEP = 24.0
"""[pixels] of a drag that an arrow key turns the view by."""

PROBE_AFTER = 80
"""[ms] that the pointer rests, until what lies under it is told."""


class InteractiveView(QWidget):
    """What of the `Viewport` hears the person in front of it."""

    point_probed = Signal(tuple, object)  # position [mm] (empty: nothing there), value under the pointer or None
    tool_changed = Signal(str)
    brush_radius_changed = Signal(float)  # [mm]
    files_dropped = Signal(list)  # list of str

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("3D view"))
        self.setAccessibleDescription(
            self.tr("Arrow keys turn the view, plus and minus zoom, F frames everything, Escape leaves the tool.")
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.state = ToolState()
        self._dragging: Dragging | None = None
        self._pointer: Pointer | None = None
        self._focus_shown = False
        self._probe_timer = single_shot(self, self._probe)

    def set_tool(self, tool: Tool) -> None:
        if tool == self.state.tool:
            return
        dragging, self._dragging = self._dragging, None
        if dragging is not None:
            dragging.cancel(self._view)
        self.state.leave()
        self.state.tool = tool
        self.setCursor(TOOLS[tool].cursor)
        self._view.refresh()
        self.tool_changed.emit(tool)

    def set_selecting(
        self,
        *,
        mode: SelectMode | None = None,
        through: bool | None = None,
        profile: Profile | None = None,
        target: str | None = None,
    ) -> None:
        """How the selection tool selects: by what, also what is hidden (box and lasso), how the brush fades towards its
        rim, and on which object ("": on what is hit first)."""
        state = self.state
        state.select_mode = state.select_mode if mode is None else mode
        state.select_through = state.select_through if through is None else through
        state.select_profile = state.select_profile if profile is None else profile
        state.select_target = state.select_target if target is None else target
        self._view.refresh()

    def set_measure_kind(self, kind: MeasureKind) -> None:
        """What the clicks of the measure tool measure."""
        self.state.measure_kind = kind
        self.state.measure, self.state.measure_to = [], None
        self._view.refresh()

    def set_brush_radius(self, radius: float) -> None:
        """[mm]"""
        if radius > 0.0 and radius != self.state.brush_radius:
            self.state.brush_radius = float(radius)
            self._view.refresh()
            self.brush_radius_changed.emit(self.state.brush_radius)

    @property
    def brush_radius(self) -> float:
        """[mm]; until one is set, a twentieth of the diagonal of what there is to see."""
        if self.state.brush_radius is not None:
            return self.state.brush_radius
        box = self._view.scene.bounds()
        return 1.0 if box is None else float(np.linalg.norm(box[1] - box[0])) / 20.0

    def leave_tool(self) -> None:
        """Give up the drag under way; without one, go back to navigating."""
        dragging, self._dragging = self._dragging, None
        if dragging is not None:
            dragging.cancel(self._view)
            self._view.refresh()
        elif self.state.measure or self.state.corners:
            self.state.measure, self.state.measure_to = [], None
            self.state.corners, self.state.polyline_closes = [], False
            self._view.refresh()
        else:
            self.set_tool("navigate")

    @property
    def dragging(self) -> bool:
        """A press is under way."""
        return self._dragging is not None

    @property
    def focus_shown(self) -> bool:
        return self._focus_shown

    @property
    def pointer(self) -> Pointer | None:
        """Where the mouse is, while it is over the view."""
        return self._pointer

    @property
    def _paints(self) -> bool:
        """The tool has a brush, whose radius the wheel and the brackets change."""
        return self.state.tool in BRUSHES or (self.state.tool == "select" and self.state.select_mode == "brush")

    @property
    def _view(self) -> Viewport:
        return cast("Viewport", self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._focus_shown = False
        self._pointer = Pointer.of(event)
        if self._dragging is None:
            self._dragging = TOOLS[self.state.tool].press(self._view, self._pointer, event.button())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = Pointer.of(event)
        if self.state.probed is not None:
            self.state.probed = None
            self._view.refresh()
        if self._dragging is not None:
            self._dragging.move(self._view, self._pointer)
        else:
            TOOLS[self.state.tool].hover(self._view, self._pointer)
            if not self._probe_timer.isActive():
                self._probe_timer.start(PROBE_AFTER)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pointer = Pointer.of(event)
        dragging = self._dragging
        if dragging is not None and dragging.button == event.button():
            self._dragging = None
            dragging.release(self._view, self._pointer)
            self._view.refresh()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        hit = self._view.eye.pick(at.x(), at.y()) if event.button() == Qt.MouseButton.LeftButton else None
        if hit is None or self.state.tool != "navigate":
            self.mousePressEvent(event)
            return
        self._view.eye.turn_about(hit.position)
        self._view.flash(hit.position)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120.0
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self._paints:
            self.set_brush_radius(self.brush_radius * 1.12**steps)
        elif steps:
            self._view.eye.zoom(1.15**steps, (event.position().x(), event.position().y()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, step = event.key(), KEY_STEP
        keys = Qt.Key
        if key in (keys.Key_Left, keys.Key_Right):
            self._view.eye.orbit(step if key == keys.Key_Right else -step, 0.0)
        elif key in (keys.Key_Up, keys.Key_Down):
            self._view.eye.orbit(0.0, step if key == keys.Key_Up else -step)
        elif key in (keys.Key_Plus, keys.Key_Equal, keys.Key_Minus):
            self._view.eye.zoom(1 / 1.15 if key == keys.Key_Minus else 1.15)
        elif key == keys.Key_F:
            self._view.frame()
        elif key in (keys.Key_BracketLeft, keys.Key_BracketRight) and self._paints:
            self.set_brush_radius(self.brush_radius * (1.12 if key == keys.Key_BracketRight else 1 / 1.12))
        elif key in (keys.Key_Return, keys.Key_Enter) and self.state.corners:
            close_outline(self._view)
        elif key == keys.Key_Escape and (self._dragging is not None or self.state.tool != "navigate"):
            self.leave_tool()
        else:
            event.ignore()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._pointer = None
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self._view.refresh()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # As elsewhere on the desktop: the frame shows for who comes by keyboard.
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._focus_shown = event.reason() in reasons
        self._view.refresh()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._focus_shown = False
        self._view.refresh()
        super().focusOutEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    @Slot()
    def _probe(self) -> None:
        view = self._view
        if not view.alive or self._pointer is None or self._dragging is not None:
            return
        hit = view.eye.pick(self._pointer.x, self._pointer.y)
        self.state.probed = None if hit is None else hit.value
        self.state.probed_band = None if hit is None else hit.band
        view.refresh()
        if hit is None:
            self.point_probed.emit((), None)
        else:
            self.point_probed.emit(tuple(map(float, hit.position)), hit.value)
