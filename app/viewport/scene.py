"""Everything that is drawn: objects, the Run's surface, lights and background. Knows VTK, and no widget.

World millimetres come in and go out as float64. Every actor keeps its arrays relative to an origin of its own, in
float32, and is placed relative to the scene's origin: nothing large ever reaches OpenGL.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage
from vtkmodules.vtkRenderingCore import vtkLight, vtkRenderer, vtkRenderWindow

from app.viewport.canvas import STILL_SAMPLES, read_pixels
from app.viewport.colours import Theme, mixed, rgb
from app.viewport.decimate import cluster_vertices, shading
from app.viewport.drawn import DrawnMesh, DrawnPoints, paint
from app.viewport.surface import RunSurface
from engine.geometry.mesh import Mesh
from engine.geometry.points import Points
from engine.protocol.snapshot import Snapshot

SURFACE = "result"
"""Name under which `frame` and `Hit` know the Run's surface."""

POINT_BUDGET_SOFTWARE = 20_000
POINT_BUDGET_HARDWARE = 2_000_000
POINT_BUDGET_BEHIND = 4_000
"""Dots of a scan that has stepped back behind the surface that was made of it."""


DOT_BEHIND = 2.0


@dataclass(frozen=True)
class Hit:
    """Where a line of sight first meets something.

    position : [mm, world]; normal : unit, towards the viewer for points; name : of the object; value : sensitivity
    """

    position: np.ndarray
    normal: np.ndarray
    name: str
    value: float | None = None


