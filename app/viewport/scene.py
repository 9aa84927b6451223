"""Everything that is drawn: objects, the Run's surface, lights and background. Knows VTK, and no widget.

World millimetres come in and go out as float64. Every actor keeps its arrays relative to an origin of its own, in
float32, and is placed relative to the scene's origin: nothing large ever reaches OpenGL.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkRenderWindow

from app.document.project import Clip
from app.viewport.canvas import MOST_SAMPLED, STILL_SAMPLES, read_pixels
from app.viewport.clipping import Cut
from app.viewport.colours import INSIDE, Theme, rgb
from app.viewport.comparison import Comparison
from app.viewport.dots import Dots
from app.viewport.drawn import DrawnMesh, DrawnPoints
from app.viewport.objects import SceneObject, draw_dots, draw_object
from app.viewport.outline import Shape
from app.viewport.picking import Hit, meet_mesh
from app.viewport.records import SURFACE, CompareMode, SelectionView
from app.viewport.surface import RunSurface
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.snapshot import Snapshot


class Scene:
    """Actors, lights and picking. `budget`: vertices of a mesh to draw at most (None: all)."""

    def __init__(self, theme: Theme, budget: int | None) -> None:
        self.renderer = vtkRenderer()
        self.renderer.SetAutomaticLightCreation(False)
        # On software OpenGL a gradient costs as much as a third of a frame.
        self._gradient = budget is None
        self.renderer.SetGradientBackground(self._gradient)
        self.camera = self.renderer.GetActiveCamera()
        self.camera.SetViewAngle(28.0)
        self.origin: np.ndarray | None = None
        self.objects: dict[str, SceneObject] = {}
        self.ground: frozenset[str] = frozenset()
        self.surface = RunSurface()
        self.surface.budget = budget
        self.surface.drawn.actor.GetProperty().SetBackfaceCulling(budget is not None)
        self.budget = budget
        self.cut = Cut(None)
        self.comparison: Comparison | None = None
        self._selections: list[SelectionView] = []
        self._waiting: Snapshot | None = None
        self._surface_visible = True
        self._wireframe = False
        self._pixel_scale = 1.0
        self.renderer.AddActor(self.surface.drawn.actor)
        # A key light from over the left shoulder, a soft one from below right, a faint one from straight ahead.
        for place, strength in (((-0.55, 0.75, 1.0), 0.70), ((0.8, -0.35, 0.6), 0.28), ((0.0, 0.0, 1.0), 0.26)):
            light = vtkLight()
            light.SetLightTypeToCameraLight()
            light.SetPosition(*place)
            light.SetFocalPoint(0.0, 0.0, 0.0)
            light.SetIntensity(strength)
            self.renderer.AddLight(light)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.renderer.SetBackground(*rgb(theme.background_bottom if self._gradient else theme.background))
        self.renderer.SetBackground2(*rgb(theme.background_top))
        self.surface.set_plain(theme.surface)
        self.set_wireframe(self._wireframe)
        if self.comparison is not None:
            self.comparison.set_theme(theme)
        for thing in self.objects.values():
            thing.paint(theme, self._selections)

    def picture(self, window: vtkRenderWindow, scale: float, transparent: bool) -> QImage:
        """What `window` shows, drawn at `scale` times its size with smooth edges; the window is left as it was."""
        width, height = window.GetSize()
        samples = window.GetMultiSamples()
        self.renderer.ResetCameraClippingRange()
        self.renderer.SetGradientBackground(self._gradient and not transparent)
        self.renderer.SetBackgroundAlpha(0.0 if transparent else 1.0)
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        window.SetSize(wide, high)
        window.SetMultiSamples(STILL_SAMPLES if wide * high <= MOST_SAMPLED else 0)
        try:
            window.Render()
            return read_pixels(window, alpha=transparent)
        finally:
            window.SetMultiSamples(samples)
            window.SetSize(width, height)
            self.renderer.SetGradientBackground(self._gradient)
            self.renderer.SetBackgroundAlpha(1.0)

    def set_pixel_scale(self, scale: float) -> None:
        """Drawn pixels per pixel of the widget: dots keep their size on the screen."""
        self._pixel_scale = scale
        for thing in self.objects.values():
            if isinstance(thing.drawn, DrawnPoints):
                thing.drawn.actor.GetProperty().SetPointSize(thing.dot_size * scale)

    def show_object(
        self,
        name: str,
        geometry: Mesh | Points,
        colour: str,
        opacity: float,
        visible: bool,
        matrix: np.ndarray | None = None,
    ) -> None:
        """Draw (or replace) an object; below full opacity it steps back (see `SceneObject`)."""
        self.remove_object(name)
        thing = draw_object(name, geometry, colour, behind=opacity < 1.0, vertex_budget=self.budget)
        thing.matrix = matrix
        self._add(thing, visible)

    def refine(self, thing: SceneObject, dots: Dots) -> None:
        """Draw a scan with more dots than at first, if it is still there."""
        if self.objects.get(thing.name) is not thing:
            return
        finer = draw_dots(thing.name, dots, thing.colour, thing.behind, self.budget is not None)
        finer.matrix = thing.matrix
        self.remove_object(thing.name)
        self._add(finer, thing.visible)

    def place_object(self, name: str, matrix: np.ndarray | None) -> None:
        """Let an object stand elsewhere; matrix : (4, 4) from its own frame to the world [mm], None: as it is."""
        thing = self.objects.get(name)
        if thing is not None:
            thing.matrix = matrix
            thing.stand(self._origin())

    def remove_object(self, name: str) -> None:
        gone = self.objects.pop(name, None)
        if gone is not None:
            self.renderer.RemoveActor(gone.drawn.actor)

    def set_object_visible(self, name: str, visible: bool) -> None:
        if name == SURFACE and name not in self.objects:
            self._surface_visible = visible
            self._show_surface()
        elif name in self.objects:
            self.objects[name].drawn.actor.SetVisibility(visible)

    def set_selections(self, selections: list[SelectionView]) -> None:
        """Tint these, and no others."""
        concerned = {selection.of for selection in (*self._selections, *selections)}
        self._selections = selections
        for name in concerned & set(self.objects):
            self.objects[name].paint(self.theme, selections)
        if SURFACE in concerned:
            self.surface.set_selections([selection for selection in selections if selection.of == SURFACE])

    def set_clip(self, clip: Clip | None) -> None:
        """Cut away part of everything."""
        self.cut = Cut(clip)
        self._cut_actors()

    def show_comparison(
        self,
        first: Snapshot,
        second: Snapshot,
        mode: CompareMode,
        distances: np.ndarray | None,
        limits: tuple[float, float] | None,
    ) -> None:
        """Draw two surfaces instead of the Run's (see `Comparison`)."""
        if self.comparison is None:
            self.comparison = Comparison(self.budget, self.theme)
            for surface in (self.comparison.first, self.comparison.second):
                self.renderer.AddActor(surface.drawn.actor)
        self.comparison.show(first, second, mode, distances, limits)
        for surface in (self.comparison.first, self.comparison.second):
            self._place(surface)
        self.comparison.cut(self.cut, self._origin())
        self._show_surface()

    def clear_comparison(self) -> None:
        if self.comparison is not None:
            for surface in (self.comparison.first, self.comparison.second):
                self.renderer.RemoveActor(surface.drawn.actor)
            self.comparison = None
            self._show_surface()

    def offer(self, snapshot: Snapshot) -> None:
        """Keep a Snapshot for the next drawing: of several, the latest counts."""
        # The arrays may be a shared slot that the engine is about to write again.
        self._waiting = Snapshot(**{**vars(snapshot), "arrays": {k: v.copy() for k, v in snapshot.arrays.items()}})

    @property
    def waiting(self) -> bool:
        """A Snapshot is kept that is not drawn yet."""
        return self._waiting is not None

    def take(self) -> bool:
        """Write the kept Snapshot into the actor; False when there is none."""
        snapshot, self._waiting = self._waiting, None
        if snapshot is None:
            return False
        self.surface.show(snapshot)
        self._cull()
        self._place(self.surface)
        self._show_surface()
        return True

    def clear_snapshot(self) -> None:
        self._waiting = None
        self.surface.clear()

    def set_wireframe(self, wireframe: bool) -> None:
        self._wireframe = wireframe
        look = self.surface.drawn.actor.GetProperty()
        look.SetEdgeVisibility(wireframe)
        look.SetEdgeColor(*rgb(self.theme.edge))
        look.SetEdgeOpacity(0.55)

    def bounds(self, name: str | None = None) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of an object, or of all that is visible; None where there is nothing."""
        boxes = [thing.bounds for key, thing in self.objects.items() if key == name or (name is None and thing.visible)]
        if self.surface.shown and name in (None, SURFACE):
            boxes.append(self.surface.bounds)
        if self.comparison is not None and self.comparison.bounds is not None and name is None:
            boxes.append(self.comparison.bounds)
        return _around(boxes)

    def standing_bounds(self) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of all that is visible and no ground; with nothing but ground, of that."""
        boxes = [thing.bounds for key, thing in self.objects.items() if thing.visible and key not in self.ground]
        if self.surface.shown:
            standing = self.surface.standing_bounds()
            boxes += [] if standing is None else [standing]
        return self.bounds() if not boxes or self.comparison is not None else _around(boxes)

    def selected_bounds(self) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of what is drawn and selected by half or more; None where nothing is."""
        boxes = []
        for selection in self._selections:
            thing = self.objects.get(selection.of)
            if thing is not None:
                places = thing.world_points()[thing.selected(selection)]
            elif selection.points is not None:
                places = selection.points[selection.values >= 0.5]
            else:
                continue
            if len(places):
                boxes.append(np.stack([places.min(axis=0), places.max(axis=0)]))
        return _around(boxes)

    def to_scene(self, world: np.ndarray) -> np.ndarray:
        return np.asarray(world, np.float64) - self._origin()

    def to_world(self, local: np.ndarray) -> np.ndarray:
        return np.asarray(local, np.float64) + self._origin()

    def pick(self, start: np.ndarray, direction: np.ndarray, reach: float) -> Hit | None:
        """First hit of a ray [mm, world]: of what has stepped back only where the surface does not cover it.

        reach : [rad] how far beside the ray a scan's point still counts, as seen from `start`
        """
        surface = self.pick_surface(start, direction)
        best = None if surface is None else (float(np.dot(surface.position - start, direction)), surface)
        stretches = self.cut.stretches(start, direction, self._length(start))
        for thing in self.objects.values():
            if not thing.visible or (thing.behind and surface is not None):
                continue
            found = thing.meet(start, direction, stretches, reach, self.cut)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        return None if best is None else best[1]

    @property
    def seen_surface(self) -> RunSurface:
        """The Run's surface, or the first of two that are compared."""
        return self.surface if self.comparison is None else self.comparison.first

    def pick_surface(self, start: np.ndarray, direction: np.ndarray) -> Hit | None:
        """First hit of a ray [mm, world] with the Run's surface, or with the first of two that are compared."""
        surface = self.seen_surface
        if not surface.shown or not self._surface_visible:
            return None
        stretches = self.cut.stretches(start, direction, self._length(start))
        found = meet_mesh(surface.drawn, start, direction, stretches, place=surface.origin)
        if found is None:
            return None
        value = surface.value_at(found.position, found.triangle)
        band = surface.band_at(found.position, found.triangle)
        return Hit(found.position + surface.origin, found.normal, SURFACE, value, band)

    def pick_on(self, name: str, start: np.ndarray, direction: np.ndarray, reach: float) -> Hit | None:
        """First hit of a ray [mm, world] with one object or the Run's surface, whatever lies before it."""
        thing = self.objects.get(name)
        if thing is None:
            return self.pick_surface(start, direction) if name == SURFACE else None
        if not thing.visible:
            return None
        stretches = self.cut.stretches(start, direction, self._length(start))
        met = thing.meet(start, direction, stretches, reach, self.cut)
        return None if met is None else met[1]

    def meet_mesh(self, name: str, start: np.ndarray, direction: np.ndarray) -> Hit | None:
        """First hit of a ray [mm, world] with a mesh or the Run's surface, whatever is cut away; None for a scan."""
        stretches = [(0.0, self._length(start))]
        thing = self.objects.get(name)
        if thing is not None:
            met = thing.meet(start, direction, stretches, 0.0, Cut(None))
            return met[1] if met is not None and isinstance(thing.drawn, DrawnMesh) else None
        surface = self.surface
        found = meet_mesh(surface.drawn, start, direction, stretches, place=surface.origin)
        return None if found is None else Hit(start + direction * found.distance, found.normal, name)

    def shapes(self) -> list[Shape]:
        """What is drawn and may hide what is behind it."""
        shapes = [thing.shape(self.cut) for thing in self.objects.values() if thing.visible and not thing.behind]
        if self.surface.shown and self._surface_visible:
            surface = self.surface
            thinned = surface.drawn_count < surface.vertex_count
            shapes.append(Shape(surface.vertices, None, surface.origin, surface.triangles, self.cut, thinned))
        return shapes

    def normal_near(self, world: np.ndarray) -> np.ndarray | None:
        """Unit normal of the Run's surface (or of the first mesh) at the vertex nearest to a position [mm, world]."""
        meshes: list[tuple[DrawnMesh, np.ndarray, np.ndarray | None]] = []
        if self.surface.shown:
            meshes.append((self.surface.drawn, self.surface.origin, None))
        for thing in self.objects.values():
            if isinstance(thing.drawn, DrawnMesh):
                meshes.append((thing.drawn, thing.place, thing.linear))
        for drawn, place, linear in meshes:
            inverse = np.eye(3) if linear is None else np.linalg.inv(linear)
            local = inverse @ (world - place)
            nearest = int(np.argmin(((drawn.vertices - local) ** 2).sum(axis=1)))
            normal = inverse.T @ drawn.normals[nearest].astype(np.float64)
            if np.linalg.norm(normal) > 1e-9:
                return normal / np.linalg.norm(normal)
        return None

    def thinned(self) -> tuple[int, int] | None:
        """Vertices drawn and vertices there are, where fewer are drawn."""
        pairs = [
            (thing.drawn_count, thing.count) for thing in self.objects.values() if thing.visible and not thing.behind
        ]
        pairs.append((self.surface.drawn_count, self.surface.vertex_count))
        drawn, there = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        return (drawn, there) if drawn < there else None

    def _add(self, thing: SceneObject, visible: bool) -> None:
        thing.paint(self.theme, self._selections)
        if isinstance(thing.drawn, DrawnPoints):
            thing.drawn.actor.GetProperty().SetPointSize(thing.dot_size * self._pixel_scale)
        thing.drawn.actor.SetVisibility(visible)
        self.objects[thing.name] = thing
        self.renderer.AddActor(thing.drawn.actor)
        self._settle(thing.place)
        thing.stand(self._origin())
        self._cut(thing.drawn)

    def _length(self, start: np.ndarray) -> float:
        """Length of a ray that passes everything."""
        box = self.bounds()
        if box is None:
            return 1.0
        return float(np.linalg.norm(np.maximum(np.abs(box[0] - start), np.abs(box[1] - start)))) + 1.0

    def _origin(self) -> np.ndarray:
        return np.zeros(3) if self.origin is None else self.origin

    def _settle(self, origin: np.ndarray) -> None:
        """The first thing that is drawn gives the scene its origin."""
        if self.origin is None:
            self.origin = np.array(origin, np.float64)
            self._cut_actors()
            for get, put in (
                (self.camera.GetPosition, self.camera.SetPosition),
                (self.camera.GetFocalPoint, self.camera.SetFocalPoint),
            ):  # it stays where it is in the world
                put(*(np.array(get()) - self.origin))

    def _place(self, surface: RunSurface) -> None:
        self._settle(surface.origin)
        surface.drawn.actor.SetPosition(*(surface.origin - self._origin()))

    def _cut(self, drawn: DrawnMesh | DrawnPoints) -> None:
        self.cut.apply(drawn.actor, self._origin())
        if isinstance(drawn, DrawnMesh):
            drawn.show_inside(INSIDE if self.cut.active else None)

    def _cut_actors(self) -> None:
        for drawn in (*(thing.drawn for thing in self.objects.values()), self.surface.drawn):
            self._cut(drawn)
        self._cull()
        if self.comparison is not None:
            self.comparison.cut(self.cut, self._origin())

    def _cull(self) -> None:
        """On software OpenGL the backs of triangles are left out, but of sheets, and where one looks inside."""
        both = self.surface.has_bodies or self.surface.flat
        hidden = self.budget is not None and not self.cut.active and not both
        self.surface.drawn.actor.GetProperty().SetBackfaceCulling(hidden)

    def _show_surface(self) -> None:
        self.surface.drawn.actor.SetVisibility(self._surface_visible and self.comparison is None)


def _around(boxes: list[np.ndarray]) -> np.ndarray | None:
    """The box (2, 3) around boxes; None around none."""
    if not boxes:
        return None
    return np.stack([np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)])
