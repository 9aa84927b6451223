"""What the window needs of a viewport, whichever back-end draws it.

Coordinates that cross this border are world millimetres (float64). The viewport itself draws relative to an origin.

The widget takes every mouse, wheel and key event itself; the canvas below it only draws. So both back-ends behave
alike, and tools see press, move and release, which VTK's interactor styles would keep to themselves during a drag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.viewport.canvas import CanvasMaker
from app.viewport.colours import DARK, LIGHT
from app.viewport.drawing import Drawing, single_shot
from app.viewport.eye import Eye
from app.viewport.overlay import Overlay, paint_overlay
from app.viewport.tools import TOOLS, Dragging, Pointer, ToolState
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.snapshot import Snapshot

if TYPE_CHECKING:
    from app.viewport.scene import Scene

Tool = Literal["navigate", "handle", "brush", "measure"]
Colouring = Literal["plain", "sensitivity"]
View = Literal["front", "back", "left", "right", "top", "bottom", "isometric"]

SOFTWARE_BUDGET = 20_000
"""Vertices of a mesh drawn at most on software OpenGL, so that the window stays quick."""

IDLE_START = 1200
"""[ms] after which a viewport that is not yet seen gets ready."""


@dataclass(frozen=True)
class HandleView:
    """A handle as drawn: its Term's name, where it is anchored and where it pulls to [mm], its radius [mm]."""

    name: str
    anchor: tuple[float, float, float]
    target: tuple[float, float, float]
    radius: float
    selected: bool = False


