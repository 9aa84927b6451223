"""Two surfaces compared: one over the other, one beside the other with a divider between, or by their distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkRenderingCore import vtkCamera

from app.viewport import camera as cameras
from app.viewport.clipping import Cut
from app.viewport.colours import SECOND, Theme
from app.viewport.records import CompareMode
from app.viewport.shades import DISTANCE
from app.viewport.surface import RunSurface
from engine.protocol.snapshot import Snapshot

TRANSLUCENT = 0.45


class Comparison:
    """The actors of a comparison.

    first, second : A and B; swipe : where the divider is, as a share of the view's width
    mode : "overlay" draws B translucent over A, "swipe" A left of the divider and B right of it, "distance" only A,
        coloured by its distances to B
    """

    def __init__(self, budget: int | None, theme: Theme) -> None:
        self.mode: CompareMode = "overlay"
        self.swipe = 0.5
        self.first, self.second = RunSurface(DISTANCE), RunSurface(DISTANCE)
        for surface in (self.first, self.second):
            surface.budget = budget
            surface.by_body = False  # A has one colour and B the other, whatever they are of
        self._divider = vtkPlane(), vtkPlane()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.first.set_plain(theme.surface)
        self.second.set_plain(SECOND)
        self._look()

    def show(
        self,
        first: Snapshot,
        second: Snapshot,
        mode: CompareMode,
        distances: np.ndarray | None,
        limits: tuple[float, float] | None,
    ) -> None:
        """Draw A and B. distances : of A's vertices to B [mm], shape (n,); limits : ends of the colour bar [mm]"""
        self.mode = mode
        arrays = dict(first.arrays)
        if distances is not None:
            arrays[DISTANCE] = np.asarray(distances, np.float32)
        self.first.range.locked = limits
        # Paused: both are drawn as finely as what does not move.
        self.first.show(replace(first, arrays=arrays, state="paused"))
        self.second.show(replace(second, state="paused"))
        self.first.colour_by(DISTANCE if mode == "distance" else "plain")
        for surface in (self.first, self.second):
            sheets = surface.has_bodies or surface.flat
            surface.drawn.actor.GetProperty().SetBackfaceCulling(surface.budget is not None and not sheets)
        self._look()

    @property
    def origin(self) -> np.ndarray:
        return self.first.origin

    @property
    def bounds(self) -> np.ndarray | None:
        """Box (2, 3) [mm, world] of both."""
        boxes = [surface.bounds for surface in (self.first, self.second) if surface.shown]
        if not boxes:
            return None
        return np.stack([np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)])

    def cut(self, cut: Cut, scene_origin: np.ndarray) -> None:
        """Cut away what is cut from everything, and in a swipe what belongs to the other side."""
        for surface, divider in zip((self.first, self.second), self._divider, strict=True):
            cut.apply(surface.drawn.actor, scene_origin)
            mapper = surface.drawn.mapper
            # OpenGL cuts by six planes: a box has that many by itself, and gives way to the divider.
            if self.mode == "swipe":
                if len(cut.normals) > 5:
                    Cut(None).apply(surface.drawn.actor, scene_origin)
                mapper.AddClippingPlane(divider)

    def follow(self, camera: vtkCamera, size: tuple[int, int]) -> None:
        """Keep the divider where it is on the screen, however the camera moves."""
        width, height = size
        x = self.swipe * width
        start, above = cameras.ray(camera, x, 0.0, width, height)
        other, below = cameras.ray(camera, x, float(height), width, height)
        # Both lines of sight lie in the divider's plane; parallel ones span it with the way between them.
        normal = np.cross(below, start - other if camera.GetParallelProjection() else above)
        normal = normal / (np.linalg.norm(normal) or 1.0)
        if np.dot(normal, cameras.axes(camera)[0]) > 0:
            normal = -normal
        for plane, side in zip(self._divider, (1.0, -1.0), strict=True):
            plane.SetOrigin(*start)
            plane.SetNormal(*(side * normal))

    def _look(self) -> None:
        look = self.second.drawn.actor.GetProperty()
        look.SetOpacity(TRANSLUCENT if self.mode == "overlay" else 1.0)
        self.second.drawn.actor.SetVisibility(self.mode != "distance")
