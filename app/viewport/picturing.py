"""The view as an image of any size, from where one looks or from elsewhere; the view itself stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage, QPainter
from vtkmodules.vtkRenderingCore import vtkCamera

from app.viewport.overlay.sheet import paint_overlay
from app.viewport.records import CameraView

if TYPE_CHECKING:
    from app.viewport.drawing import Drawing
    from app.viewport.view import Viewport


def take_picture(
    view: Viewport,
    drawing: Drawing,
    *,
    scale: float,
    transparent: bool,
    legend: bool,
    handles: bool,
    camera: CameraView | None,
) -> QImage:
    """See `Viewport.picture`."""
    scene = view.scene
    scene.take()
    drawing.canvas.sync()
    with _looking_from(view, camera):
        scene.set_pixel_scale(view.devicePixelRatioF() * scale)
        image = scene.picture(drawing.canvas.render_window, scale, transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(image.width() / max(view.width(), 1), image.height() / max(view.height(), 1))
        paint_overlay(painter, view, live=False, legend=legend, handles=handles)
        painter.end()
    if camera is None:  # a film asks for the next drawing when it has ended
        view.draw()
    return image


@contextmanager
def _looking_from(view: Viewport, camera: CameraView | None) -> Iterator[None]:
    """Look from elsewhere for a moment, of which nobody is told: the camera is the same afterwards, bit for bit."""
    if camera is None:
        yield
        return
    present, kept = view.eye.camera, vtkCamera()
    kept.DeepCopy(present)
    to_scene = view.scene.to_scene
    try:
        present.SetParallelProjection(camera.parallel)
        present.SetParallelScale(camera.scale)
        present.SetPosition(*to_scene(np.asarray(camera.position)))
        present.SetFocalPoint(*to_scene(np.asarray(camera.focal_point)))
        present.SetViewUp(*camera.up)
        view.follow_camera()
        yield
    finally:
        present.DeepCopy(kept)
        present.Modified()  # or OpenGL would go on with the matrices of before
        view.follow_camera()