class Viewport(QWidget):
    """A view of the Document, on a canvas: `app.viewport.native.NativeViewport` (pyvistaqt's widget) or
    `app.viewport.image.ImageViewport` (an off-screen VTK window drawn as a QImage); see `app.viewport.create`.

    VTK is imported when the widget is first shown or given something to show, not when it is made.
    """

    handle_placed = Signal(tuple)  # (x, y, z) on the surface [mm]
    handle_withdrawn = Signal(str)  # name: Escape took it back while the press that placed it was still down
    handle_moved = Signal(str, tuple, bool)  # name, target [mm], True when the drag ended
    handle_selected = Signal(str)
    painted = Signal(list, float, bool)  # stamp centres [mm], radius [mm], freeze (False: thaw, with Shift)
    point_probed = Signal(tuple, object)  # position [mm] (empty: nothing there), value under the pointer or None
    measured = Signal(float)  # distance between two clicked points [mm]
    tool_changed = Signal(str)
    brush_radius_changed = Signal(float)  # [mm]
    files_dropped = Signal(list)  # list of str
    camera_changed = Signal()
    content_shown = Signal()  # once: the first thing that there is to see has been drawn

    backend: ClassVar[str] = ""

    def __init__(self, parent: QWidget | None = None, *, software: bool = True) -> None:
        """software : OpenGL runs on the processor: large meshes are drawn with fewer vertices."""
        super().__init__(parent)
        self.setObjectName("viewport")
        self.setAccessibleName("3D view")
        self.setAccessibleDescription(
            "Arrow keys turn the view, plus and minus zoom, F frames everything, Escape leaves the tool."
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setMinimumSize(160, 120)
        self.software = software
        self.theme = LIGHT
        self.state = ToolState()
        self.handles: list[HandleView] = []
        self._scene: Scene | None = None
        self._eye: Eye | None = None
        self._drawing: Drawing | None = None
        self._closed = False
        self._framed = False
        self._perspective = True
        self._dragging: Dragging | None = None
        self._pointer: Pointer | None = None
        self._focus_shown = False
        self._overlay = Overlay(self)
        # The rest of the window comes first: VTK is imported when nobody waits for it.
        QTimer.singleShot(IDLE_START, self, self._begin)
        self._probe_timer = single_shot(self, self._probe)

    # What is shown

    def show_object(
        self, name: str, geometry: Mesh | Points, *, colour: str, opacity: float = 1.0, visible: bool = True
    ) -> None:
        """Draw (or replace) an object of the Document; below full opacity it steps back behind the Run's surface."""
        self.scene.show_object(name, geometry, colour, opacity, visible)
        self._first_content()
        self.draw()

    def remove_object(self, name: str) -> None:
        if self._scene is not None:
            self._scene.remove_object(name)
            self.draw()

    def set_object_visible(self, name: str, visible: bool) -> None:
        """Show or hide an object; "result" is the Run's surface."""
        if self._scene is not None:
            self._scene.set_object_visible(name, visible)
            self.draw()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw the Run's surface, in place; topology may differ from the last one. Never moves the camera, unless
        it is the first thing that there is to see. Of several Snapshots before the next frame the latest is drawn."""
        self.scene.offer(snapshot)
        if self._drawing is not None:
            self._drawing.snapshot_came(running=snapshot.state == "running")
        if not self._framed:
            self.scene.take()
            self._first_content()
        self.draw()

    def clear_snapshot(self) -> None:
        if self._scene is not None:
            self._scene.clear_snapshot()
            self.draw()

    def set_colouring(self, colouring: Colouring, *, locked_range: tuple[float, float] | None = None) -> None:
        """Colour the Run's surface. `locked_range` fixes the colour bar's ends; without it they follow the data."""
        surface = self.scene.surface
        surface.colouring = colouring
        surface.range.locked = locked_range
        surface.recolour()
        self.draw()

    @property
    def colour_range(self) -> tuple[float, float]:
        """Ends of the colour bar, as they are now."""
        return self.scene.surface.range.limits

    def set_wireframe(self, wireframe: bool) -> None:
        """Draw the edges of the Run's surface."""
        self.scene.set_wireframe(wireframe)
        self.draw()

    def set_handles(self, handles: list[HandleView]) -> None:
        """Show these handles and no others. One that is being dragged stays where the pointer holds it."""
        self.handles = list(handles)
        self._overlay.update()

    def set_frozen(self, centres: np.ndarray, radii: np.ndarray) -> None:
        """Show what is frozen: stamp centres (n, 3) [mm] and radii (n,) [mm]."""
        if self._scene is None and not len(centres):
            return  # nothing is frozen: no reason to import VTK
        self.scene.surface.set_frozen(centres, radii)
        self.draw()

    def set_tool(self, tool: Tool) -> None:
        if tool == self.state.tool:
            return
        self._dragging = None
        self.state.leave()
        self.state.tool = tool
        self.setCursor(TOOLS[tool].cursor)
        self._overlay.update()
        self.tool_changed.emit(tool)

    def set_brush_radius(self, radius: float) -> None:
        """[mm]"""
        if radius > 0.0 and radius != self.state.brush_radius:
            self.state.brush_radius = float(radius)
            self._overlay.update()
            self.brush_radius_changed.emit(self.state.brush_radius)

    @property
    def brush_radius(self) -> float:
        """[mm]; until one is set, a twentieth of the diagonal of what there is to see."""
        if self.state.brush_radius is not None:
            return self.state.brush_radius
        box = self.scene.bounds()
        return 1.0 if box is None else float(np.linalg.norm(box[1] - box[0])) / 20.0

    def set_theme(self, *, dark: bool) -> None:
        self.theme = DARK if dark else LIGHT
        if self._scene is not None:
            self._scene.set_theme(self.theme)
            self.draw()

    # The camera

    def frame(self, name: str | None = None) -> None:
        """Move the camera so that an object (or everything) fills the view. "result" is the Run's surface."""
        self.eye.frame(name)

    def look(self, view: View) -> None:
        """Look along an axis, at what is looked at now."""
        self.eye.look(view)

    def show_place(self, place: tuple[float, float, float]) -> None:
        """Bring a position [mm, world] to the middle, near enough to see what is there, and mark it."""
        self.eye.visit(np.asarray(place, np.float64))
        self._flash(np.asarray(place, np.float64))

    def set_perspective(self, perspective: bool) -> None:
        """Perspective, or parallel lines of sight; what is in focus keeps its size."""
        self._perspective = perspective
        if self._eye is not None:
            self._eye.set_perspective(perspective)

    @property
    def perspective(self) -> bool:
        return self._perspective

    def picture(self, *, scale: int = 1, transparent: bool = False) -> QImage:
        """The view as an image, `scale` times as large as it is on the screen, legend and handles included."""
        scene, drawing = self.scene, self._drawing
        if drawing is None:
            return QImage()
        scene.take()
        drawing.canvas.sync()
        scene.set_pixel_scale(self.devicePixelRatioF() * scale)
        image = scene.picture(drawing.canvas.render_window, scale, transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(image.width() / max(self.width(), 1), image.height() / max(self.height(), 1))
        paint_overlay(painter, self, live=False)
        painter.end()
        self.draw()
        return image

    def shut_down(self) -> None:
        """Release VTK's objects; called by the window's closeEvent before the widget goes. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._probe_timer.stop()
        if self._drawing is not None:
            self._drawing.stop()

    # For tools and for the overlay

    @property
    def scene(self) -> Scene:
        """Everything that is drawn; made (and VTK imported) when first asked for."""
        if self._scene is None:
            self._begin()
        assert self._scene is not None
        return self._scene

    @property
    def eye(self) -> Eye:
        """Where one looks from."""
        if self._eye is None:
            self._begin()
        assert self._eye is not None
        return self._eye

    @property
    def begun(self) -> bool:
        return self._scene is not None

    def draw(self) -> None:
        """Draw soon; many calls before the next frame are one frame."""
        if self._drawing is not None:
            self._drawing.soon()

    def refresh(self) -> None:
        """Repaint what lies over the picture (handles, brush, labels): cheap, no 3D drawing."""
        self._overlay.update()

    def handle_at(self, x: float, y: float) -> HandleView | None:
        """The handle under a pixel."""
        best, found = 12.0, None
        for handle in self.handles:
            px, py, depth = self.eye.project(np.asarray(handle.target))[0]
            away = float(np.hypot(px - x, py - y))
            if depth > 0 and away < best:
                best, found = away, handle
        return found

    @property
    def focus_shown(self) -> bool:
        return self._focus_shown

    @property
    def pointer(self) -> Pointer | None:
        """Where the mouse is, while it is over the view."""
        return self._pointer

    # Qt's events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._focus_shown = False
        self._pointer = Pointer.of(event)
        if self._dragging is None:
            self._dragging = TOOLS[self.state.tool].press(self, self._pointer, event.button())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = Pointer.of(event)
        if self._dragging is not None:
            self._dragging.move(self, self._pointer)
        else:
            TOOLS[self.state.tool].hover(self, self._pointer)
            if not self._probe_timer.isActive():
                self._probe_timer.start(80)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pointer = Pointer.of(event)
        dragging = self._dragging
        if dragging is not None and dragging.button == event.button():
            self._dragging = None
            dragging.release(self, self._pointer)
            self.refresh()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        hit = self.eye.pick(at.x(), at.y()) if event.button() == Qt.MouseButton.LeftButton else None
        if hit is None or self.state.tool != "navigate":
            self.mousePressEvent(event)
            return
        self.eye.turn_about(hit.position)
        self._flash(hit.position)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120.0
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.state.tool == "brush":
            self.set_brush_radius(self.brush_radius * 1.12**steps)
        elif steps:
            self.eye.zoom(1.15**steps, (event.position().x(), event.position().y()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, step = event.key(), 24.0
        keys = Qt.Key
        if key in (keys.Key_Left, keys.Key_Right):
            self.eye.orbit(step if key == keys.Key_Right else -step, 0.0)
        elif key in (keys.Key_Up, keys.Key_Down):
            self.eye.orbit(0.0, step if key == keys.Key_Up else -step)
        elif key in (keys.Key_Plus, keys.Key_Equal, keys.Key_Minus):
            self.eye.zoom(1 / 1.15 if key == keys.Key_Minus else 1.15)
        elif key == keys.Key_F:
            self.frame()
        elif key in (keys.Key_BracketLeft, keys.Key_BracketRight) and self.state.tool == "brush":
            self.set_brush_radius(self.brush_radius * (1.12 if key == keys.Key_BracketRight else 1 / 1.12))
        elif key == keys.Key_Escape and (self._dragging is not None or self.state.tool != "navigate"):
            self.leave_tool()
        else:
            event.ignore()

    def leave_tool(self) -> None:
        """Give up the drag under way; without one, go back to navigating."""
        dragging, self._dragging = self._dragging, None
        if dragging is not None:
            dragging.cancel(self)
            self.refresh()
        else:
            self.set_tool("navigate")

    def enterEvent(self, event: QEnterEvent) -> None:
        self._pointer = None
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.refresh()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # As elsewhere on the desktop: the frame shows for who comes by keyboard.
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._focus_shown = event.reason() in reasons
        self.refresh()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._focus_shown = False
        self.refresh()
        super().focusOutEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._scene is None and not self._closed:
            QTimer.singleShot(0, self, self._begin)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._drawing is not None:
            self._drawing.canvas.setGeometry(self.rect())
        self._overlay.setGeometry(self.rect())
        if self._scene is not None:
            self.draw()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.shut_down()
        super().closeEvent(event)

    # Inner workings

    def make_canvas(self) -> CanvasMaker:
        """The class of this back-end's canvas."""
        raise NotImplementedError

    @Slot()
    def _begin(self) -> None:
        """Make scene and canvas; once shut down, a scene that nobody sees: late calls are harmless."""
        if self._scene is not None:
            return
        from app.viewport.scene import Scene

        self._scene = Scene(self.theme, SOFTWARE_BUDGET if self.software else None)
        self._eye = Eye(self._scene, lambda: (self.width(), self.height()), self._camera_moved)
        self._eye.set_perspective(self._perspective)
        if self._closed:
            return
        self._drawing = Drawing(
            self,
            self._scene,
            self.make_canvas(),
            software=self.software,
            busy=lambda: self._dragging is not None,
            drawn_over=self._overlay.update,
            content_shown=self.content_shown.emit,
        )
        self._drawing.canvas.setGeometry(self.rect())
        self._drawing.canvas.show()
        self._overlay.raise_()
        self.draw()

    def _first_content(self) -> None:
        if not self._framed and self.scene.bounds() is not None:
            self._framed = True
            self.look("isometric")
            self.frame()

    def _flash(self, position: np.ndarray) -> None:
        """Mark a position [mm, world] for a moment."""
        self.state.flash_pivot(position)
        QTimer.singleShot(900, self, self.refresh)
        self.refresh()

    def _camera_moved(self) -> None:
        self.draw()
        self.refresh()
        self.camera_changed.emit()

    @Slot()
    def _probe(self) -> None:
        if self._closed or self._pointer is None or self._dragging is not None or self._eye is None:
            return
        hit = self._eye.pick(self._pointer.x, self._pointer.y)
        if hit is None:
            self.point_probed.emit((), None)
        else:
            self.point_probed.emit(tuple(map(float, hit.position)), hit.value)
