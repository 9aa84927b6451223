"""The clip: a plane or a box that cuts the view open. The geometry stays whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.document.document import Document
from app.document.project import Clip

if TYPE_CHECKING:
    from app.viewport.view import Viewport

MARGIN = 0.02
"""A new box is smaller than all that there is by this share at every side: one sees that it cuts."""


class Clipping:
    """Each change is a step of undo; a drag is one."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._viewport: Viewport | None = None
        document.clip_changed.subscribe(self._draw)

    def set_viewport(self, viewport: Viewport) -> None:
        """Cut in this one, and listen to its grips."""
        self._viewport = viewport
        viewport.clip_dragged.connect(self.drag)
        self._draw()

    @property
    def clip(self) -> Clip | None:
        """What is cut away now; None where nothing is."""
        clip = self._document.project.clip
        return clip if clip is not None and clip.enabled else None

    @property
    def kind(self) -> str:
        """ "plane", "box", or "" """
        return "" if self.clip is None else self.clip.kind

    def toggle(self, kind: Literal["plane", "box"]) -> None:
        """Cut by a plane through the middle, or a box around everything; once more, and all is whole again."""
        if self.kind == kind:
            self._set("show everything", None)
            return
        clip = self._fresh(kind)
        if clip is not None:
            self._set(f"clip by a {kind}", clip)

    def flip(self) -> None:
        """Cut away the other part."""
        if self.clip is not None:
            self._set("flip the clip", replace(self.clip, flipped=not self.clip.flipped))

    def face(self, axis: int) -> None:
        """Let the plane stand across x, y or z (0, 1, 2), where it is."""
        if self.clip is not None and self.clip.kind == "plane":
            self._set(f"clip across {'xyz'[axis]}", replace(self.clip, normal=_towards(self._eye(), axis)))

    def drag(self, clip: Clip, ended: bool) -> None:
        self._document.change("move the clip", replace(self._document.project, clip=clip), gesture="move the clip")
        if ended:
            self._document.undo_stack.end_gesture()

    def _set(self, step: str, clip: Clip | None) -> None:
        self._document.change(step, replace(self._document.project, clip=clip))

    def _fresh(self, kind: Literal["plane", "box"]) -> Clip | None:
        box = None if self._viewport is None else self._viewport.bounds()
        if box is None:
            return None
        eye = self._eye()
        x, y, z = (float(value) for value in box.mean(axis=0))
        inner = box + np.array([[MARGIN], [-MARGIN]]) * (box[1] - box[0])
        low, high = (tuple(float(value) for value in corner) for corner in inner)
        return Clip(
            kind,
            origin=(x, y, z),
            normal=_towards(eye, int(np.argmax(np.abs(eye)))),
            bounds=((low[0], low[1], low[2]), (high[0], high[1], high[2])),
        )

    def _eye(self) -> np.ndarray:
        """From what is looked at to where one looks from."""
        if self._viewport is None:
            return np.array([0.0, -1.0, 0.0])
        camera = self._viewport.camera()
        return np.subtract(camera.position, camera.focal_point)

    def _draw(self) -> None:
        if self._viewport is not None:
            self._viewport.set_clip(self._document.project.clip)


def _towards(eye: np.ndarray, axis: int) -> tuple[float, float, float]:
    """Along an axis, on the side from which one looks: what is nearer is cut away."""
    normal = [0.0, 0.0, 0.0]
    normal[axis] = 1.0 if eye[axis] >= 0.0 else -1.0
    return normal[0], normal[1], normal[2]
