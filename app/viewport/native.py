"""The canvas on a graphics card: the `QOpenGLWidget` that pyvistaqt draws VTK in (native on Wayland, docks float)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget

from app.viewport.canvas import Canvas, CanvasMaker
from app.viewport.opengl import prepare_opengl
from app.viewport.view import Viewport


class NativeViewport(Viewport):
    """The viewport on pyvistaqt's widget."""

    backend = "native"

    def __init__(self, parent: QWidget | None = None, *, software: bool = False) -> None:
        super().__init__(parent, software=software)
        prepare_opengl()
        # A window that gets its first OpenGL widget after it is shown is made anew by Qt: it flickers, and floating
        # docks jump. This one is there from the start, and costs nothing; pyvistaqt's comes when it is imported.
        self._herald = QOpenGLWidget(self)
        self._herald.setGeometry(0, 0, 1, 1)

    def make_canvas(self) -> CanvasMaker:
        return _make_canvas


def _make_canvas(parent: QWidget, drawn: Callable[[float], None]) -> Canvas:
    # pyvistaqt takes a second to import: only when the window is already there.
    from pyvistaqt.rwi import QVTKRenderWindowInteractor

    # Qt's and VTK's methods come with the base class, which only exists from here on.
    class NativeCanvas(QVTKRenderWindowInteractor):
        """Pyvistaqt's widget, deaf to the mouse and the keyboard: the viewport hears them."""

        def __init__(self) -> None:
            super().__init__(parent)
            self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.setAcceptDrops(False)
            self.render_window: Any = self.GetRenderWindow()
            self.render_window.SetMultiSamples(0 if getattr(parent, "software", True) else 4)
            self.render_window.SetAlphaBitPlanes(True)
            self.render_window.GetInteractor().SetInteractorStyle(None)
            self.render_window.GetInteractor().Initialize()
            self._closed = False

        def request(self, *, scale: float = 1.0, samples: int = 0) -> None:
            self.update()

        def sync(self) -> None:
            """Qt sizes the window, as soon as there is a context to draw in."""
            self._ensure_initialized()

        def paintGL(self) -> None:
            begin = time.monotonic()
            super().paintGL()
            drawn(time.monotonic() - begin)

        def shut_down(self) -> None:
            if not self._closed:
                self._closed = True
                self.close()

    return NativeCanvas()
