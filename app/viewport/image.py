"""The canvas without Qt's OpenGL: an off-screen VTK window copied into an image and painted.

Works wherever VTK finds any OpenGL (EGL and OSMesa included): tests, remote desktops, Qt's offscreen platform. On
software OpenGL it is also the quicker and the lighter of the two.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.viewport.canvas import CanvasMaker, read_pixels
from app.viewport.view import Viewport


class ImageCanvas(QWidget):
    """Shows what an off-screen `vtkRenderWindow` has drawn."""

    def __init__(self, parent: QWidget, drawn: Callable[[float], None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._drawn = drawn
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            # VTK would try X first and complain on the console.
            os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the window's class)
        from vtkmodules.vtkRenderingCore import vtkRenderWindow

        self.render_window = vtkRenderWindow()
        self.render_window.SetOffScreenRendering(True)
        self.render_window.SetShowWindow(False)
        self.render_window.SetMultiSamples(0)
        self.render_window.SetAlphaBitPlanes(True)
        self._image = QImage()
        self._stale = True
        self._closed = False
        self._scale = 1.0

    def request(self, *, scale: float = 1.0, samples: int = 0) -> None:
        self._scale = scale
        self.render_window.SetMultiSamples(samples)
        self._stale = True
        self.update()

    def sync(self) -> None:
        """Give VTK the widget's size in device pixels."""
        width, height = self._pixels(1.0)
        self.render_window.SetSize(width, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._stale and not self._closed:
            self._stale = False
            begin = time.monotonic()
            self.render_window.SetSize(*self._pixels(self._scale))
            self.render_window.Render()
            self._image = self._enlarged(read_pixels(self.render_window))
            self._drawn(time.monotonic() - begin)
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), self._image)
        painter.end()

    def _pixels(self, scale: float) -> tuple[int, int]:
        ratio = self.devicePixelRatioF() * scale
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def _enlarged(self, image: QImage) -> QImage:
        """The image at the size of the screen: once a drawing, not with every repaint of what lies over it."""
        width, height = self._pixels(1.0)
        if (image.width(), image.height()) == (width, height):
            return image
        large = QImage(width, height, QImage.Format.Format_RGB32)
        painter = QPainter(large)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, width, height), image)
        painter.end()
        return large

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._stale = True
        super().resizeEvent(event)

    def shut_down(self) -> None:
        if not self._closed:
            self._closed = True
            self.render_window.Finalize()


class ImageViewport(Viewport):
    """The viewport on an `ImageCanvas`."""

    backend = "image"

    def make_canvas(self) -> CanvasMaker:
        return ImageCanvas