@dataclass
class SceneObject:
    """A Document's object as drawn. origin, bounds : [mm, world]; count : of the geometry's points.

    behind : it has stepped back behind the Run's surface: a scan with few, small and faint dots, a mesh in a faint
        colour and only where the surface does not cover it
    """

    drawn: DrawnMesh | DrawnPoints
    origin: np.ndarray
    bounds: np.ndarray
    count: int
    drawn_count: int
    colour: str
    behind: bool

    @property
    def dot_size(self) -> float:
        """[pixels]"""
        return DOT_BEHIND if self.behind else dot_size(self.drawn_count)


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
        self.surface = RunSurface()
        self.surface.budget = budget
        self.surface.drawn.actor.GetProperty().SetBackfaceCulling(budget is not None)
        self.budget = budget
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
        for thing in self.objects.values():
            self._paint(thing)

    def picture(self, window: vtkRenderWindow, scale: int, transparent: bool) -> QImage:
        """What `window` shows, drawn at `scale` times its size with smooth edges; the window is left as it was."""
        width, height = window.GetSize()
        samples = window.GetMultiSamples()
        self.renderer.ResetCameraClippingRange()
        self.renderer.SetGradientBackground(self._gradient and not transparent)
        self.renderer.SetBackgroundAlpha(0.0 if transparent else 1.0)
        window.SetSize(max(1, width) * scale, max(1, height) * scale)
        window.SetMultiSamples(STILL_SAMPLES)
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

    def show_object(self, name: str, geometry: Mesh | Points, colour: str, opacity: float, visible: bool) -> None:
        """Draw (or replace) an object; below full opacity it steps back (see `SceneObject`)."""
        self.remove_object(name)
        behind = opacity < 1.0
        bounds = geometry.bounds
        origin = bounds.mean(axis=0)
        drawn: DrawnMesh | DrawnPoints
        if isinstance(geometry, Mesh):
            vertices, triangles = (geometry.vertices - origin).astype(np.float32), geometry.triangles
            count = len(vertices)
            if self.budget is not None and count > self.budget and len(triangles):
                vertices, triangles, _ = cluster_vertices(vertices, triangles, int(0.8 * self.budget))
            drawn_count = len(vertices)
            normals, triangles, copies = shading(vertices, triangles)
            drawn = DrawnMesh()
            drawn.write(np.concatenate([vertices, vertices[copies]]), triangles, normals)
            if behind:
                drawn.step_back()
        else:
            count = geometry.point_count
            most = POINT_BUDGET_HARDWARE if self.budget is None else POINT_BUDGET_SOFTWARE
            most = POINT_BUDGET_BEHIND if behind else most
            chosen = slice(None) if count <= most else np.random.default_rng(0).choice(count, most, replace=False)
            positions = (geometry.positions[chosen] - origin).astype(np.float32)
            kept = None if geometry.normals is None else geometry.normals[chosen].astype(np.float32)
            drawn_count = len(positions)
            drawn = DrawnPoints(positions, None if behind else kept, 1.0, round_dots=self.budget is None)
        thing = SceneObject(drawn, origin, bounds, count, drawn_count, colour, behind)
        self._paint(thing)
        if isinstance(drawn, DrawnPoints):
            drawn.actor.GetProperty().SetPointSize(thing.dot_size * self._pixel_scale)
        drawn.actor.SetVisibility(visible)
        self.objects[name] = thing
        self.renderer.AddActor(drawn.actor)
        self._place(drawn.actor, origin)

    def remove_object(self, name: str) -> None:
        gone = self.objects.pop(name, None)
        if gone is not None:
            self.renderer.RemoveActor(gone.drawn.actor)

    def set_object_visible(self, name: str, visible: bool) -> None:
        if name == SURFACE and name not in self.objects:
            self._surface_visible = visible
            self.surface.drawn.actor.SetVisibility(visible)
        elif name in self.objects:
            self.objects[name].drawn.actor.SetVisibility(visible)

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
        self._place(self.surface.drawn.actor, self.surface.origin)
        self.surface.drawn.actor.SetVisibility(self._surface_visible)
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
        boxes = []
        for key, thing in self.objects.items():
            if key == name or (name is None and thing.drawn.actor.GetVisibility()):
                boxes.append(thing.bounds)
        if self.surface.shown and name in (None, SURFACE):
            vertices = self.surface.drawn.vertices
            boxes.append(np.stack([vertices.min(axis=0), vertices.max(axis=0)]) + self.surface.origin)
        if not boxes:
            return None
        return np.stack([np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)])

    def to_scene(self, world: np.ndarray) -> np.ndarray:
        return np.asarray(world, np.float64) - self._origin()

    def to_world(self, local: np.ndarray) -> np.ndarray:
        return np.asarray(local, np.float64) + self._origin()

    def pick(self, start: np.ndarray, direction: np.ndarray, reach: float) -> Hit | None:
        """First hit of a ray (scene coordinates): of what has stepped back only where the surface does not cover it.

        reach : [rad] how far beside the ray a scan's point still counts, as seen from `start`
        """
        length = self._length(start)
        best: tuple[float, Hit] | None = None
        surface = self.pick_surface(start, direction)
        if surface is not None:
            best = float(np.dot(self.to_scene(surface.position) - start, direction)), surface
        for name, thing in self.objects.items():
            if not thing.drawn.actor.GetVisibility() or (thing.behind and surface is not None):
                continue
            local = start - (thing.origin - self._origin())
            if isinstance(thing.drawn, DrawnMesh):
                found = thing.drawn.hit(local, direction, length)
                if found is not None and (best is None or found[0] < best[0]):
                    where = local + direction * found[0] + thing.origin
                    best = found[0], Hit(where, thing.drawn.normal(found[1]), name)
            else:
                near = nearest_dot(thing.drawn.vertices, local, direction, reach)
                if near is not None and (best is None or near[0] < best[0]):
                    best = near[0], Hit(near[1] + thing.origin, -direction, name)
        return None if best is None else best[1]

    def pick_surface(self, start: np.ndarray, direction: np.ndarray) -> Hit | None:
        """First hit of a ray (scene coordinates) with the Run's surface."""
        surface = self.surface
        if not surface.shown or not self._surface_visible:
            return None
        local = start - (surface.origin - self._origin())
        found = surface.drawn.hit(local, direction, self._length(start))
        if found is None:
            return None
        within = local + direction * found[0]
        normal, value = surface.drawn.normal(found[1]), surface.value_at(within, found[1])
        return Hit(within + surface.origin, normal, SURFACE, value)

    def normal_near(self, world: np.ndarray) -> np.ndarray | None:
        """Unit normal of the Run's surface (or of the first mesh) at the vertex nearest to a position [mm, world]."""
        meshes = [(self.surface.drawn, self.surface.origin)] if self.surface.shown else []
        meshes += [(o.drawn, o.origin) for o in self.objects.values() if isinstance(o.drawn, DrawnMesh)]
        for drawn, origin in meshes:
            nearest = int(np.argmin(((drawn.vertices - (world - origin)) ** 2).sum(axis=1)))
            normal = drawn.normals[nearest].astype(np.float64)
            if np.linalg.norm(normal) > 0.5:
                return normal / np.linalg.norm(normal)
        return None

    def thinned(self) -> tuple[int, int] | None:
        """Vertices drawn and vertices there are, where fewer are drawn."""
        pairs = [
            (thing.drawn_count, thing.count)
            for thing in self.objects.values()
            if thing.drawn.actor.GetVisibility() and not thing.behind
        ]
        pairs.append((self.surface.drawn_count, self.surface.vertex_count))
        drawn, there = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        return (drawn, there) if drawn < there else None

    def _paint(self, thing: SceneObject) -> None:
        """What is faint is mixed with the background, not see-through: blending costs as much as the drawing."""
        if isinstance(thing.drawn, DrawnPoints):
            faint = mixed(thing.colour, self.theme.background, 0.55)
            thing.drawn.paint(faint if thing.behind else thing.colour)
        else:
            faint = mixed(thing.colour, self.theme.background, 0.75)
            paint(thing.drawn.actor, faint if thing.behind else thing.colour)
            if thing.behind:  # in its own light rather than the room's: shaded, a faint colour would be a dark one
                look = thing.drawn.actor.GetProperty()
                look.SetAmbient(0.85)
                look.SetDiffuse(0.18)
                look.SetSpecular(0.0)

    def _length(self, start: np.ndarray) -> float:
        """Length of a ray that passes everything."""
        box = self.bounds()
        size = 1.0 if box is None else float(np.abs(box - self._origin()).max())
        return 4.0 * (float(np.linalg.norm(start)) + size)

    def _origin(self) -> np.ndarray:
        return np.zeros(3) if self.origin is None else self.origin

    def _place(self, actor: object, origin: np.ndarray) -> None:
        if self.origin is None:
            self.origin = np.array(origin, np.float64)
        actor.SetPosition(*(origin - self.origin))  # type: ignore[attr-defined]  # any vtkProp3D


def dot_size(count: int) -> float:
    """Diameter of a dot [pixels]: small scans get dots that one sees, large ones do not clot."""
    return float(np.clip(7.0 - 1.1 * np.log10(max(count, 1) / 100.0 + 1.0) * 1.2, 2.5, 7.0))


def nearest_dot(
    points: np.ndarray, start: np.ndarray, direction: np.ndarray, reach: float
) -> tuple[float, np.ndarray] | None:
    """Nearest point (to `start`) within an angle `reach` [rad] beside a ray: its distance along the ray, and itself."""
    offsets = points - start
    along = offsets @ direction
    aside = np.linalg.norm(offsets - along[:, None] * direction, axis=1)
    close = np.flatnonzero((along > 0) & (aside < reach * along))
    if not len(close):
        return None
    first = close[np.argmin(along[close] + aside[close] / reach)]
    return float(along[first]), points[first].astype(np.float64)
