"""Which back-end draws: chosen once, when the viewport is made."""

from __future__ import annotations

import os
from functools import cache
from typing import Literal

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QWidget

from app.viewport.view import Viewport

OpenGL = Literal["none", "software", "hardware"]

VARIABLE = "FORMWRIGHT_VIEWPORT"
"""Environment variable that forces a back-end: "native" or "image"."""

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software", "gdi generic", "basic render", "osmesa")
_GL_RENDERER = 0x1F01


def create_viewport(parent: QWidget | None = None, *, backend: str = "") -> Viewport:
    """The viewport that suits this machine: pyvistaqt's widget on a graphics card, the image elsewhere.

    `backend` ("native" or "image") or the environment variable `FORMWRIGHT_VIEWPORT` forces one. The native one needs
    Qt's OpenGL and falls back to the image without it. On software OpenGL the image is the quicker one.
    """
    wish = os.environ.get(VARIABLE, "") or backend
    from app.viewport.image import ImageViewport

    if wish == "image":
        return ImageViewport(parent, software=qt_opengl() != "hardware")
    found = qt_opengl()
    if found == "hardware" or (wish == "native" and found == "software"):
        from app.viewport.native import NativeViewport

        return NativeViewport(parent, software=found == "software")
    return ImageViewport(parent)


@cache
def qt_opengl() -> OpenGL:
    """What OpenGL Qt offers its widgets. Needs a QGuiApplication. Asks a context of Qt's own: VTK's
    `ReportCapabilities` crashes where there is none."""
    if QGuiApplication.platformName() in ("offscreen", "minimal", "vnc", "linuxfb"):
        return "none"
    context, surface = QOpenGLContext(), QOffscreenSurface()
    surface.create()
    if not (context.create() and surface.isValid() and context.makeCurrent(surface)):
        return "none"
    try:
        name = str(context.functions().glGetString(_GL_RENDERER)).lower()
    finally:
        context.doneCurrent()
    return "software" if any(word in name for word in _SOFTWARE) else "hardware"
