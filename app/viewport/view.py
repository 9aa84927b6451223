"""What the window needs of a viewport, whichever back-end draws it.

Coordinates that cross this border are world millimetres (float64). The viewport itself draws relative to an origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QImage, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.document.placement import IDENTITY, Placement
from app.document.project import Clip, Measurement
from app.viewport.canvas import CanvasMaker
from app.viewport.colours import DARK, LIGHT
from app.viewport.dots import Dots, Refining
from app.viewport.drawing import Drawing
from app.viewport.eye import Eye
from app.viewport.interactive import InteractiveView
from app.viewport.overlay.sheet import Overlay
from app.viewport.records import (
    CameraView,
    CompareMode,
    HandleView,
    MarkView,
    PlacedView,
    ProbeView,
    SelectionView,
    View,
)
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.snapshot import Snapshot

if TYPE_CHECKING:
    from app.viewport.objects import SceneObject
    from app.viewport.scene import Scene

SOFTWARE_BUDGET = 20_000
"""Vertices of a mesh drawn at most on software OpenGL, so that the window stays quick."""

IDLE_START = 1200
"""[ms] after which a viewport that is not yet seen gets ready."""


class Viewport(InteractiveView):
    """A view of the Document, on a canvas: `app.viewport.native.NativeViewport` (pyvistaqt's widget) or
    `app.viewport.image.ImageViewport` (an off-screen VTK window drawn as a QImage); see `app.viewport.create`.

    VTK is imported when the widget is first shown or given something to show, not when it is made.
    """

    handle_placed = Signal(tuple)  # (x, y, z) on the surface [mm]
    handle_withdrawn = Signal(str)  # name: Escape took it back while the press that placed it was still down
    handle_moved = Signal(str, tuple, bool)  # name, target [mm], True when the drag ended
    handle_selected = Signal(str)
    term_placed = Signal(str, str, tuple, bool)  # name, parameter, direction or position [mm], True when the drag ended
    painted = Signal(list, float, bool)  # stamp centres [mm], radius [mm], freeze (False: thaw, with Shift)
    selected = Signal(object)  # SelectionGesture
    object_picked = Signal(str)  # name: clicked with the move tool
    placement_dragged = Signal(str, object, bool)  # name, Placement, True when the drag ended
    pin_painted = Signal(str, list, float, bool, bool)  # body, stamp centres [mm], radius [mm], hold, stroke ended
    crease_drawn = Signal(str, list)  # sheet, corners [mm]
    outline_drawn = Signal(list)  # corners on the ground [mm]
    clip_dragged = Signal(object, bool)  # Clip, True when the drag ended
    measured = Signal(str, list, float)  # kind, points [mm], value [mm, or degrees for an angle]
    pulled = Signal(str, int, object)  # body, number of its vertex, target [mm] or None to let go
    probe_placed = Signal(tuple)  # (x, y, z) on the Run's surface [mm]
    camera_changed = Signal()
    content_shown = Signal()  # once: the first thing that there is to see has been drawn

    backend: ClassVar[str] = ""

    def __init__(self, parent: QWidget | None = None, *, software: bool = True) -> None:
        """software : OpenGL runs on the processor: large meshes are drawn with fewer vertices."""
        super().__init__(parent)
        self.setObjectName("viewport")
        self.setMinimumSize(160, 120)
        self.software = software
        self.theme = LIGHT
        self.handles: list[HandleView] = []
        self.placed: list[PlacedView] = []
        self.clip: Clip | None = None
        self.measurements: list[Measurement] = []
        self.marks: list[MarkView] = []
        self.probes: list[ProbeView] = []
        self.gizmo = ""
        self.gizmo_scales = True
        self._placements: dict[str, Placement] = {}
        self._selections: list[SelectionView] = []
        self._scene: Scene | None = None
        self._eye: Eye | None = None
        self._drawing: Drawing | None = None
        self._closed = False
        self._framed = False
        self._perspective = True
        self._overlay = Overlay(self)
        self._refining = Refining(self)
        self._refining.refined.connect(self._refine)
        # The rest of the window comes first: VTK is imported when nobody waits for it.
        QTimer.singleShot(IDLE_START, self, self._begin)

    # What is shown

    def show_object(
        self,
        name: str,
        geometry: Mesh | Points,
        *,
        colour: str,
        opacity: float = 1.0,
        visible: bool = True,
        placement: Placement = IDENTITY,
    ) -> None:
        """Draw (or replace) an object of the Document, where its placement puts it; below full opacity it steps back
        behind the Run's surface."""
        self._placements[name] = placement
        self.scene.show_object(name, geometry, colour, opacity, visible, _matrix(placement))
        thing = self.scene.objects[name]
        if isinstance(geometry, Points) and thing.due and not self._closed:
            self._refining.start(thing, geometry, thing.due)
        self._first_content()
        self.draw()

    def remove_object(self, name: str) -> None:
        self._placements.pop(name, None)
        if self._scene is not None:
            self._scene.remove_object(name)
            self.draw()

    def set_placement(self, name: str, placement: Placement) -> None:
        """Let an object stand elsewhere; nothing of it is copied."""
        if self._scene is not None and self._placements.get(name) != placement:
            self._placements[name] = placement
            self._scene.place_object(name, _matrix(placement))
            self.draw()
            self.refresh()

    def placement_of(self, name: str) -> Placement:
        return self._placements.get(name, IDENTITY)

    def set_gizmo(self, name: str, *, scales: bool = True) -> None:
        """Which object the move tool moves, and whether it scales it too; "" for none."""
        self.gizmo, self.gizmo_scales = name, scales
        self.refresh()

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

    @property
    def snapshot(self) -> Snapshot | None:
        """What is seen of the Run now, whole, in memory of its own; None where there is nothing."""
        if self._scene is None:
            return None
        self._scene.take()
        return self._scene.surface.snapshot

    def set_colouring(self, colouring: str, *, locked_range: tuple[float, float] | None = None) -> None:
        """Colour the Run's surface by the values of this name, or "plain" (see `app.viewport.shades`). `locked_range`
        fixes the colour bar's ends; without it they follow the data."""
        surface = self.scene.surface
        surface.range.locked = locked_range
        surface.colour_by(colouring)
        self.draw()
        self.refresh()

    @property
    def value_names(self) -> list[str]:
        """What may colour the Run's surface as it is now."""
        return [] if self._scene is None else self._scene.surface.names

    def hide_bodies(self, names: frozenset[str]) -> None:
        """Leave out these bodies of a simulation, and no others."""
        if self._scene is not None or names:
            self.scene.surface.hide_bodies(names)
            self.draw()

    def set_ground(self, names: frozenset[str]) -> None:
        """These bodies, and these objects, are ground: whoever frames everything means what stands on it."""
        if self._scene is not None or names:
            self.scene.ground = self.scene.surface.ground = names

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

    def set_placed(self, placed: list[PlacedView]) -> None:
        """Show these directions and planes of Terms and no others."""
        self.placed = list(placed)
        self._overlay.update()

    def set_frozen(self, centres: np.ndarray, radii: np.ndarray) -> None:
        """Show what is frozen: stamp centres (n, 3) [mm] and radii (n,) [mm]."""
        if self._scene is None and not len(centres):
            return  # nothing is frozen: no reason to import VTK
        self.scene.surface.set_frozen(centres, radii)
        self.draw()

    def set_selections(self, selections: list[SelectionView]) -> None:
        """Tint these, and no others."""
        if self._scene is None and not selections:
            return
        self._selections = list(selections)
        self.scene.set_selections(self._selections)
        self.draw()

    def set_clip(self, clip: Clip | None) -> None:
        """Cut away part of objects and surface; picking then goes through what is cut away."""
        if self._scene is None and clip is None:
            return
        self.clip = clip
        self.scene.set_clip(clip)
        self.draw()
        self.refresh()

    def set_measurements(self, measurements: list[Measurement]) -> None:
        """Show these dimensions and no others."""
        self.measurements = list(measurements)
        self.refresh()

    def set_marks(self, marks: list[MarkView]) -> None:
        """Show these pins and creases and no others."""
        self.marks = list(marks)
        self.refresh()

    def set_probes(self, probes: list[ProbeView]) -> None:
        """Show these places and no others."""
        self.probes = list(probes)
        self.refresh()

    def show_comparison(
        self,
        first: Snapshot,
        second: Snapshot,
        mode: CompareMode = "overlay",
        distances: np.ndarray | None = None,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Draw two surfaces, A and B, instead of the Run's, until `clear_comparison`.

        mode : "overlay": A, and B translucent in another colour; "swipe": A left of a divider that can be dragged, B
            right of it; "distance": A, coloured by `distances`
        distances : of A's vertices to B [mm], shape (n,), signed or not
        limits : ends of the colour bar [mm]; None: they follow the data
        """
        self.scene.show_comparison(first, second, mode, distances, limits)
        self.follow_camera()
        self._first_content()
        self.draw()
        self.refresh()

    def clear_comparison(self) -> None:
        if self._scene is not None and self._scene.comparison is not None:
            self._scene.clear_comparison()
            self.draw()
            self.refresh()

    def set_swipe(self, share: float) -> None:
        """Where the divider is, as a share of the width."""
        if self._scene is not None and self._scene.comparison is not None:
            self._scene.comparison.swipe = share
            self.follow_camera()
            self.draw()
            self.refresh()

    def set_theme(self, *, dark: bool) -> None:
        self.theme = DARK if dark else LIGHT
        if self._scene is not None:
            self._scene.set_theme(self.theme)
            self.draw()

    # The camera

    def frame(self, name: str | None = None) -> None:
        """Move the camera so that an object (or everything) fills the view. "result" is the Run's surface."""
        self.eye.frame(name)

    def refuse_pull(self, why: str) -> None:
        """What the pull tool holds cannot be pulled: no line is drawn as if it were, and the pointer says why."""
        self.state.pull, self.state.hint = None, why
        self.refresh()

    def frame_next(self) -> None:
        """Let what is shown next fill the view, as the first thing did."""
        self._framed = False

    def frame_selection(self) -> None:
        """Let what is selected fill the view; everything, where nothing is."""
        box = self.scene.selected_bounds()
        if box is None:
            self.eye.frame()
        else:
            self.eye.frame_box(box)

    def bounds(self) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of all that is to be seen; None where there is nothing."""
        return None if self._scene is None else self._scene.bounds()

    @property
    def out_of_sight(self) -> bool:
        """There is something to see, and all of it lies beyond the view."""
        box = None if self._scene is None or self.state.tool == "outline" else self._scene.standing_bounds()
        return box is not None and not self.eye.sees(box)

    def camera(self) -> CameraView:
        """Where one looks from, as plain data for the document's file."""
        return self.eye.view()

    def set_camera(self, view: CameraView) -> None:
        """Look from there; the first thing shown does not move the camera again."""
        self._framed = True
        self._perspective = not view.parallel
        self.eye.set_view(view)

    def look(self, view: View) -> None:
        """Look along an axis, at what is looked at now."""
        self.eye.look(view)

    def look_at_ground(self, reach: float) -> None:
        """Look down on the ground, as far as `reach` [mm] from the origin; what is shown first is shown so."""
        self._framed = True
        self.look("top")
        self.eye.frame_box(np.array([[-reach, -reach, 0.0], [reach, reach, 0.0]]))

    def show_place(self, place: tuple[float, float, float]) -> None:
        """Bring a position [mm, world] to the middle, near enough to see what is there, and mark it."""
        self.eye.visit(np.asarray(place, np.float64))
        self.flash(np.asarray(place, np.float64))

    def set_perspective(self, perspective: bool) -> None:
        """Perspective, or parallel lines of sight; what is in focus keeps its size."""
        self._perspective = perspective
        if self._eye is not None:
            self._eye.set_perspective(perspective)

    @property
    def perspective(self) -> bool:
        return self._perspective

    def picture(
        self,
        *,
        scale: float = 1.0,
        transparent: bool = False,
        legend: bool = True,
        handles: bool = True,
        camera: CameraView | None = None,
    ) -> QImage:
        """The view as an image, `scale` times as large as it is on the screen.

        legend : with axes, colour bar and notices; handles : with handles and measurements
        camera : seen from there; the view itself does not move
        """
        self._begin()
        drawing = self._drawing
        if drawing is None:
            return QImage()
        from app.viewport.picturing import take_picture

        return take_picture(
            self, drawing, scale=scale, transparent=transparent, legend=legend, handles=handles, camera=camera
        )

    def shut_down(self) -> None:
        """Release VTK's objects; called by the window's closeEvent before the widget goes. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._probe_timer.stop()
        self._refining.stop()
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

    @property
    def alive(self) -> bool:
        """There is a scene, and it has not been shut down."""
        return self._scene is not None and not self._closed

    def refresh(self) -> None:
        """Repaint what lies over the picture (handles, brush, labels): cheap, no 3D drawing."""
        self._overlay.update()

    def flash(self, position: np.ndarray) -> None:
        """Mark a position [mm, world] for a moment."""
        self.state.flash_pivot(position)
        QTimer.singleShot(900, self, self.refresh)
        self.refresh()

    def handle_at(self, x: float, y: float) -> HandleView | None:
        """The handle under a pixel."""
        best, found = 12.0, None
        for handle in self.handles:
            px, py, depth = self.eye.project(np.asarray(handle.target))[0]
            away = float(np.hypot(px - x, py - y))
            if depth > 0 and away < best:
                best, found = away, handle
        return found

    # Its place in the window

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
            self.follow_camera()
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
            busy=lambda: self.dragging,
            drawn_over=self._overlay.update,
            content_shown=self.content_shown.emit,
        )
        self._drawing.canvas.setGeometry(self.rect())
        self._drawing.canvas.show()
        self._overlay.raise_()
        self.draw()

    @Slot(object, object)
    def _refine(self, thing: SceneObject, dots: Dots) -> None:
        if self._scene is not None and not self._closed:
            self._scene.refine(thing, dots)
            self.draw()

    def _first_content(self) -> None:
        if not self._framed and self.scene.bounds() is not None:
            self._framed = True
            self.look("isometric")
            self.frame()

    def follow_camera(self) -> None:
        if self._scene is not None and self._scene.comparison is not None:
            self._scene.comparison.follow(self._scene.camera, (self.width(), self.height()))

    def _camera_moved(self) -> None:
        self.follow_camera()
        self.draw()
        self.refresh()
        self.camera_changed.emit()


def _matrix(placement: Placement) -> np.ndarray | None:
    return None if placement.is_identity else placement.matrix()
