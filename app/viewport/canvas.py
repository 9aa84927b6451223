"""What the viewport asks of a back-end, and reading a VTK window into a `QImage`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget
    from vtkmodules.vtkRenderingCore import vtkRenderWindow


class Canvas(Protocol):
    """A widget that shows a `vtkRenderWindow`. It takes no mouse and no keyboard: its parent does."""

    render_window: vtkRenderWindow

    def request(self, *, scale: float = 1.0, samples: int = 0) -> None:
        """Draw once, soon: any number of requests before the next frame are one, the last.

        scale : drawn pixels per pixel of the screen; samples : of each pixel, for smooth edges. A wish: a canvas on a
        graphics card draws every frame at its best.
        """

    def sync(self) -> None:
        """Give the VTK window the widget's size."""

    def setGeometry(self, rectangle: QRect, /) -> None: ...

    def show(self) -> None: ...

    def shut_down(self) -> None:
        """Release OpenGL's objects; idempotent."""


STILL_SAMPLES = 4
"""Samples of each pixel in pictures and in a view that rests."""

MOST_SAMPLED = 16_000_000
"""Pixels of a picture up to which each is sampled several times: beyond, the samples would fill the memory, and edges
are fine as they are."""

CanvasMaker = Callable[["QWidget", Callable[[float], None]], "Canvas"]
"""Makes a canvas in a parent; the function that it is given is called after each drawing, with the seconds it took."""


def read_pixels(window: vtkRenderWindow, *, alpha: bool = False) -> QImage:
    """What the window has drawn, as an image of its own memory."""
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

    width, height = window.GetSize()
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    rows = np.ascontiguousarray(vtk_to_numpy(pixels).reshape(height, width, 4)[::-1])
    kind = QImage.Format.Format_RGBA8888_Premultiplied if alpha else QImage.Format.Format_RGBX8888
    return QImage(rows.data, width, height, 4 * width, kind).copy()
