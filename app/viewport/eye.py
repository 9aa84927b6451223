"""Where one looks from: the camera with its rotation centre, in pixels of a view and world millimetres."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from app.viewport import camera as cameras
from app.viewport.outline import Lens, Outline
from app.viewport.records import CameraView, triple

if TYPE_CHECKING:
    from app.viewport.picking import Hit
    from app.viewport.scene import Scene

RADIANS_PER_PIXEL = 0.0085
PICK_PIXELS = 6.0
"""How far from the pointer a scan's point may lie to be picked."""


class Eye:
    """Moves the camera of a Scene as the pointer and the keys ask for, and looks along its lines of sight.

    size : gives width and height of the view [pixels]; moved : called whenever the camera has moved
    """

    def __init__(self, scene: Scene, size: Callable[[], tuple[int, int]], moved: Callable[[], None]) -> None:
        self.scene = scene
        self.camera = scene.camera
        self._size = size
        self._moved = moved
        self._pivot: np.ndarray | None = None
        cameras.look(self.camera, "isometric")

    # Moving

    def orbit(self, right: float, up: float) -> None:
        """Turn about the rotation centre as a drag of so many pixels does."""
        cameras.orbit(self.camera, self._centre(), right * RADIANS_PER_PIXEL, up * RADIANS_PER_PIXEL)
        self._moved()

    def pan(self, right: float, up: float) -> None:
        """Shift by pixels, at the depth of the rotation centre."""
        cameras.pan(self.camera, self._centre(), right, up, self._size()[1])
        self._moved()

    def zoom(self, factor: float, at: tuple[float, float] | None = None) -> None:
        """Come closer by a factor, towards what is under the pixel `at` (the middle without it)."""
        towards = np.array(self.camera.GetFocalPoint())
        if at is not None:
            hit = self.pick(*at)
            if hit is not None:
                towards = self.scene.to_scene(hit.position)
            else:
                start, direction = cameras.ray(self.camera, *at, *self._size())
                back = cameras.axes(self.camera)[2]
                towards = start + direction * float(np.dot(towards - start, back) / np.dot(direction, back))
        cameras.zoom(self.camera, towards, factor)
        self._moved()

    def frame(self, name: str | None = None) -> None:
        """Fill the view with an object, or with everything; the rotation centre is its middle from now on."""
        self.scene.take()
        box = self.scene.standing_bounds() if name is None else self.scene.bounds(name)
        if box is not None:
            self.frame_box(box)

    def frame_box(self, box: np.ndarray) -> None:
        """Fill the view with a box (2, 3) [mm, world]."""
        self._pivot = box.mean(axis=0)
        width, height = self._size()
        radius = max(float(np.linalg.norm(box[1] - box[0])) / 2.0, 1e-9)
        cameras.frame(self.camera, self.scene.to_scene(self._pivot), radius, width / max(height, 1))
        self._moved()

    def look(self, view: str) -> None:
        """Look along an axis, at what is looked at now."""
        cameras.look(self.camera, view)
        self._moved()

    def set_perspective(self, perspective: bool) -> None:
        """Perspective, or parallel lines of sight; what is in focus keeps its size."""
        if bool(self.camera.GetParallelProjection()) != perspective:
            return
        tangent = float(np.tan(np.radians(self.camera.GetViewAngle()) / 2.0))
        if perspective:
            self.camera.SetParallelProjection(False)
            cameras.set_distance(self.camera, self.camera.GetParallelScale() / tangent)
        else:
            self.camera.SetParallelScale(self.camera.GetDistance() * tangent)
            self.camera.SetParallelProjection(True)
        self._moved()

    def view(self) -> CameraView:
        """Where one looks from, as plain data in world millimetres."""
        camera, world = self.camera, self.scene.to_world
        return CameraView(
            triple(world(np.array(camera.GetPosition()))),
            triple(world(np.array(camera.GetFocalPoint()))),
            triple(np.array(camera.GetViewUp())),
            bool(camera.GetParallelProjection()),
            float(camera.GetParallelScale()),
            None if self._pivot is None else triple(self._pivot),
        )

    def set_view(self, view: CameraView) -> None:
        """Look from there from now on. Numbers that no camera can have leave it where it is."""
        position, focus, up = (np.asarray(v, np.float64) for v in (view.position, view.focal_point, view.up))
        numbers = np.concatenate([position, focus, up, [view.scale], view.pivot or ()])
        aside = np.linalg.norm(np.cross(focus - position, up))
        if not np.isfinite(numbers).all() or aside <= 0.0 or view.scale <= 0.0:
            return
        self.camera.SetParallelProjection(view.parallel)
        self.camera.SetParallelScale(view.scale)
        self.camera.SetPosition(*self.scene.to_scene(position))
        self.camera.SetFocalPoint(*self.scene.to_scene(focus))
        self.camera.SetViewUp(*up)
        self._pivot = None if view.pivot is None else np.asarray(view.pivot, np.float64)
        self._moved()

    def visit(self, world: np.ndarray) -> None:
        """Look at a position [mm, world], from the side from which one looks now, several times as near as `frame`."""
        box = self.scene.bounds()
        size = 1.0 if box is None else float(np.linalg.norm(box[1] - box[0]))
        self.turn_about(world)
        width, height = self._size()
        cameras.frame(self.camera, self.scene.to_scene(world), max(0.12 * size, 1e-9), width / max(height, 1))
        self._moved()

    def turn_about(self, world: np.ndarray) -> None:
        """Make a position [mm, world] the rotation centre."""
        self._pivot = np.asarray(world, np.float64)

    # Looking

    def pick(self, x: float, y: float) -> Hit | None:
        """What is under a pixel."""
        self.scene.take()
        return self.scene.pick(*self.sight(x, y), self._reach())

    def pick_surface(self, x: float, y: float) -> Hit | None:
        """What of the Run's surface is under a pixel, whatever object lies before it."""
        self.scene.take()
        return self.scene.pick_surface(*self.sight(x, y))

    def pick_on(self, name: str, x: float, y: float) -> Hit | None:
        """What of one object (or of the Run's surface) is under a pixel, whatever lies before it."""
        self.scene.take()
        return self.scene.pick_on(name, *self.sight(x, y), self._reach())

    def outline(self, polygon: np.ndarray, *, through: bool) -> Outline:
        """A closed line (k, 2) [pixels] over what is seen now; `through` also takes what is hidden."""
        self.scene.take()
        return Outline(polygon, self.lens(), None if through else tuple(self.scene.shapes()))

    def lens(self) -> Lens:
        """The camera as numbers, in world millimetres."""
        camera, size = self.camera, self._size()
        parallel = bool(camera.GetParallelProjection())
        tangent = float(np.tan(np.radians(camera.GetViewAngle()) / 2.0))
        spread = 2.0 * camera.GetParallelScale() if parallel else 2.0 * tangent
        position = self.scene.to_world(np.array(camera.GetPosition()))
        return Lens(position, cameras.axes(camera), size, spread, parallel)

    def sight(self, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
        """Start [mm, world] and unit direction of the line of sight through a pixel."""
        start, direction = cameras.ray(self.camera, x, y, *self._size())
        return self.scene.to_world(start), direction

    @property
    def ahead(self) -> np.ndarray:
        """Unit direction of sight through the middle of the view."""
        return -cameras.axes(self.camera)[2]

    def project(self, world: np.ndarray) -> np.ndarray:
        """Pixels (x, y) and depth of world positions (n, 3), shape (n, 3)."""
        return cameras.project(self.camera, self.scene.to_scene(world), *self._size())

    def sees(self, box: np.ndarray) -> bool:
        """Something of a box (2, 3) [mm, world] may be seen: it does not lie wholly beyond one side of the view."""
        corners = np.stack(np.meshgrid(*self.scene.to_scene(box).T, indexing="ij"), axis=-1).reshape(-1, 3)
        return cameras.sees(self.camera, corners, *self._size())

    def pixel_size(self, world: np.ndarray) -> float:
        """Length [mm] that a pixel covers at a position."""
        return cameras.pixel_size(self.camera, self.scene.to_scene(world), self._size()[1])

    def _reach(self) -> float:
        """Angle [rad] around a line of sight within which a dot is hit."""
        focus = np.array(self.camera.GetFocalPoint())
        step = cameras.pixel_size(self.camera, focus, self._size()[1])
        start = cameras.ray(self.camera, 0.0, 0.0, *self._size())[0] if self.camera.GetParallelProjection() else None
        distance = float(np.linalg.norm(focus - (np.array(self.camera.GetPosition()) if start is None else start)))
        return PICK_PIXELS * step / (distance or 1.0)

    def _centre(self) -> np.ndarray:
        return np.array(self.camera.GetFocalPoint()) if self._pivot is None else self.scene.to_scene(self._pivot)
