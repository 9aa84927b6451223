"""Cutting away: the half spaces that remain, for OpenGL, for points and for lines of sight."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkRenderingCore import vtkActor

from app.document.project import Clip

_DISCARD_WITHIN = """
  bool within = true;
  for (int plane = 0; plane < numClipPlanes; ++plane) {
    if (clipDistancesVSOutput[plane] < 0.0) { within = false; }
  }
  if (within) { discard; }
"""


class Cut:
    """What a `Clip` leaves: an intersection of half spaces, or all but that.

    origins, normals : (k, 3) [mm, world]; the half spaces are on the side that the normals point to
    outside : what lies in all of them is cut away, instead of kept
    """

    def __init__(self, clip: Clip | None) -> None:
        self.origins, self.normals = np.empty((0, 3)), np.empty((0, 3))
        self.outside = False
        if clip is None or not clip.enabled:
            return
        if clip.kind == "plane":
            normal = np.asarray(clip.normal, np.float64)
            normal = normal / (np.linalg.norm(normal) or 1.0)
            self.origins = np.array([clip.origin], np.float64)
            self.normals = normal[None] if clip.flipped else -normal[None]
        else:
            low, high = np.sort(np.asarray(clip.bounds, np.float64), axis=0)
            self.origins = np.concatenate([np.tile(low, (3, 1)), np.tile(high, (3, 1))])
            self.normals = np.concatenate([np.eye(3), -np.eye(3)])
            self.outside = clip.flipped

    @property
    def active(self) -> bool:
        return len(self.normals) > 0

    def keeps(self, points: np.ndarray) -> np.ndarray:
        """Which positions (n, 3) [mm, world] remain, shape (n,), bool."""
        within = np.ones(len(points), bool)
        for origin, normal in zip(self.origins, self.normals, strict=True):
            within &= (points - origin) @ normal >= 0.0
        return ~within if self.outside and self.active else within

    def stretches(self, start: np.ndarray, direction: np.ndarray, length: float) -> list[tuple[float, float]]:
        """The parts of a ray [mm, world] that remain: pairs of distances along it, in order."""
        begin, end = 0.0, length
        for origin, normal in zip(self.origins, self.normals, strict=True):
            slope, height = float(np.dot(normal, direction)), float(np.dot(normal, origin - start))
            if slope > 0:
                begin = max(begin, height / slope)
            elif slope < 0:
                end = min(end, height / slope)
            elif height > 0:
                end = -1.0
        if not self.outside:
            return [(begin, end)] if begin < end else []
        if begin >= end:
            return [(0.0, length)]
        return [(a, b) for a, b in ((0.0, begin), (end, length)) if a < b]

    def apply(self, actor: vtkActor, scene_origin: np.ndarray) -> None:
        """Let OpenGL cut an actor of a scene with this origin [mm, world]."""
        mapper = actor.GetMapper()
        mapper.RemoveAllClippingPlanes()
        for origin, normal in zip(self.origins, self.normals, strict=True):
            plane = vtkPlane()
            plane.SetOrigin(*(origin - scene_origin))
            plane.SetNormal(*normal)
            mapper.AddClippingPlane(plane)
        shader = actor.GetShaderProperty()
        shader.ClearFragmentShaderReplacement("//VTK::Clip::Impl", True)
        if self.outside and self.active:
            shader.AddFragmentShaderReplacement("//VTK::Clip::Impl", True, _DISCARD_WITHIN, False)
