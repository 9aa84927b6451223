"""How the window looks on the document: camera, layout and picture. They go with a document, and are never undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImageWriter

from app.document.file import CameraRecord, Content
from app.viewport.records import CameraView
from app.window.appearance import LAYOUT_VERSION

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

PREVIEW = QSize(320, 240)
"""Pixels that the picture of a document has at most."""


class Outlook:
    """Reads and sets how one window looks. There may be no viewport yet: what is set waits for it."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._waiting: CameraView | None = None

    def camera(self) -> CameraRecord | None:
        """Where one looks from; None with nothing shown yet."""
        viewport = self._window.viewport
        if viewport is None or not getattr(viewport, "begun", False):
            return None
        view = viewport.camera()
        return CameraRecord(
            position=view.position, focal_point=view.focal_point, up=view.up, parallel=view.parallel, scale=view.scale,
            pivot=view.pivot,
        )  # fmt: skip

    def layout(self) -> bytes:
        """The docks as they are."""
        return bytes(self._window.saveState(LAYOUT_VERSION).data())

    def preview(self) -> bytes:
        """What is shown, as a small PNG; b"" with nothing shown yet."""
        viewport = self._window.viewport
        if viewport is None or not self._window.document.objects:
            return b""
        fit = min(PREVIEW.width() / max(viewport.width(), 1), PREVIEW.height() / max(viewport.height(), 1), 1.0)
        image = viewport.picture(scale=fit)
        if image.isNull():
            return b""
        small = image.scaled(PREVIEW, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        QImageWriter(buffer, QByteArray(b"png")).write(small)
        return bytes(content.data())

    def restore(self, content: Content) -> None:
        """Look as the document was left."""
        if content.layout:
            self._window.restoreState(QByteArray(content.layout), LAYOUT_VERSION)
        camera = content.camera
        self._waiting = None
        if camera is not None:
            self._waiting = CameraView(
                camera.position, camera.focal_point, camera.up, camera.parallel, camera.scale, camera.pivot
            )
        self.viewport_came()

    def viewport_came(self) -> None:
        """Set the camera that waited for a viewport."""
        if self._window.viewport is not None and self._waiting is not None:
            self._window.viewing.perspective = not self._waiting.parallel
            self._window.viewport.set_perspective(not self._waiting.parallel)
            self._window.viewport.set_camera(self._waiting)
            self._waiting = None
